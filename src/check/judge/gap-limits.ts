import type { Finding, limit } from './finding.ts'
import { gapsOf } from './gaps.ts'
import { countedTracks } from './listening.ts'
import { comparedPart, type Pair, unheard, unrecognised } from './pair.ts'
import { percent } from './scene.ts'
import { msText, overlapMs, type Stretch, timeText } from './times.ts'

export const longestGapFinding = (pair: Pair, mostMs: number, tell: ReturnType<typeof limit>): Finding => {
  const missing = unheard(pair, tell)
  if (missing) return missing
  if (!pair.heard) return countedGapFinding(pair, mostMs, tell)
  const strange = unrecognised(pair, tell)
  if (strange) return strange
  const part = comparedPart(pair)!
  const { silent, concealed, saidMs } = gapsOf(pair, part)
  const unread = unreadFinding(pair, part, saidMs, tell)
  if (unread) return unread
  const longest = silent.reduce((a, b) => (b.ms > a.ms ? b : a), { atMs: concealed.atMs, ms: 0 })
  const leastMs = Math.max(longest.ms, concealed.leastMs)
  const upToMs = Math.max(longest.ms, concealed.mostMs)
  const atMs = longest.ms >= concealed.leastMs && longest.ms > 0 ? longest.atMs : concealed.atMs
  const evidence = [
    `Of ${msText(saidMs)} that were due the longest silence was ${msText(longest.ms)}${longest.ms > 0 ? ` at ${timeText(longest.atMs)}` : ''}; ${concealedText(concealed)}.`,
  ]
  if (leastMs <= mostMs && upToMs > mostMs) return tell.unknown('between-readings', ...evidence)
  return tell.judged(leastMs <= mostMs, {
    measured: msText(leastMs <= mostMs ? upToMs : leastMs),
    at: { fromMs: atMs, untilMs: atMs + leastMs },
    evidence,
    excuse: { during: { fromMs: atMs, untilMs: atMs + leastMs }, byMs: leastMs - mostMs },
  })
}

const concealedText = ({ leastMs, mostMs, atMs }: { leastMs: number; mostMs: number; atMs: number }): string =>
  mostMs === 0
    ? 'the receiver made nothing up'
    : `the longest that the receiver made up was ${leastMs === mostMs ? '' : `${Math.round(leastMs)} to `}${msText(mostMs)} near ${timeText(atMs)}`

/** A speaker's sound that the runner did not read in time cannot be missed. */
const unreadFinding = (pair: Pair, part: Stretch, saidMs: number, tell: ReturnType<typeof limit>): Finding | null => {
  const stalls = pair.said?.spoken.stalls ?? []
  const unreadMs = stalls.reduce((sum, { atMs, ms }) => sum + overlapMs({ fromMs: atMs, untilMs: atMs + ms }, part), 0)
  if (saidMs === 0) return tell.unknown('not-spoken', `${pair.speaker} said nothing in that time.`)
  return unreadMs <= 0.1 * saidMs
    ? null
    : tell.unknown(
        'runner',
        `The runner fell behind with what ${pair.speaker} said, for ${msText(unreadMs)} of ${msText(saidMs)}.`,
      )
}

const countedGapFinding = (pair: Pair, mostMs: number, tell: ReturnType<typeof limit>): Finding => {
  const muted = (atMs: number) =>
    pair.hearing.muted.some(
      ({ fromMs, untilMs }) => atMs >= fromMs - 500 && atMs <= (untilMs ?? Number.POSITIVE_INFINITY) + 300,
    )
  const gaps = countedTracks(pair.hearing)
    .flatMap(({ sound }) => sound.gaps)
    .filter(({ atMs }) => atMs >= pair.window.fromMs && atMs <= pair.window.untilMs && !muted(atMs))
  const longest = gaps.reduce((a, b) => (b.ms > a.ms ? b : a), { atMs: pair.window.fromMs, ms: 0 })
  return tell.judged(longest.ms <= mostMs, {
    measured: msText(longest.ms),
    at: { fromMs: longest.atMs, untilMs: longest.atMs + longest.ms },
    evidence: [
      `${countText(gaps.length, 'gap')} by packets; the longest ${longest.ms > 0 ? `at ${timeText(longest.atMs)}` : 'is none'}.`,
    ],
    excuse: { during: { fromMs: longest.atMs, untilMs: longest.atMs + longest.ms }, byMs: longest.ms - mostMs },
  })
}

const countText = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`

export const gapShareFinding = (pair: Pair, most: number, tell: ReturnType<typeof limit>): Finding => {
  const missing = unheard(pair, tell)
  if (missing) return missing
  const tracks = countedTracks(pair.hearing)
  if (!pair.heard) {
    const [packets, lost] = [
      tracks.reduce((sum, { sound }) => sum + sound.packets, 0),
      tracks.reduce((sum, { sound }) => sum + sound.lost, 0),
    ]
    const share = lost / Math.max(1, packets + lost)
    return tell.judged(share <= most, {
      measured: percent(share),
      at: pair.window,
      evidence: [`${lost} of ${packets + lost} packets never came.`],
      excuse: { during: pair.window, byMs: (share - most) * (packets + lost) * 20 },
    })
  }
  const strange = unrecognised(pair, tell)
  if (strange) return strange
  const part = comparedPart(pair)!
  const { missingMs, saidMs } = gapsOf(pair, part)
  const unread = unreadFinding(pair, part, saidMs, tell)
  if (unread) return unread
  const share = missingMs / saidMs
  return tell.judged(share <= most, {
    measured: percent(share),
    at: part,
    evidence: [`${msText(missingMs)} of ${msText(saidMs)} were silent or made up.`],
    excuse: { during: part, byMs: missingMs - most * saidMs },
  })
}
