import { FRAME_SAMPLES, SAMPLE_RATE } from '../../../../src/audio/frame.ts'
import type { OpenSoundAt, PlannedSound, ProgramEvent, SessionProgram } from '../../../../src/bot/program/contract.ts'
import { type PlanFacts, planOf } from '../../../../src/bot/program/plan.ts'
import { createSessionProgram, type SessionProgramOptions } from '../../../../src/bot/program/session-program.ts'
import type { Bed, Cue, CueAction, CueTime, SessionScript } from '../../../../src/bot/script/script.ts'

/** Sounds by path (a file) or text (speech); all are one channel, at the loudness that they are to have. */
export type Sounds = Record<string, Int16Array>

export const place = { file: 'test.session.yaml', line: 1, column: 1 }

export const tone = (hz: number, seconds: number, amplitude = 8000): Int16Array =>
  Int16Array.from({ length: Math.round(seconds * SAMPLE_RATE) }, (_, i) =>
    Math.round(amplitude * Math.sin((2 * Math.PI * hz * i) / SAMPLE_RATE)),
  )

/** White, and the same for the same seed. */
export const noise = (seconds: number, amplitude = 8000, seed = 1): Int16Array => {
  let state = seed
  return Int16Array.from({ length: Math.round(seconds * SAMPLE_RATE) }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.round(amplitude * (state / 0x80000000 - 1))
  })
}

export const steady = (seconds: number, value: number): Int16Array =>
  new Int16Array(Math.round(seconds * SAMPLE_RATE)).fill(value)

/** A strike: one sample that nothing else has, and a tail. */
export const strike = (seconds = 0.5): Int16Array => {
  const samples = tone(880, seconds, 3000)
  samples[0] = 20_000
  return samples
}

export const cue = (name: string, time: CueTime, action: CueAction): Cue => ({ name, title: null, time, action, place })
export const at = (seconds: number): CueTime => ({ kind: 'at', ms: seconds * 1000 })
export const after: CueTime = { kind: 'after' }
export const silence = (seconds: number): CueAction => ({ kind: 'silence', ms: seconds * 1000 })
export const bell = (times = 1, everySeconds = 8): CueAction => ({
  kind: 'bell',
  path: 'bell',
  times,
  everyMs: everySeconds * 1000,
  gainDb: 0,
})
export const say = (text: string): CueAction => ({ kind: 'say', text, voice: null, gainDb: 0 })
export const play = (
  paths: string | string[],
  more: Partial<Extract<CueAction, { kind: 'play' }>> = {},
): CueAction => ({
  kind: 'play',
  items: [paths].flat().map((path) => ({ item: { kind: 'file', path }, weight: 1, place })),
  order: 'given',
  isLooped: false,
  forMs: null,
  crossfadeMs: 0,
  fadeInMs: 0,
  fadeOutMs: 0,
  gainDb: 0,
  ...more,
})
export const bedCue = (bed: string | null, fadeSeconds = 0): CueAction => ({
  kind: 'bed',
  bed,
  fadeMs: fadeSeconds * 1000,
})
export const floor = (seconds: number): CueAction => ({
  kind: 'floor',
  ms: seconds * 1000,
  eachMs: 60_000,
  isSkippedWithoutHuman: true,
  isBellRung: true,
})
export const bedOf = (name: string, more: Partial<Bed> = {}): Bed => ({
  name,
  item: { kind: 'file', path: name },
  loopFadeMs: null,
  duck: null,
  place,
  ...more,
})

export const scriptOf = (cues: Cue[], more: Partial<SessionScript> = {}): SessionScript => ({
  file: place.file,
  files: [],
  variant: null,
  variants: [],
  name: 'test',
  room: {
    title: 'Test',
    topic: null,
    language: null,
    existing: null,
    opensBeforeMs: 0,
    closesAfterMs: 0,
    hands: 'everyone',
    sound: 'voice',
    cohosts: [],
    bot: null,
  },
  schedule: null,
  speech: { engine: { kind: 'flite' }, voice: 'slt', stretch: 1 },
  beds: {},
  cues,
  endMs: null,
  when: { empty: 'continue', crash: 'clock', late: 'shift', ended: 'end-room' },
  alerts: [],
  ...more,
})

const keyOf = (source: PlannedSound['source']): string => {
  if (source.kind === 'speech') return source.text
  if (source.kind === 'shipped-bell') return 'shipped-bell'
  return 'path' in source.item ? source.item.path : source.item.kind === 'url' ? source.item.url : 'stdin'
}

/** What is not among the sounds has no known length. */
export const factsOf = (sounds: Sounds): PlanFacts => ({
  sound: (source) => {
    const samples = sounds[keyOf(source)]
    const durationMs = samples ? samples.length / 48 : null
    return { durationMs, channels: 1, lufs: null, truePeakDb: null, title: keyOf(source), artist: null }
  },
  items: (item) => [item],
})

/** Opens sounds out of memory, in pieces that fit no frame. */
export const openFrom =
  (sounds: Sounds): OpenSoundAt =>
  async (sound, { startMs, channels }) => {
    const samples = sounds[keyOf(sound.source)]
    if (!samples) throw new Error(`${keyOf(sound.source)} is gone`)
    const from = Math.round(startMs * 48)
    async function* pcm() {
      for (let begin = from; begin < samples!.length; begin += 4001) {
        const piece = samples!.subarray(begin, begin + 4001)
        yield channels === 1 ? piece : Int16Array.from({ length: piece.length * 2 }, (_, i) => piece[i >> 1]!)
      }
    }
    return { pcm, warning: () => undefined, close: async () => {} }
  }

export type Running = { program: SessionProgram; events: ProgramEvent[]; frame: Int16Array }

export const startProgram = (
  script: SessionScript,
  sounds: Sounds,
  more: Partial<SessionProgramOptions> = {},
): Running => {
  const { plan } = planOf(script, factsOf({ 'shipped-bell': strike(), ...sounds }), 'seed')
  const events: ProgramEvent[] = []
  const open = openFrom({ 'shipped-bell': strike(), ...sounds })
  const program = createSessionProgram({ plan, open, onEvent: (event) => events.push(event), ...more })
  return { program, events, frame: new Int16Array(FRAME_SAMPLES * plan.channels) }
}

/** One frame, as soon as it can be read whole. */
export const readFrame = async ({ program, frame }: Running): Promise<'frame' | 'starved' | 'ended'> => {
  await program.ready()
  return program.read(frame)
}

/** What the next seconds give; shorter where the program ends. */
export const listen = async (running: Running, seconds: number): Promise<Int16Array> => {
  const heard = new Int16Array(Math.round(seconds * 100) * running.frame.length)
  let length = 0
  while (length < heard.length && (await readFrame(running)) !== 'ended') {
    heard.set(running.frame, length)
    length += running.frame.length
  }
  return heard.subarray(0, length)
}
