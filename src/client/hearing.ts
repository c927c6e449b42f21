import { startFrameClock } from '../audio/clock.ts'
import { createEar, type Ear } from '../audio/ear.ts'
import { type AudioSink, type Channels, createFrame, FRAME_MS, SAMPLE_RATE } from '../audio/frame.ts'
import { powerDb, SILENCE_DB } from '../audio/level.ts'
import { createMixer, type Mixer } from '../audio/mixer.ts'
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
  /** 0..200 %; for all when no one is named. */
  setVolume(percent: number, id?: string): void
  heard(): HeardSound[]
  close(): void
}

/** The listening side: what comes from each participant is measured, mixed and played. */
export const startHearing = (nowMs: () => number = () => performance.now()): Hearing => {
  const voices = new Map<string, Voice>()
  const trackOwners = new Map<string, string>()
  const counters = new Map<string, TrackStats>()
  const output = startOutput()
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
    setVolume: output.setVolume,
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

/** Someone's frame is waited for over so many ticks of the clock before the others are heard without it. */
const LATE_TICKS = 2
/** After so many ticks without any sound the sink is given silence, until sound comes again. */
const SILENT_TICKS = 10
/** What comes at once after a stall is caught up to so many frames; beyond that it would only be delay. */
const MOST_AT_ONCE = 10

/**
 * Mixes for a sink, whenever all who sound have given their next 10 ms: what WebRTC plays out comes by one exact clock,
 * and to wait for another one would only delay it. Without a sink nothing is mixed.
 */
const startOutput = () => {
  const volumes = new Map<string, number>()
  const owners = new Map<string, string>()
  let volume = 100
  let deafened = false
  let mixer: Mixer | undefined
  let stop = () => {}
  let mixReady = () => {}
  const applyVolume = (trackId: string, id: string) =>
    mixer?.input(trackId).setVolume(((volumes.get(id) ?? 100) * volume) / 100)
  return {
    push: (id: string, trackId: string, samples: Int16Array, sampleRate: number, channels: Channels) => {
      if (!mixer) return
      const isNew = owners.get(trackId) !== id
      owners.set(trackId, id)
      mixer.input(trackId).push(samples, sampleRate, channels)
      if (isNew) applyVolume(trackId, id)
      mixReady()
    },
    endTrack: (trackId: string) => {
      if (owners.delete(trackId)) mixer?.input(trackId).remove()
    },
    setSink: (sink: AudioSink | null) => {
      stop()
      stop = mixReady = () => {}
      mixer = undefined
      owners.clear()
      if (!sink) return
      const next = createMixer({ channels: sink.channels })
      next.setDeafened(deafened)
      const pacer = startPacer(next, sink)
      mixer = next
      mixReady = pacer.mixReady
      stop = pacer.close
    },
    setDeafened: (next: boolean) => {
      deafened = next
      mixer?.setDeafened(next)
    },
    setVolume: (percent: number, id?: string) => {
      if (id === undefined) volume = percent
      else volumes.set(id, percent)
      for (const [trackId, owner] of owners) applyVolume(trackId, owner)
    },
  }
}

const startPacer = (mixer: Mixer, sink: AudioSink) => {
  const frame = createFrame(sink.channels)
  let isSilent = false
  let ticksWithout = 0
  let lateTicks = 0
  let atOnce = 0
  const mix = () => {
    isSilent = false
    ticksWithout = lateTicks = 0
    mixer.pull(frame)
    if (++atOnce <= MOST_AT_ONCE) sink.write(frame)
  }
  const keepSilence = () => {
    isSilent = true
    // Also that of the ticks before, so that a recording keeps its time.
    for (; ticksWithout > 0; ticksWithout--) {
      mixer.pull(frame)
      sink.write(frame)
    }
  }
  const clock = startFrameClock({
    onFrame: () => {
      atOnce = 0
      ticksWithout++
      if (mixer.waiting() !== 'empty') lateTicks++
      if (lateTicks > LATE_TICKS) mix()
      else if (isSilent || ticksWithout > SILENT_TICKS) keepSilence()
    },
  })
  return {
    mixReady: () => {
      while (mixer.waiting() === 'complete') mix()
    },
    close: clock.close,
  }
}

// What lies beyond is not measured but computed.
const roundTo = (value: number, digits: number) => Math.round(value * 10 ** digits) / 10 ** digits
