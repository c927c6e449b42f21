import { powerDb } from '../../audio/level.ts'
import { matchSounds } from '../../audio/likeness.ts'
import { levelAt, soundLineOf } from '../../audio/sound-line.ts'
import type { HearLimits } from '../contract.ts'
import { partsWithin } from './audible.ts'
import type { Finding, limit } from './finding.ts'
import { comparedPart, type Pair, unheard, unrecognised } from './pair.ts'
import { msText, overlapMs, timeText } from './times.ts'

export const levelFinding = (
  pair: Pair,
  { db, toleranceDb }: { db: number; toleranceDb: number },
  tell: ReturnType<typeof limit>,
): Finding => {
  const missing = unheard(pair, tell)
  if (missing) return missing
  if (!pair.heard) return tell.unknown('not-decoded', `${pair.listener} is a light listener, which tells no level.`)
  const strange = pair.said ? unrecognised(pair, tell) : null
  if (strange) return strange
  let power = 0
  let count = 0
  for (const { fromMs, untilMs } of partsWithin(pair.heard.stretches, pair.window)) {
    for (let atMs = fromMs; atMs < untilMs; atMs += 10, count++) power += 10 ** (levelAt(pair.heard.levels, atMs) / 10)
  }
  const measured = powerDb((power / Math.max(1, count)) * 32768 ** 2, 1)
  return tell.judged(Math.abs(measured - db) <= toleranceDb, {
    measured: `${measured.toFixed(1)} dBFS`,
    at: pair.window,
    evidence: [`RMS of ${msText(count * 10)} that were audible.`],
  })
}

export const likeFinding = (
  pair: Pair,
  { path, atLeast }: NonNullable<HearLimits['like']>,
  tell: ReturnType<typeof limit>,
): Finding => {
  const missing = unheard(pair, tell)
  if (missing) return missing
  if (!pair.heard) return tell.unknown('not-decoded', `${pair.listener} is a light listener, which cannot compare.`)
  const match = path === null ? saidMatch(pair) : fileMatch(pair, path)
  if (!match || match.windows.length === 0)
    return tell.unknown(
      'unknown-sound',
      path === null
        ? `Too little of what ${pair.speaker} said is known to compare.`
        : `${path} has nothing audible to compare.`,
    )
  const unlike = match.windows.reduce((a, b) => (b.match < a.match ? b : a))
  return tell.judged(match.likeness >= atLeast, {
    measured: match.likeness.toFixed(2),
    at: { fromMs: unlike.atMs + unlike.lagMs, untilMs: unlike.atMs + unlike.lagMs + 320 },
    evidence: [
      `${match.windows.length} stretches of 320 ms compared; the least alike, ${unlike.match.toFixed(2)}, is near ${timeText(unlike.atMs + unlike.lagMs)}.`,
    ],
  })
}

const saidMatch = (pair: Pair) => {
  const part = comparedPart(pair)
  if (!part || !pair.comparison || !pair.said) return null
  const { stalls } = pair.said.spoken
  const windows = pair.comparison.windows.filter(
    ({ atMs }) =>
      atMs >= part.fromMs &&
      atMs + 320 <= part.untilMs &&
      atMs + 320 >= pair.window.fromMs &&
      // What the runner did not read in time went out torn.
      !stalls.some(
        (stall) =>
          overlapMs({ fromMs: stall.atMs, untilMs: stall.atMs + stall.ms }, { fromMs: atMs, untilMs: atMs + 320 }) > 0,
      ),
  )
  return { windows, likeness: windows.reduce((sum, { match }) => sum + match, 0) / Math.max(1, windows.length) }
}

/** A file may have been played at any time: its place in all that was heard is looked for. */
const fileMatch = (pair: Pair, path: string) => {
  const samples = pair.scene.evidence.references.find((reference) => reference.path === path)?.samples
  if (!samples) return null
  const file = soundLineOf([{ atMs: 0, samples }])
  const { fromMs, untilMs } = pair.window
  return matchSounds(file, pair.heard!.line, { minLagMs: fromMs - samples.length / 48, maxLagMs: untilMs })
}
