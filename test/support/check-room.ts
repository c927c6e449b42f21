import { createRequire } from 'node:module'
import { createOpusEncoder } from '../../src/audio/opus.ts'
import { createToneSource } from '../../src/audio/sources/tone.ts'
import type {
  Evidence,
  Expectation,
  HeardTrack,
  HearLimits,
  Plan,
  SoundPiece,
  TrackCounters,
} from '../../src/check/contract.ts'
import { readSpeech } from './voice.ts'

/** What a media server does wrong on purpose. */
export type Fault = 'none' | 'drops' | 'swaps' | 'delays' | 'leaks' | 'doubles' | 'silent' | 'dead' | 'cuts'

export type CheckRoom = { plan: Plan; evidence: Evidence }

const RATE_MS = 48
const PACKET = 960

/** A generator of numbers from 0 to 1 (Park and Miller), the same for the same seed. */
export const chances = (seed: number): (() => number) => {
  let state = (seed % 2147483646) + 1
  return () => {
    state = (state * 16807) % 2147483647
    return state / 2147483647
  }
}

type Coded = { samples: Int16Array; lostAt: boolean[] }

// opus_decode of nothing is the codec's own concealment; our decoder refuses an empty packet, as a file has none.
type Native = { OpusEncoder: new (rate: number, channels: number) => { decode(packet: Buffer): Buffer } }
const native = () => createRequire(import.meta.url)('@discordjs/opus') as Native

/** Through Opus and back, with packets lost where `isLost` says so and concealed as libopus does. */
export const throughOpus = async (
  samples: Int16Array,
  {
    bitrate,
    application = 'voip' as const,
    isLost = () => false,
  }: { bitrate: number; application?: 'voip' | 'audio'; isLost?(packet: number): boolean },
): Promise<Coded> => {
  const encoder = await createOpusEncoder({ channels: 1, bitrate, application })
  const decoder = new (native().OpusEncoder)(48_000, 1)
  const out = new Int16Array(samples.length)
  const lostAt: boolean[] = []
  for (let at = 0; at + PACKET <= samples.length; at += PACKET) {
    const packet = Buffer.from(encoder.encode(samples.subarray(at, at + PACKET)))
    const lost = isLost(at / PACKET)
    lostAt.push(lost)
    const pcm = decoder.decode(lost ? Buffer.alloc(0) : packet)
    for (let i = 0; i < PACKET; i++) out[at + i] = pcm.readInt16LE(i * 2)
  }
  encoder.close()
  return { samples: out, lostAt }
}

const SOUND_MS = 4_000
/** When ana and bob begin; both end SOUND_MS later, and the run at END_MS. */
const STARTS = { ana: 1_000, bob: 1_500 }
export const MUTED_MS = STARTS.bob + SOUND_MS
const END_MS = 8_000

const spoken = new Map<string, Int16Array>()

const soundOf = async (who: 'ana' | 'bob'): Promise<Int16Array> => {
  const known = spoken.get(who)
  if (known) return known
  const samples = new Int16Array(SOUND_MS * RATE_MS)
  if (who === 'ana') {
    const tone = createToneSource({ hz: 523 })
    for (let at = 0; at < samples.length; at += 480) tone.read(samples.subarray(at, at + 480))
  } else samples.set((await readSpeech()).subarray(0, samples.length))
  spoken.set(who, samples)
  return samples
}

/** Ana sounds a tone and bob speaks; cy hears both, over a network and a server that are as asked. Nothing here is live. */
export const checkRoom = async ({
  seed,
  fault,
  lossShare = 0,
}: {
  seed: number
  fault: Fault
  lossShare?: number
}): Promise<CheckRoom> => {
  const chance = chances(seed)
  const sounds = { ana: await soundOf('ana'), bob: await soundOf('bob') }
  const delayMs: number = 40 + Math.floor(chance() * 140) + (fault === 'delays' ? 500 + Math.floor(chance() * 400) : 0)
  const hearingOf = async (speaker: 'ana' | 'bob') => {
    const other = speaker === 'ana' ? 'bob' : 'ana'
    const source = sounds[fault === 'swaps' ? other : speaker]
    const startMs = STARTS[fault === 'swaps' ? other : speaker]
    const burst = { at: 50 + Math.floor(chance() * 80), packets: 8 + Math.floor(chance() * 12) }
    const isDropped = (packet: number) => fault === 'drops' && packet >= burst.at && packet < burst.at + burst.packets
    const { samples, lostAt } = await throughOpus(fault === 'leaks' && speaker === 'bob' ? doubled(source) : source, {
      bitrate: chance() < 0.5 ? 24_000 : 32_000,
      isLost: (packet) => chance() < lossShare || isDropped(packet),
    })
    const drift = Math.floor(chance() * 20)
    const track = decodedTrack(`${speaker}-1`, STARTS[speaker] + 60, startMs + delayMs + drift, samples, lostAt, {
      silentFromMs: fault === 'silent' ? 2_800 + Math.floor(chance() * 1000) : fault === 'dead' ? 0 : END_MS,
      cutMs: fault === 'cuts' ? 500 + Math.floor(chance() * 300) : 0,
      // The receiver shortens what it plays when its buffer has grown.
      skipMs: Math.floor(chance() * 3) * 10,
    })
    const copy = fault === 'doubles' && speaker === 'bob' ? [{ ...track, trackId: `${speaker}-2` }] : []
    return {
      listener: 'cy',
      speaker,
      isStranger: false,
      tracks: [track, ...copy],
      muted: [],
    }
  }
  const evidence: Evidence = {
    runId: `run-${seed}`,
    cutShort: null,
    durationMs: END_MS,
    actors: ['ana', 'bob', 'cy'].map((name) => ({
      name,
      stays: [{ fromMs: 300, untilMs: null }],
      cuts: [],
      left: null,
      error: null,
      network: null,
    })),
    steps: [
      { index: 0, startedAtMs: STARTS.bob - 40, doneAtMs: STARTS.bob + 20, error: null },
      { index: 1, startedAtMs: MUTED_MS - 30, doneAtMs: MUTED_MS, error: null },
    ],
    spoken: (['ana', 'bob'] as const).map((actor) => ({
      actor,
      pieces: [{ atMs: STARTS[actor], samples: sounds[actor] }],
      stalls: [],
    })),
    hearings: [await hearingOf('ana'), await hearingOf('bob')],
    views: [],
    health: { stalls: [], longestStallMs: 12, cpuShare: 0.3, starvedShare: 0.01 },
    references: [{ path: '/phrase.wav', samples: sounds.bob }],
  }
  return { plan: planOf(seed), evidence }
}

/** Talk that goes on although its speaker was muted. */
const doubled = (samples: Int16Array): Int16Array => {
  const all = new Int16Array(samples.length + 2_000 * RATE_MS)
  all.set(samples)
  all.set(samples.subarray(0, 2_000 * RATE_MS), samples.length)
  return all
}

const decodedTrack = (
  trackId: string,
  fromMs: number,
  soundMs: number,
  samples: Int16Array,
  lostAt: boolean[],
  { silentFromMs, cutMs, skipMs }: { silentFromMs: number; cutMs: number; skipMs: number },
): HeardTrack => {
  const heard = new Int16Array((END_MS - fromMs) * RATE_MS)
  const half = Math.floor(samples.length / 2)
  const skip = skipMs * RATE_MS
  const put = (part: Int16Array, at: number) => {
    const first = Math.max(0, -at)
    heard.set(part.subarray(first, Math.max(first, heard.length - at)), at + first)
  }
  const start = (soundMs - fromMs) * RATE_MS
  put(samples.subarray(0, half), start)
  put(samples.subarray(half + skip), start + half)
  heard.fill(0, 0, Math.max(0, start + cutMs * RATE_MS))
  heard.fill(0, Math.max(0, (silentFromMs - fromMs) * RATE_MS))
  const pieces: SoundPiece[] = Array.from({ length: Math.ceil(heard.length / 48_000) }, (_, i) => ({
    atMs: fromMs + i * 1000,
    samples: heard.subarray(i * 48_000, (i + 1) * 48_000),
  }))
  return {
    trackId,
    fromMs,
    untilMs: null,
    isEncrypted: false,
    sound: { kind: 'decoded', pieces, counters: countersOf(fromMs, soundMs, lostAt) },
  }
}

const countersOf = (fromMs: number, soundMs: number, lostAt: boolean[]): TrackCounters[] => {
  const counters: TrackCounters[] = []
  let is = { packetsReceived: 1, packetsLost: 0, concealedSamples: 0, silentConcealedSamples: 0, concealmentEvents: 0 }
  for (let atMs = fromMs; atMs <= END_MS; atMs += 20) {
    const packet = Math.floor((atMs - soundMs) / 20)
    const lost = lostAt[packet] ?? false
    is = {
      ...is,
      packetsReceived: is.packetsReceived + (lost ? 0 : 1),
      packetsLost: is.packetsLost + (lost ? 1 : 0),
      concealedSamples: is.concealedSamples + (lost ? PACKET : 0),
      concealmentEvents: is.concealmentEvents + (lost && !lostAt[packet - 1] ? 1 : 0),
    }
    if (Math.round((atMs - fromMs) / 20) % 5 === 0) counters.push({ atMs, ...is })
  }
  return counters
}

const NO_LIMITS: HearLimits = {
  window: { from: null, until: null },
  within: null,
  startCutMs: null,
  longestGapMs: null,
  gapShare: null,
  level: null,
  delay: null,
  neverAfter: null,
  like: null,
  copies: null,
}

/** An expectation that cy hears somebody, with these limits alone. */
export const hears = (speaker: string, limits: Partial<HearLimits>, index = 0): Expectation => ({
  index,
  place: { file: 'room.check.yaml', line: index + 1, column: 1 },
  text: `cy hears ${speaker}`,
  kind: 'hears',
  listeners: ['cy'],
  speakers: [speaker],
  ...NO_LIMITS,
  ...limits,
})

const planOf = (seed: number): Plan => ({
  file: 'room.check.yaml',
  name: 'a room',
  plane: 'room',
  seed,
  actors: (['ana', 'bob', 'cy'] as const).map((name) => ({
    name,
    place: { file: 'room.check.yaml', line: 1, column: 1 },
    role: name === 'ana' ? 'host' : name === 'bob' ? 'speaker' : 'listener',
    plays: null,
    network: null,
    external: null,
    hears: 'decoded',
  })),
  steps: ['bob unmutes', 'ana mutes bob'].map((text, index) => ({
    index,
    place: { file: 'room.check.yaml', line: 1, column: 1 },
    text,
    name: null,
    by: 'room',
    action: { kind: 'unmutes', actor: 'bob' },
  })),
  expectations: [
    hears(
      'ana',
      {
        within: { ms: 2000, of: null },
        longestGapMs: 100,
        gapShare: 0.15,
        level: { db: -20, toleranceDb: 3 },
        delay: { p50Ms: null, p95Ms: 400, p99Ms: null },
        startCutMs: 200,
        copies: 1,
        like: { path: null, atLeast: 0.8 },
      },
      0,
    ),
    hears(
      'bob',
      {
        within: { ms: 2000, of: { step: 0, offsetMs: 0 } },
        longestGapMs: 100,
        gapShare: 0.15,
        delay: { p50Ms: 300, p95Ms: 400, p99Ms: null },
        startCutMs: 200,
        copies: 1,
        like: { path: null, atLeast: 0.8 },
      },
      1,
    ),
    hears('bob', { neverAfter: { step: 1, offsetMs: 1200 } }, 2),
    {
      index: 3,
      place: { file: 'room.check.yaml', line: 9, column: 1 },
      text: 'nobody hears cy',
      kind: 'silence',
      listeners: ['ana', 'bob'],
      speakers: ['cy'],
      window: { from: null, until: null },
    },
    {
      index: 4,
      place: { file: 'room.check.yaml', line: 10, column: 1 },
      text: 'cy hears ana, then bob',
      kind: 'order',
      listeners: ['cy'],
      speakers: ['ana', 'bob'],
    },
  ],
})
