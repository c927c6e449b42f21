import { createEar, type Ear } from '../audio/ear.ts'
import { type AudioSink, type Channels, FRAME_MS, SAMPLE_RATE } from '../audio/frame.ts'
import { powerDb, SILENCE_DB } from '../audio/level.ts'
import { startOutput } from './hearing-output.ts'
import type { TrackStats } from './media-stats.ts'

/** What was heard of one participant since the beginning; see audio/ear. */
type HeardSound = {
  participantId: string
  seconds: number
  levelDb: number
  frequencyHz: number
  longestGapMs: number
}

export type Hearing = {
  push(id: string, trackId: string, samples: Int16Array, sampleRate: number, channels: Channels): void
  /** What does not come until `resume` is no gap: muted, off stage, or gone. */
  pause(id: string): void
  resume(id: string): void
  endTrack(trackId: string): void
  /** The connection is gone, and all tracks with it. */
  endTracks(): void
  /** Counters of the connection, given every half second or so: they tell what was made up by concealment. */
  addStats(tracks: Map<string, TrackStats>): void
  /** RMS dBFS since the last call, of those who were not silent; whole decibels. */
  takeLevels(): Map<string, number>
  setSink(sink: AudioSink | null): void
  setDeafened(deafened: boolean): void
  /** The volumes have changed, or who they belong to has become known. */
  retune(): void
  /** The others are lowered by so many decibels; see audio/mixer. */
  lowerBy(db: number): void
  /** Samples of one channel at 48 kHz to the speaker alone: not counted as heard of anybody, and heard when deafened. */
  play(samples: Int16Array): void
  /** Nobody is heard any more. Resolves when what `play` was given has gone to the speaker. */
  fallSilent(): Promise<void>
  heard(): HeardSound[]
  close(): void
}

export type HearingOptions = {
  /** How loud somebody is played, in per cent. */
  volumeOf?(id: string): number
  nowMs?(): number
}

/** The listening side: what comes from each participant is measured, mixed and played. */
export const startHearing = ({
  volumeOf = () => 100,
  nowMs = () => performance.now(),
}: HearingOptions = {}): Hearing => {
  const voices = new Map<string, Voice>()
  const trackOwners = new Map<string, string>()
  const counters = new Map<string, TrackStats>()
  const output = startOutput(volumeOf)
  const voiceOf = (id: string): Voice => {
    const known = voices.get(id)
    if (known) return known
    const voice = createVoice(nowMs)
    voices.set(id, voice)
    return voice
  }
  const endTrack = (trackId: string) => {
    const id = trackOwners.get(trackId)
    if (id !== undefined) voices.get(id)?.endTrack(trackId)
    trackOwners.delete(trackId)
    counters.delete(trackId)
    output.endTrack(trackId)
  }
  return {
    push: (id, trackId, samples, sampleRate, channels) => {
      trackOwners.set(trackId, id)
      voiceOf(id).push(trackId, samples, sampleRate, channels)
      output.push(id, trackId, samples, sampleRate, channels)
    },
    pause: (id) => voiceOf(id).pause(),
    resume: (id) => voiceOf(id).resume(),
    endTrack,
    endTracks: () => {
      for (const trackId of [...trackOwners.keys()]) endTrack(trackId)
    },
    addStats: (tracks) => {
      for (const [trackId, id] of trackOwners) {
        const is = tracks.get(trackId)
        const was = counters.get(trackId)
        if (!is) continue
        counters.set(trackId, is)
        voices.get(id)?.addConcealed(was ? missingMs(was, is) : 0)
      }
    },
    takeLevels: () => {
      const levels = new Map<string, number>()
      for (const [id, voice] of voices) {
        const levelDb = Math.round(voice.takeLevelDb())
        if (levelDb > SILENCE_DB) levels.set(id, levelDb)
      }
      return levels
    },
    setSink: output.setSink,
    setDeafened: output.setDeafened,
    retune: output.retune,
    lowerBy: output.lowerBy,
    play: output.play,
    fallSilent: output.fallSilent,
    heard: () => [...voices].map(([participantId, voice]) => ({ participantId, ...voice.heard() })),
    close: () => output.setSink(null),
  }
}

// Packets that never came, or sound that was made up because they came too late, whichever is more. Made-up silence
// alone is what a pause in transmission looks like.
const missingMs = (was: TrackStats, is: TrackStats): number => {
  const concealed = is.concealedSamples - was.concealedSamples
  const voiced = concealed - (is.silentConcealedSamples - was.silentConcealedSamples)
  const lostMs = (is.packetsLost - was.packetsLost) * PACKET_MS
  return Math.max(lostMs, voiced > 0 ? (concealed / SAMPLE_RATE) * 1000 : 0)
}

const PACKET_MS = 20
/** Less than this is how the decoder evens out small differences of two clocks. */
const MIN_CONCEALED_MS = 25
/** Counters are read now and then: the first after a pause speak of the time before it and of the jitter buffer's start. */
const SETTLING_READS = 2

type Voice = ReturnType<typeof createVoice>

const createVoice = (nowMs: () => number) => {
  const ear: Ear = createEar()
  let timeline = createTimeline(nowMs)
  let track: string | undefined
  let paused = false
  let settlingReads = SETTLING_READS
  let concealedRunMs = 0
  let longestConcealedMs = 0
  let sumOfSquares = 0
  let sampleCount = 0
  return {
    push: (trackId: string, samples: Int16Array, sampleRate: number, channels: Channels) => {
      track ??= trackId
      for (let i = 0; i < samples.length; i++) sumOfSquares += samples[i]! * samples[i]!
      sampleCount += samples.length
      // The first frames of a connection come at 16 kHz, before there is any sound.
      if (track !== trackId || sampleRate !== SAMPLE_RATE) return
      const atMs = timeline.next()
      if (!paused) ear.push(samples, channels, atMs)
    },
    pause: () => {
      paused = true
      settlingReads = SETTLING_READS
      concealedRunMs = 0
      ear.pause()
    },
    resume: () => {
      paused = false
    },
    endTrack: (trackId: string) => {
      if (track !== trackId) return
      track = undefined
      timeline = createTimeline(nowMs)
    },
    addConcealed: (ms: number) => {
      if (paused) return
      const counts = settlingReads === 0 && ms >= MIN_CONCEALED_MS
      concealedRunMs = counts ? concealedRunMs + ms : 0
      longestConcealedMs = Math.max(longestConcealedMs, concealedRunMs)
      settlingReads = Math.max(0, settlingReads - 1)
    },
    takeLevelDb: () => {
      const levelDb = powerDb(sumOfSquares, sampleCount)
      sumOfSquares = sampleCount = 0
      return levelDb
    },
    heard: () => {
      const { seconds, levelDb, frequencyHz, longestGapMs } = ear.report()
      return {
        seconds: roundTo(seconds, 2),
        levelDb: roundTo(levelDb, 1),
        frequencyHz: roundTo(frequencyHz, 1),
        longestGapMs: Math.round(Math.max(longestGapMs, longestConcealedMs)),
      }
    },
  }
}

const LAG_WINDOW_FRAMES = 50
const LAG_MS = 60

/**
 * Media time of frames that are counted, not stamped. A busy event loop hands them over late, but all of them; only
 * when they stay behind for half a second were some never there.
 */
const createTimeline = (nowMs: () => number) => {
  let nextMs: number | undefined
  let leastLagMs = Number.POSITIVE_INFINITY
  let frames = 0
  return {
    next: (): number => {
      const now = nowMs()
      nextMs ??= now
      leastLagMs = Math.min(leastLagMs, now - nextMs)
      if (++frames === LAG_WINDOW_FRAMES) {
        if (leastLagMs > LAG_MS) nextMs += leastLagMs
        leastLagMs = Number.POSITIVE_INFINITY
        frames = 0
      }
      const atMs = nextMs
      nextMs += FRAME_MS
      return atMs
    },
  }
}

// What lies beyond is not measured but computed.
const roundTo = (value: number, digits: number) => Math.round(value * 10 ** digits) / 10 ** digits
