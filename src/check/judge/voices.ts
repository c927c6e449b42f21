import { placesOf } from '../../audio/likeness.ts'
import type { SoundLine } from '../../audio/sound-line.ts'
import type { SoundPiece } from '../contract.ts'
import { partsWithin } from './audible.ts'
import { type Finding, limit } from './finding.ts'
import { countedTracks } from './listening.ts'
import { comparedPart, type Pair } from './pair.ts'
import { absenceOf, isEncrypted, type Scene } from './scene.ts'
import { msText, overlapMs, type Stretch, timeText } from './times.ts'

/** Likeness from which a voice is somebody's, and surely so; by how much another must fit better; below which it is nobody's. */
const OWN = 0.5
const SURE = 0.75
const MARGIN = 0.15
const UNLIKE = 0.25
const LEAST_WINDOWS = 3

/** The right voice on the right name: what was heard under a name is held against what everybody said meanwhile. */
export const voiceFinding = (pair: Pair, tell: ReturnType<typeof limit>): Finding => {
  const { scene, listener, speaker, said, heard } = pair
  const part = comparedPart(pair)
  if (!part || !said || !heard)
    return tell.unknown('not-heard', `${listener} heard nothing that could be ${speaker}'s voice.`)
  const own = likenessTo(pair, speaker)
  if (own.count < LEAST_WINDOWS)
    return tell.unknown('too-short', `${listener} heard ${speaker} for too short to know the voice.`)
  // What fits so well fits nobody else, and comparing costs time.
  if (own.likeness >= SURE)
    return tell.judged(true, {
      measured: `${speaker} ${own.likeness.toFixed(2)}`,
      at: part,
      evidence: [
        `What ${listener} heard under the name of ${speaker} is like what was said to ${own.likeness.toFixed(2)} (1 is the same wave).`,
      ],
    })
  const others = scene.evidence.spoken
    .filter(({ actor }) => actor !== speaker)
    .map(({ actor }) => ({ actor, ...likenessTo(pair, actor) }))
    .filter(({ count }) => count >= LEAST_WINDOWS)
  const other = others.toSorted((a, b) => b.likeness - a.likeness)[0]
  const measured = [{ actor: speaker, ...own }, ...(other ? [other] : [])]
    .map(({ actor, likeness }) => `${actor} ${likeness.toFixed(2)}`)
    .join(', ')
  const found = {
    measured,
    at: part,
    evidence: [
      `What ${listener} heard under the name of ${speaker}, held against what was said (1 is the same wave): ${measured}.`,
    ],
  }
  if (own.likeness >= OWN && own.likeness >= (other?.likeness ?? 0) - 0.05) return tell.judged(true, found)
  if (other && other.likeness >= OWN && other.likeness >= own.likeness + MARGIN) return tell.judged(false, found)
  if (own.likeness < UNLIKE && own.count >= 2 * LEAST_WINDOWS) return tell.judged(false, found)
  return tell.unknown('unclear', ...found.evidence)
}

/** Over those stretches during which something was heard: a hole is no other voice. */
const likenessTo = ({ scene, hearing, heard, window }: Pair, actor: string): { likeness: number; count: number } => {
  const windows = (scene.ears.compare(actor, hearing)?.windows ?? []).filter(({ atMs, lagMs }) => {
    const stretch = { fromMs: atMs + lagMs, untilMs: atMs + lagMs + 320 }
    const isSounding = heard!.stretches.some((one) => overlapMs(one, stretch) > 0)
    return isSounding && stretch.fromMs >= window.fromMs && stretch.untilMs <= window.untilMs
  })
  return {
    count: windows.length,
    likeness: windows.reduce((sum, { match }) => sum + match, 0) / Math.max(1, windows.length),
  }
}

/** A second place that agrees like this, at one distance from a first in half of the stretches, is a second copy. */
const COPY = { first: 0.55, match: 0.45, share: 0.5, nearMs: 8, windows: 16, least: 5 }
/** So far from the usual lag a place is not the first. */
const FIRST_NEAR_MS = 200
/** Closer than this nobody hears two, and a vowel agrees with itself at each period of its pitch. */
const LEAST_DISTANCE_MS = 60
const MOST_DISTANCE_MS = 1500

/** How often one voice is there: by several tracks at once, and by one more copy within a track. */
export const copiesFinding = (pair: Pair, wanted: number, tell: ReturnType<typeof limit>): Finding => {
  if (!pair.heard) return countedCopies(pair, wanted, tell)
  if (pair.sounds.length === 0) return tell.unknown('not-heard', `${pair.listener} heard nothing of ${pair.speaker}.`)
  const tracks = pair.heard.copies.filter(({ sound }) => partsWithin(sound.pieces.map(spanOf), pair.window).length > 0)
  const isTelling = pair.said?.repetition.kind === 'unique' && pair.comparison?.lagMs !== null
  const secondMs = isTelling ? secondCopy(pair) : null
  const count = 1 + tracks.length + (secondMs === null ? 0 : 1)
  const inside = !isTelling
    ? 'whether one is within a track cannot be told from such sound'
    : secondMs === null
      ? 'no second one within a track'
      : `a second one within a track, ${msText(secondMs)} from the first`
  return tell.judged(count === wanted, {
    measured: String(count),
    at: pair.window,
    evidence: [
      `${pair.speaker} came by ${tracks.length === 0 ? 'one track' : `${1 + tracks.length} tracks at once`}; ${inside}.`,
    ],
  })
}

const spanOf = ({ atMs, samples }: SoundPiece): Stretch => ({ fromMs: atMs, untilMs: atMs + samples.length / 48 })

const secondCopy = ({ said, heard, comparison }: Pair): number | null => {
  const lagMs = comparison!.lagMs!
  const places = placesOf(said!.line, heard!.line, {
    minLagMs: lagMs - MOST_DISTANCE_MS,
    maxLagMs: lagMs + MOST_DISTANCE_MS,
    windows: COPY.windows,
  })
  const found = places.filter(
    ({ peaks: [best] }) => best && best.match >= COPY.first && Math.abs(best.lagMs - lagMs) < FIRST_NEAR_MS,
  )
  const distances = found.map(({ peaks: [best, ...rest] }) =>
    rest
      .filter(({ match }) => match >= COPY.match)
      .map((peak) => Math.abs(peak.lagMs - best!.lagMs))
      .filter((ms) => ms > LEAST_DISTANCE_MS),
  )
  return agreedOn(distances, COPY)?.ms ?? null
}

/** A value that lies in so large a share of the lists, and in so many at least. */
const agreedOn = (
  lists: readonly number[][],
  { share, nearMs, least }: { share: number; nearMs: number; least: number },
) => {
  const counted = lists.flat().map((ms) => ({
    ms,
    count: lists.filter((list) => list.some((one) => Math.abs(one - ms) <= nearMs)).length,
  }))
  const best = counted.toSorted((a, b) => b.count - a.count)[0]
  return best && best.count >= least && best.count >= share * lists.length ? best : null
}

/** A server that sends each packet twice has one copy more. */
const TWICE_SHARE = 0.2

const countedCopies = (
  { hearing, listener, speaker, window }: Pair,
  wanted: number,
  tell: ReturnType<typeof limit>,
): Finding => {
  const tracks = countedTracks(hearing).filter(({ sound }) => sound.packets > 0)
  if (tracks.length === 0) return tell.unknown('not-heard', `No packet of ${speaker} came to ${listener}.`)
  const spans = tracks.map(({ sound }) => ({ fromMs: sound.firstAtMs ?? 0, untilMs: sound.lastAtMs ?? 0 }))
  const atOnce = Math.max(
    ...spans.map(({ fromMs }) => spans.filter((span) => span.fromMs <= fromMs && span.untilMs > fromMs + 500).length),
    1,
  )
  const [packets, duplicates] = (['packets', 'duplicates'] as const).map((name) =>
    tracks.reduce((sum, { sound }) => sum + sound[name], 0),
  ) as [number, number]
  const count = atOnce + (duplicates > TWICE_SHARE * packets ? 1 : 0)
  return tell.judged(count === wanted, {
    measured: String(count),
    at: window,
    evidence: [
      `${atOnce} ${atOnce === 1 ? 'track' : 'tracks at once'} of ${speaker}; ${duplicates} of ${packets} packets came twice.`,
    ],
  })
}

/** An own sound that comes back at one lag in so many of the stretches is an echo, even where others speak over it. */
const ECHO = { match: 0.25, share: 0.4, nearMs: 10, least: 3 }
const ECHO_WINDOWS = 24
const MOST_ECHO_MS = 2000
/** Two sounds this much alike cannot be told apart. */
const ALIKE = 0.5

/** Nobody hears themselves, on whatever track. */
export const echoFinding = (scene: Scene, listener: string): Finding => {
  const tell = limit('no-echo', 'not to hear themselves')
  const { evidence, ears } = scene
  const absence = absenceOf(scene, listener, evidence.durationMs)
  if (absence) return tell.unknown(absence.code, absence.sentence)
  const hearings = evidence.hearings.filter((hearing) => hearing.listener === listener)
  if (hearings.some(isEncrypted))
    return tell.refused('encrypted', `What ${listener} hears is encrypted, and the check has no key for it.`)
  const own = ears.said(listener)
  if (!own || own.stretches.length === 0)
    return tell.unknown('not-spoken', `${listener} said nothing, so nothing could come back.`)
  const mirrored = hearings.find(({ speaker, tracks }) => speaker === listener && tracks.length > 0)?.tracks[0]
  if (mirrored)
    return tell.judged(false, {
      measured: 'the own track',
      at: mirrored,
      evidence: [`${listener} was given the own track back at ${timeText(mirrored.fromMs)}.`],
    })
  const searched: string[] = []
  for (const hearing of hearings) {
    const heard = ears.heard(hearing)
    if (!heard || heard.stretches.length === 0) continue
    const other = ears.said(hearing.speaker)
    if (other && areAlike(own.line, other.line))
      return tell.unknown('unclear', `What ${listener} and ${hearing.speaker} say cannot be told apart.`)
    searched.push(hearing.speaker)
    const places = placesOf(own.line, heard.line, { minLagMs: 0, maxLagMs: MOST_ECHO_MS, windows: ECHO_WINDOWS })
    const lags = places.map(({ peaks }) => peaks.filter(({ match }) => match >= ECHO.match).map(({ lagMs }) => lagMs))
    const echo = agreedOn(lags, ECHO)
    if (echo)
      return tell.judged(false, {
        measured: `after ${msText(echo.ms)}`,
        evidence: [
          `What ${listener} said came back ${msText(echo.ms)} later under the name of ${hearing.speaker}, in ${echo.count} of ${places.length} stretches.`,
        ],
      })
  }
  if (searched.length === 0)
    return tell.unknown('not-heard', `${listener} heard nobody, so nothing could be looked for.`)
  return tell.judged(true, {
    measured: 'none',
    evidence: [`${listener}'s own sound was looked for in what came of ${searched.join(', ')}.`],
  })
}

const areAlike = (a: SoundLine, b: SoundLine): boolean => {
  const offsetMs = b.fromMs - a.fromMs
  const places = placesOf(a, b, { minLagMs: offsetMs - 500, maxLagMs: offsetMs + 1500, windows: 6 })
  return places.length > 0 && places.filter(({ peaks }) => (peaks[0]?.match ?? 0) > ALIKE).length > places.length / 2
}
