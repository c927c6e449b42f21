import type { Place } from '../yaml/problem.ts'

/**
 * What a check is made of, as plain data: a plan (what the file asks for), the evidence that a run gathers, the verdicts
 * that a judge makes of both, and the report. All `…Ms` that are times, not durations, are of one monotonic clock of the
 * runner: ms since the run began.
 */

/** `room`: a roomtone server with its stage rules. `livekit`: any LiveKit server, by its own contract alone. */
export type Plane = 'room' | 'livekit'

/** A check as a value. Nothing in it is secret: tokens, keys and addresses with passwords stay with the runner. */
export type Plan = {
  file: string
  name: string
  plane: Plane
  /** For all chances of the run: impairments, identities. */
  seed: number
  actors: ActorPlan[]
  steps: StepPlan[]
  expectations: Expectation[]
}

export type ActorPlan = {
  name: string
  place: Place
  /** What it enters as. Of a LiveKit server: `host` and `speaker` may publish, `listener` may not. */
  role: 'host' | 'speaker' | 'listener'
  plays: SoundPlan | null
  network: NetworkPlan | null
  /** Not started by the run, but awaited: an identity or name with `*`. */
  external: string | null
  /** Decodes what it hears; a light one only counts packets, and knows nothing of level or likeness. */
  hears: 'decoded' | 'packets'
}

/** `markers`: short sweeps of which each speaker has its own (audio/markers), for delays. Paths are absolute. */
export type SoundPlan =
  | { kind: 'tone'; hz: number; levelDb: number }
  | { kind: 'file'; path: string }
  | { kind: 'markers'; id: number; everyMs: number }

/** In both directions; shares are 0 to 1. See client/link-impairment. */
export type NetworkPlan = { lossShare: number; delayMs: number; jitterMs: number }

export type StepPlan = {
  index: number
  place: Place
  /** As the file has it: `ana mutes bob`. It is what expectations call the step by, unless it has a name. */
  text: string
  name: string | null
  /** The way by which it is done, as in the table of docs/check.md: `livekit`, `room`, or the runner's own doing. */
  by: Plane | 'runner'
  action: StepAction
}

export type StepAction =
  | {
      kind: 'starts' | 'joins' | 'leaves' | 'mutes' | 'unmutes' | 'lowers-hand' | 'accepts' | 'declines'
      actor: string
    }
  | { kind: 'steps-down' | 'ends-room' | 'regains-network' | 'is-killed'; actor: string }
  /** Nothing passes, for so long; null: until it is regained. */
  | { kind: 'loses-network'; actor: string; forMs: number | null }
  | { kind: 'raises-hand'; actor: string; question: string | null }
  | { kind: 'speaks'; actor: string; sound: SoundPlan; forMs: number | null }
  | { kind: 'network'; actor: string; network: NetworkPlan }
  /** What a moderator does to somebody: `mute` takes the right to speak on our server, and mutes the track on LiveKit's. */
  | {
      kind: 'stage'
      actor: string
      whom: string
      action: 'invite' | 'admit' | 'lower' | 'mute' | 'allow' | 'demote' | 'kick' | 'moderator'
    }
  | { kind: 'wait'; ms: number }
  | { kind: 'wait-until'; condition: Condition; withinMs: number }

export type Condition =
  | { kind: 'hears'; listener: string; speaker: string }
  | { kind: 'in-room' | 'gone' | 'muted' | 'unmuted' | 'hand-up' | 'invited'; actor: string }
  | { kind: 'role'; actor: string; role: 'listener' | 'speaker' | 'moderator' }

/** When a step was done, and so long after; without a step: since the run began. */
export type Moment = { step: number | null; offsetMs: number }

export type Expectation = { index: number; place: Place; text: string } & (
  | ({ kind: 'hears'; listeners: string[]; speakers: string[] } & HearLimits)
  /** No listener hears any of the speakers, ever, or in the window. */
  | { kind: 'silence'; listeners: string[]; speakers: string[]; window: Window }
  /** Nobody hears what they said themselves. */
  | { kind: 'no-echo'; listeners: string[] }
  /** They were first heard in this order, by each of the listeners. */
  | { kind: 'order'; listeners: string[]; speakers: string[] }
  /** An answer to each turn of the asker: silence, then the other's voice. */
  | {
      kind: 'answers'
      speaker: string
      listener: string
      withinMs: number
      percentile: number
      turns: number
    }
  | ({ kind: 'room' } & RoomLimits)
)

/** Null ends are the ends of the run. */
export type Window = { from: Moment | null; until: Moment | null }

/** Each limit that is not null is a verdict of its own for each listener and speaker. */
export type HearLimits = {
  window: Window
  /** From `of` (else from when both were in the room and the speaker spoke) to the first audible sound. */
  within: { ms: number; of: Moment | null } | null
  /** How much of the beginning of what was said is missing. */
  startCutMs: number | null
  longestGapMs: number | null
  /** Of what was said, 0 to 1. */
  gapShare: number | null
  /** RMS of the audible part. */
  level: { db: number; toleranceDb: number } | null
  /** Mouth to ear in the runner: sound leaving the source to the same sound decoded. */
  delay: { p50Ms: number | null; p95Ms: number | null; p99Ms: number | null } | null
  /** Not audible from then on. */
  neverAfter: Moment | null
  /** To what was said, or to a file (absolute path), aligned, 0 to 1. */
  like: { path: string | null; atLeast: number } | null
  copies: number | null
  /** The speaker's own voice and nobody else's. Told anyway where it is clear; asked for, it must be. */
  voice?: boolean
}

/** At a moment (null: the end of the steps), as each actor in the room sees it. Names are actors. */
export type RoomLimits = {
  at: Moment | null
  /** All who are there. */
  roster: string[] | null
  moderators: string[] | null
  /** On stage: moderators and speakers. */
  speakers: string[] | null
  listeners: string[] | null
  hands: string[] | null
  muted: string[] | null
  unmuted: string[] | null
  /** Of all actors together, those that a step asked for included; exactly so many. */
  reconnects: number | null
  ended: boolean | null
}

/** All that a run knows. Missing parts are missing evidence, never a pass. */
export type Evidence = {
  runId: string
  /** Null: as it came to its end. Else why it was cut short: `interrupted`, or what broke. */
  cutShort: string | null
  durationMs: number
  actors: ActorRecord[]
  steps: StepRecord[]
  spoken: Spoken[]
  hearings: Hearing[]
  views: RoomView[]
  health: RunnerHealth
  /** The files that `like` names, decoded. */
  references: { path: string; samples: Int16Array }[]
}

/** Pure: the same plan and evidence give the same verdicts, in the order of the expectations. */
export type Judge = (plan: Plan, evidence: Evidence) => Verdict[]

export type ActorRecord = {
  name: string
  /** In the room for sound and state; empty when it never came in. */
  stays: Span[]
  /** Its connection was away; a span without end lasted to the end of the run. */
  cuts: Span[]
  /** How it was out of the room, if it is: a reason of protocol/seat, or `killed`. */
  left: { atMs: number; reason: string } | null
  /** What kept it from doing its part, told with a code; native crashes are `crashed`. */
  error: { atMs: number; code: string; message: string } | null
  network: NetworkRecord | null
}

export type Span = { fromMs: number; untilMs: number | null }

/** What was asked of its network, and what became of its packets of sound. */
type NetworkRecord = {
  asked: NetworkPlan
  soundPackets: number
  droppedPackets: number
  /** The relay carried its sound; false: it found a way around, and the run says nothing about that network. */
  isUsed: boolean
}

/** `doneAtMs`: the one who asked was answered. Null with an error, or where the run did not come so far. */
export type StepRecord = {
  index: number
  startedAtMs: number
  doneAtMs: number | null
  error: { code: string; message: string } | null
}

/** Mono at 48 kHz without a hole: sample i belongs at `atMs + i / 48`. */
export type SoundPiece = { atMs: number; samples: Int16Array }

/** What an actor gave out, as it left the source while its microphone was open and connected. */
export type Spoken = { actor: string; pieces: SoundPiece[]; stalls: Stall[] }

/** The runner did not read the source in time: what is missing there is the runner's fault. */
export type Stall = { atMs: number; ms: number }

/** One listener and one who was there to be heard; `speaker` is an actor, or the name of a stranger. */
export type Hearing = {
  listener: string
  speaker: string
  isStranger: boolean
  tracks: HeardTrack[]
  /** While the listener knew the speaker's track to be muted, or not there. */
  muted: Span[]
}

export type HeardTrack = {
  trackId: string
  /** Subscribed to. */
  fromMs: number
  untilMs: number | null
  isEncrypted: boolean
  sound: /** All that was decoded, silence and what concealment made up included, and what the receiver counted meanwhile. */
    | { kind: 'decoded'; pieces: SoundPiece[]; counters: TrackCounters[] }
    /** Packets with sound in them, by their RTP times: `atMs` is arrival. Pauses of the sender (DTX) are no gaps. */
    | {
        kind: 'packets'
        packets: number
        lost: number
        duplicates: number
        firstAtMs: number | null
        lastAtMs: number | null
        gaps: Stall[]
        delayMs: { count: number; medianMs: number; p95Ms: number; p99Ms: number } | null
      }
}

/**
 * Since the track began, as in client/media-stats; read every 100 ms or so: how long one gap of several was is told no
 * closer than by two readings and the stretches between them.
 */
export type TrackCounters = {
  atMs: number
  packetsReceived: number
  packetsLost: number
  concealedSamples: number
  silentConcealedSamples: number
  /** Stretches that were made up; without it two short gaps between two readings look like a long one. */
  concealmentEvents?: number
}

/** What one actor knew of the room from then on. Told anew whenever it changes. */
export type RoomView = {
  actor: string
  atMs: number
  status: 'joining' | 'live' | 'reconnecting' | 'left'
  /** Actors by their name; strangers by theirs. The actor is among them. */
  people: PersonView[]
  isEnded: boolean
}

export type PersonView = {
  name: string
  isStranger: boolean
  role: 'listener' | 'speaker' | 'moderator'
  isMuted: boolean
  isMutedByModerator: boolean
  hasHandUp: boolean
  isSpeaking: boolean
}

export type RunnerHealth = {
  /** The event loop was held up for at least 50 ms. */
  stalls: Stall[]
  longestStallMs: number
  /** Of one core, over the run. */
  cpuShare: number
  /** Of the time the process could have run, 0 to 1, others had its cores; null where the system does not tell. */
  starvedShare: number | null
}

export type Outcome = 'pass' | 'fail' | 'inconclusive' | 'refused'

export type Verdict = {
  expectation: number
  /** Which limit: `within`, `longest-gap`, `silence`, `roster` … */
  what: string
  listener: string | null
  speaker: string | null
  outcome: Outcome
  /** `encrypted`, `quota`, `impairment`, `runner` … for all but pass and fail. */
  code: string | null
  /** With units, as a person reads them: `420 ms`, `at most 60 ms`. */
  measured: string | null
  wanted: string
  /** Sentences that name what it rests on, with times. */
  evidence: string[]
  /** Where in the run to look, or listen. */
  at: Span | null
}

/** What `--json` prints. */
export type Report = {
  check: string
  file: string
  runId: string
  startedAt: string
  durationMs: number
  outcome: Outcome
  exitCode: number
  /** The run was interrupted, or broke: what follows is as far as it came. */
  isPartial: boolean
  cutShort: string | null
  steps: (StepRecord & { text: string; by: StepPlan['by'] })[]
  actors: ActorRecord[]
  verdicts: (Verdict & { text: string })[]
  health: RunnerHealth
}
