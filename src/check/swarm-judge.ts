import type { Outcome } from './contract.ts'
import type { HeardRecord, PairRecord, SwarmEvidence } from './swarm-evidence.ts'
import { type Figure, isHeard, type MetricName, type SwarmFigures } from './swarm-figures.ts'
import { markerOf, voiceOnWire } from './swarm-plan.ts'
import { keeps, type Threshold } from './thresholds.ts'

export type SwarmVerdict = {
  what: string
  outcome: Outcome
  /** For all but pass and fail: `runner`, `no-data`, `quota`, `encrypted`. */
  code: string | null
  measured: string | null
  wanted: string
  /** What it rests on. */
  evidence: string[]
}

export type SwarmWants = { audio: boolean; thresholds: Threshold[] }

/** Pure. What every swarm has to do, then what was asked for. */
export const judgeSwarm = (evidence: SwarmEvidence, [total]: SwarmFigures[], wants: SwarmWants): SwarmVerdict[] => [
  judgeJoins(evidence),
  ...judgeStays(evidence),
  ...judgeSenders(evidence),
  ...judgeVoices(evidence),
  ...(wants.audio ? [judgeAudio(evidence), ...judgeDecoded(evidence)] : []),
  ...wants.thresholds.map((threshold) => judgeThreshold(threshold, total!.metrics[threshold.metric], evidence)),
]

const MAX_LINES = 10

const judgeJoins = (evidence: SwarmEvidence): SwarmVerdict => {
  const { bots, cutShort } = evidence
  const failed = bots.filter(({ error, joinedMs }) => error !== null || (joinedMs === null && !cutShort))
  const joined = bots.filter(({ joinedMs }) => joinedMs !== null)
  const told = {
    what: 'joins',
    measured: `${joined.length} of ${bots.length}`,
    wanted: 'all join, and speak if they are to',
    evidence: some(failed.map(({ identity, error }) => `${identity}: ${error?.message ?? 'it never came in'}`)),
  }
  if (cutShort?.code === 'quota') return { ...told, outcome: 'refused', code: 'quota', evidence: [cutShort.message] }
  if (bots.length === 0) return { ...told, ...noData('nobody was sent') }
  if (failed.length === 0) return { ...told, ...passed }
  // Who had no time to join says nothing of the server.
  const slow = runnerTrouble(evidence)
  return slow ? { ...told, ...blamed(slow) } : { ...told, ...failure }
}

const judgeStays = ({ bots, cutShort }: SwarmEvidence): SwarmVerdict[] => {
  const gone = bots.filter(({ ended }) => ended !== null && ended !== 'left')
  if (gone.length === 0 || cutShort) return []
  return [
    {
      what: 'stays',
      ...failure,
      measured: `${gone.length} fell out`,
      wanted: 'nobody falls out of the room',
      evidence: some(gone.map(({ identity, ended }) => `${identity}: ${ended}`)),
    },
  ]
}

const UNDERRUN_SHARE = 0.1

/** A run that sent less than it was to proves nothing by what it did not lose. */
const judgeSenders = ({ bots, cutShort }: SwarmEvidence): SwarmVerdict[] => {
  const short = bots.filter(({ due, sent, ended }) => due > 0 && ended === null && due - sent > due * UNDERRUN_SHARE)
  if (short.length === 0 || cutShort) return []
  const lines = short.map(({ identity, due, sent }) => `${identity} sent ${sent} of ${due} packets that were due`)
  return [
    {
      what: 'senders',
      outcome: 'inconclusive',
      code: 'runner',
      measured: `${short.length} sent too little`,
      wanted: `at least ${100 - UNDERRUN_SHARE * 100} % of what was due is sent`,
      evidence: some(lines),
    },
  ]
}

/** Each packet of ours says whose it is: on another's track it is a server's fault, and never a runner's. */
const judgeVoices = ({ pairs }: SwarmEvidence): SwarmVerdict[] => {
  const wrong = pairs.filter(({ voice, voices }) => voice !== null && voices.some((one) => one !== voiceOnWire(voice)))
  if (wrong.length === 0) return []
  return [
    {
      what: 'voices',
      ...failure,
      measured: `${wrong.length} with another's voice`,
      wanted: 'the right voice on the right name',
      evidence: some(wrong.map(({ listener, speaker }) => `${listener} heard another voice in the name of ${speaker}`)),
    },
  ]
}

const judgeAudio = (evidence: SwarmEvidence): SwarmVerdict => {
  const { pairs } = evidence
  const told = { what: 'audio', measured: null, wanted: 'everyone hears everyone who sends sound', evidence: [] }
  const encrypted = pairs.filter(({ isEncrypted }) => isEncrypted)
  if (encrypted.length > 0) {
    const names = new Set(encrypted.map(({ speaker }) => speaker))
    const lines = [...names].map((name) => `${name} sends encrypted sound, and its key is not known here`)
    return { ...told, outcome: 'refused', code: 'encrypted', evidence: some(lines) }
  }
  if (pairs.length === 0) {
    const isBlind = evidence.bots.every(({ joinedMs }) => joinedMs === null)
    const isSpokenIn = evidence.bots.some(({ voice }) => voice !== null)
    return isBlind || isSpokenIn
      ? { ...told, ...noData('nobody was in the room for long enough to hear anything') }
      : { ...told, ...failure, measured: 'nobody sent sound', evidence: ['no track was there to be heard'] }
  }
  const unheard = pairs.filter((pair) => !isHeard(pair))
  const measured = `${pairs.length - unheard.length} of ${pairs.length} pairs of listener and voice`
  if (unheard.length === 0) return { ...told, ...passed, measured }
  const lines = some(unheard.map(unheardLine))
  const slow = runnerTrouble(evidence)
  return { ...told, measured, ...(slow ? blamed(slow, lines) : { ...failure, evidence: lines }) }
}

const unheardLine = ({
  listener,
  speaker,
  firstSoundMs,
  lastMs,
  untilMs,
  longestPauseMs,
  fromMs,
}: PairRecord): string =>
  firstSoundMs === null
    ? `${listener} heard nothing of ${speaker} from ${seconds(fromMs)} to ${seconds(untilMs)}`
    : `${listener} heard nothing of ${speaker} for ${seconds(longestPauseMs!)}, last at ${seconds(lastMs!)}`

const AUDIBLE_S = 0.1

/** What was decoded is the voice that it should be. */
const judgeDecoded = ({ heard, pairs }: SwarmEvidence): SwarmVerdict[] => {
  if (heard.length === 0) return []
  const isDue = (one: HeardRecord): boolean =>
    pairs.some(({ listener, speaker }) => listener === one.listener && speaker === one.speaker)
  const due = heard.filter(isDue)
  const wrong = due.filter((one) => one.seconds < AUDIBLE_S || !isOwnVoice(one))
  const lines = wrong.map(({ listener, speaker, seconds: s, levelDb }) =>
    s < AUDIBLE_S
      ? `${listener} decoded only silence of ${speaker}`
      : `${listener} decoded a voice in the name of ${speaker} that is not theirs (${s.toFixed(1)} s at ${levelDb.toFixed(1)} dBFS)`,
  )
  const told = {
    what: 'decoded',
    measured: `${due.length - wrong.length} of ${due.length}`,
    wanted: 'those who decode hear sound, and the right voice',
  }
  if (due.length === 0) return [{ ...told, ...noData('nothing that was to be heard was decoded') }]
  if (wrong.length > 0) return [{ ...told, ...failure, evidence: some(lines) }]
  return [{ ...told, ...passed, evidence: some(due.map(decodedLine)) }]
}

const decodedLine = ({ listener, speaker, seconds: s, levelDb }: HeardRecord): string =>
  `${listener} decoded ${s.toFixed(1)} s of sound of ${speaker} at ${levelDb.toFixed(1)} dBFS`

/** A marker more or less may be misread where packets are lost; another voice would show in most of them. */
const isOwnVoice = ({ voice, markers }: HeardRecord): boolean => {
  if (voice === null) return true
  const all = Object.values(markers).reduce((sum, count) => sum + count, 0)
  return all === 0 ? false : (markers[markerOf(voice)] ?? 0) > all / 2
}

const judgeThreshold = (threshold: Threshold, figure: Figure | null, evidence: SwarmEvidence): SwarmVerdict => {
  const { text, metric, aggregate } = threshold
  const value = figure?.[aggregate] ?? null
  const told = { what: text, wanted: text, evidence: [] as string[] }
  if (figure === null || value === null)
    return { ...told, measured: null, ...noData(`nothing was measured for ${metric}`) }
  const measured = valueText(metric, aggregate, value)
  const basis = `${metric === 'delay' ? 'packets' : metric === 'join' ? 'joins' : 'pairs of listener and voice'}: ${figure.count}`
  if (keeps(threshold, value)) return { ...told, measured, ...passed, evidence: [basis] }
  const slow = slowness(threshold, value, evidence)
  return { ...told, measured, ...(slow ? blamed(slow, [basis]) : { ...failure, evidence: [basis] }) }
}

/** What the runner itself may have done to a figure that is too bad; undefined when it cannot have. */
const slowness = (threshold: Threshold, value: number, evidence: SwarmEvidence): string | undefined => {
  const { metric, aggregate } = threshold
  const { health, durationMs, unreadDatagrams } = evidence
  if (unreadDatagrams !== null && unreadDatagrams > 0 && metric !== 'join' && metric !== 'delay')
    return `this machine dropped ${unreadDatagrams} datagrams unread`
  if (metric === 'loss' || metric === 'heard') return undefined
  const trouble = runnerTrouble(evidence)
  if (trouble) return trouble
  if (aggregate === 'max' || metric === 'join' || metric === 'first-audio' || metric === 'pause')
    return keeps(threshold, value - health.longestStallMs)
      ? `this process stood still for ${health.longestStallMs.toFixed(0)} ms`
      : undefined
  // Stalls move a percentile only when they take a good part of what it leaves out.
  const stalledMs = health.stalls.reduce((sum, { ms }) => sum + ms, 0)
  const leftOut = aggregate === 'p99' ? 0.01 : aggregate === 'p95' ? 0.05 : 0.5
  return stalledMs / durationMs >= leftOut / 2
    ? `this process stood still for ${stalledMs.toFixed(0)} ms in all`
    : undefined
}

const LONG_STALL_MS = 1_000
const STARVED_SHARE = 0.5

/** So slow that nothing about time can be told. */
const runnerTrouble = ({ health, durationMs }: SwarmEvidence): string | undefined => {
  const { longestStallMs, starvedShare, stalls } = health
  const stalledShare = stalls.reduce((sum, { ms }) => sum + ms, 0) / durationMs
  if (longestStallMs >= LONG_STALL_MS) return `this process stood still for ${longestStallMs.toFixed(0)} ms`
  if (stalledShare >= 0.1) return `this process stood still for ${(stalledShare * 100).toFixed(0)} % of the time`
  if (starvedShare !== null && starvedShare >= STARVED_SHARE)
    return `this process had no core for ${(starvedShare * 100).toFixed(0)} % of the time that it needed one`
  return undefined
}

export const valueText = (metric: MetricName, aggregate: keyof Figure, value: number): string => {
  if (aggregate === 'rate' || metric === 'loss' || metric === 'concealment' || metric === 'heard')
    return `${(value * 100).toFixed(2)} %`
  return metric === 'mos' ? value.toFixed(2) : `${value.toFixed(value < 10 ? 1 : 0)} ms`
}

const passed = { outcome: 'pass', code: null } as const
const failure = { outcome: 'fail', code: null } as const
const noData = (why: string) => ({ outcome: 'inconclusive' as const, code: 'no-data', evidence: [why] })
const blamed = (why: string, lines: string[] = []) => ({
  outcome: 'inconclusive' as const,
  code: 'runner',
  evidence: [why, ...lines],
})

const some = (lines: string[]): string[] =>
  lines.length <= MAX_LINES ? lines : [...lines.slice(0, MAX_LINES), `and ${lines.length - MAX_LINES} more`]

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`
