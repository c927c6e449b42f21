import { levelLineOf } from '../../audio/sound-line.ts'
import type { Expectation } from '../contract.ts'
import { audibleStretches, HEARD_DB, partsWithin, TURN_SILENCE_MS } from './audible.ts'
import { type Finding, limit } from './finding.ts'
import { lengthMs } from './pair.ts'
import { absenceOf, actorOf, hearingOf, isEncrypted, percent, type Scene, soundsHeard } from './scene.ts'
import { msText, type Stretch, timeText, togetherOf, windowOf } from './times.ts'

type Of<Kind extends Expectation['kind']> = Extract<Expectation, { kind: Kind }>

/** Less is a rest in a buffer, or the end of a track. */
const LEAST_SOUND_MS = 30
const LEAST_THERE_MS = 200

/** Nothing of the speaker is audible to the listener in the window. */
export const silenceFinding = (
  scene: Scene,
  { window: asked }: Of<'silence'>,
  listener: string,
  speaker: string,
): Finding => {
  const tell = limit('silence', 'not to be heard')
  const window = windowOf(asked, scene.evidence)
  if (!window) return tell.unknown('step', 'The time to look at never came: a step that it depends on was not done.')
  const absence = absenceOf(scene, listener, window.untilMs)
  if (absence) return tell.unknown(absence.code, absence.sentence)
  const thereMs = lengthMs(togetherOf([actorOf(scene, listener)!], window, scene.evidence.durationMs))
  if (thereMs < LEAST_THERE_MS) return tell.unknown('never-there', `${listener} was not in the room in that time.`)
  const hearing = hearingOf(scene, listener, speaker)
  if (isEncrypted(hearing))
    return tell.refused('encrypted', `What ${speaker} says is encrypted, and the check has no key for it.`)
  const sounds = hearing ? partsWithin(soundsHeard(hearing), window) : []
  const isCounted = hearing?.tracks.some(({ sound }) => sound.kind === 'packets' && sound.packets > 0) ?? false
  const isHeard = sounds.length > 0 && (isCounted || lengthMs(sounds) >= LEAST_SOUND_MS)
  return tell.judged(!isHeard, {
    measured: isHeard ? `from ${timeText(sounds[0]!.fromMs)} on` : 'silence',
    at: isHeard ? { fromMs: sounds[0]!.fromMs, untilMs: sounds.at(-1)!.untilMs } : window,
    evidence: [
      isHeard
        ? `${listener} heard ${speaker} from ${timeText(sounds[0]!.fromMs)} to ${timeText(sounds.at(-1)!.untilMs)}.`
        : `${listener} was there for ${msText(thereMs)} and was given ${hearing && hearing.tracks.length > 0 ? 'nothing audible' : 'no track'} of ${speaker}.`,
    ],
  })
}

/** Two that were heard within so short a time of each other might have been the other way round. */
const SURE_MS = 40

export const orderFinding = (scene: Scene, { speakers }: Of<'order'>, listener: string): Finding => {
  const tell = limit('order', speakers.join(', then '))
  const { evidence } = scene
  for (const name of [listener, ...speakers]) {
    const absence = absenceOf(scene, name, evidence.durationMs)
    if (absence) return tell.unknown(absence.code, absence.sentence)
  }
  const firsts = speakers.map((speaker) => {
    const hearing = hearingOf(scene, listener, speaker)
    return {
      speaker,
      isEncrypted: isEncrypted(hearing),
      atMs: hearing ? (soundsHeard(hearing)[0]?.fromMs ?? null) : null,
    }
  })
  const hidden = firsts.find((first) => first.isEncrypted)
  if (hidden)
    return tell.refused('encrypted', `What ${hidden.speaker} says is encrypted, and the check has no key for it.`)
  const told = [
    `${listener} first heard ${firsts.map(({ speaker, atMs }) => `${speaker} ${atMs === null ? 'never' : `at ${timeText(atMs)}`}`).join(', ')}.`,
  ]
  const unheard = firsts.find(({ atMs }) => atMs === null)
  if (unheard) {
    const spoke = scene.ears.said(unheard.speaker)?.stretches.length ?? 0
    const isExternal = scene.plan.actors.some(({ name, external }) => name === unheard.speaker && external !== null)
    if (spoke === 0 && !isExternal) return tell.unknown('not-spoken', `${unheard.speaker} said nothing.`)
    return tell.judged(false, { measured: `${unheard.speaker} was never heard`, evidence: told })
  }
  const steps = firsts.slice(1).map(({ atMs }, i) => atMs! - firsts[i]!.atMs!)
  if (steps.some((ms) => Math.abs(ms) < SURE_MS) && steps.every((ms) => ms > -SURE_MS))
    return tell.unknown('too-close', ...told)
  const heard = firsts.toSorted((a, b) => a.atMs! - b.atMs!).map(({ speaker }) => speaker)
  return tell.judged(
    steps.every((ms) => ms > 0),
    {
      measured: heard.join(', then '),
      evidence: told,
      excuse: {
        during: { fromMs: firsts[0]!.atMs!, untilMs: firsts.at(-1)!.atMs! },
        byMs: Math.abs(Math.min(...steps)),
      },
    },
  )
}

/** Each turn of the asker, and how long after it the answer began: a voice that was not there before the turn. */
export const answersFinding = (scene: Scene, expectation: Of<'answers'>): Finding => {
  const { speaker, listener, withinMs, percentile, turns: wanted } = expectation
  const tell = limit('answers', `p${percentile} at most ${msText(withinMs)} over ${wanted} turns`)
  const { evidence, ears } = scene
  for (const name of [listener, speaker]) {
    const absence = absenceOf(scene, name, evidence.durationMs)
    if (absence) return tell.unknown(absence.code, absence.sentence)
  }
  const hearing = hearingOf(scene, listener, speaker)
  if (isEncrypted(hearing))
    return tell.refused('encrypted', `What ${speaker} says is encrypted, and the check has no key for it.`)
  const endMs = evidence.durationMs
  const turns = (ears.said(listener)?.turns ?? []).filter(
    ({ untilMs }, i, all) => (all[i + 1]?.fromMs ?? endMs) - untilMs >= withinMs,
  )
  if (turns.length < wanted)
    return tell.unknown(
      'too-few-turns',
      `${listener} asked ${turns.length} times with ${msText(withinMs)} to answer in, not ${wanted} times.`,
    )
  const answers = hearing ? utterances(scene, hearing) : []
  const delays = turns.map(({ fromMs, untilMs }, i) => {
    const next = turns[i + 1]?.fromMs ?? endMs
    const answer = answers.find((one) => one.fromMs >= fromMs && one.fromMs < next && one.untilMs > untilMs)
    return answer ? Math.max(0, answer.fromMs - untilMs) : Number.POSITIVE_INFINITY
  })
  const sorted = delays.toSorted((a, b) => a - b)
  const measured = sorted[Math.max(0, Math.ceil((percentile / 100) * sorted.length) - 1)]!
  const unanswered = delays.filter((ms) => ms === Number.POSITIVE_INFINITY).length
  const worst = turns[delays.indexOf(sorted.at(-1)!)]!
  return tell.judged(measured <= withinMs, {
    measured:
      measured === Number.POSITIVE_INFINITY ? `${percent(unanswered / delays.length)} unanswered` : msText(measured),
    at: worst,
    evidence: [
      `Over ${turns.length} turns of ${listener}, ${unanswered} without an answer; the slowest was asked until ${timeText(worst.untilMs)}.`,
    ],
    excuse: {
      during: { fromMs: turns[0]!.fromMs, untilMs: endMs },
      byMs: measured === Number.POSITIVE_INFINITY ? endMs : measured - withinMs,
    },
  })
}

const utterances = ({ ears }: Scene, hearing: Parameters<typeof soundsHeard>[0]): Stretch[] => {
  const heard = ears.heard(hearing)
  return heard
    ? audibleStretches(levelLineOf(heard.tracks.flatMap(({ sound }) => sound.pieces)), HEARD_DB, TURN_SILENCE_MS)
    : []
}
