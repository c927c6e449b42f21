import { readFileSync, writeFileSync } from 'node:fs'
import { type Channels, FRAME_MS, SAMPLE_RATE } from '../../src/audio/frame.ts'
import type { BotEvent } from '../../src/bot/wire.ts'
import type { Room } from '../../src/protocol/rooms.ts'
import { enter, type Person } from '../integration/client/people.ts'
import { eventually } from './eventually.ts'
import type { Running } from './roomtone.ts'
import { wavBytes } from './wav-bytes.ts'

/** A listener in the room, with everything that has come out of their speaker since they came. */
export const listen = async (person: Person, room: Room, channels: Channels = 1) => {
  let heard = new Int16Array(SAMPLE_RATE * channels)
  let length = 0
  const frameTimes: number[] = []
  let soundedMs = 0
  const write = (frame: Int16Array) => {
    frameTimes.push(performance.now())
    if (frame.some((sample) => Math.abs(sample) > 500)) soundedMs += FRAME_MS
    if (length + frame.length > heard.length) {
      const larger = new Int16Array(2 * heard.length)
      larger.set(heard)
      heard = larger
    }
    heard.set(frame, length)
    length += frame.length
  }
  const stay = await enter(person, room, null, { sink: { channels, write, close: async () => {} } })
  /** When that was heard which lies so far into `heard`: the frames of a speaker that starves are not evenly spaced. */
  const clockAt = (atMs: number) => frameTimes[Math.min(frameTimes.length - 1, Math.round(atMs / FRAME_MS))]!
  return { ...stay, heard: () => heard.slice(0, length), clockAt, soundedMs: () => soundedMs }
}
export type Listener = Awaited<ReturnType<typeof listen>>

/** Each step of the staircase is a tone of its own; they begin anew after the last one. */
export const STEP_MS = 100
const STEPS = 40
const hzOf = (place: number) => 500 + 60 * (place % STEPS)

/** A file of stepped tones, one every 100 ms: what is heard tells the place in it, to the step, however it was stretched. */
export const writeStaircase = (path: string, { from = 0, count }: { from?: number; count: number }): string => {
  const length = (STEP_MS * SAMPLE_RATE) / 1000
  const samples = new Int16Array(count * length)
  let phase = 0
  for (let i = 0; i < samples.length; i++) {
    phase += (2 * Math.PI * hzOf(from + Math.floor(i / length))) / SAMPLE_RATE
    samples[i] = 8000 * Math.sin(phase)
  }
  writeFileSync(path, wavBytes(Buffer.from(samples.buffer)))
  return path
}

/** A stretch of the staircase that was heard without a break. */
/**
 * `stepAtMs`: where its last step begins, which is a place to the hop; null for one step alone. `begins`: the same of every
 * step but the first.
 */
export type Run = {
  from: number
  to: number
  atMs: number
  ms: number
  stepAtMs: number | null
  begins: { step: number; atMs: number }[]
}

const HOP = SAMPLE_RATE / 100
const WINDOW = 4 * HOP
const HANN = Float64Array.from({ length: WINDOW }, (_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * i) / WINDOW))

/**
 * The places of a staircase that were heard, in order, first and last of each run. A jump goes at most 20 places either
 * way, so counting on beyond the last tone is no guess for those who skip or repeat less than two seconds.
 */
export const runsHeard = (heard: Int16Array): Run[] => {
  const runs: Run[] = []
  for (let at = 0; at + WINDOW <= heard.length; at += HOP) {
    const step = stepAt(heard.subarray(at, at + WINDOW))
    if (step === undefined) continue
    const run = runs.at(-1)
    const jump = (((step - (run?.to ?? 0)) % STEPS) + STEPS) % STEPS
    const place = (run?.to ?? 0) + (jump > STEPS / 2 ? jump - STEPS : jump)
    const atMs = (at * 1000) / SAMPLE_RATE
    if (run && (place === run.to || place === run.to + 1)) {
      if (place > run.to) {
        run.stepAtMs = atMs
        run.begins.push({ step: place, atMs })
      }
      run.to = place
      run.ms = atMs - run.atMs
    } else runs.push({ from: place, to: place, atMs, ms: 0, stepAtMs: null, begins: [] })
  }
  return runs
}

/** The one tone that most of the energy is in; none in silence, between two steps, or where sound is torn. */
const stepAt = (window: Int16Array): number | undefined => {
  const shaped = Float64Array.from(window, (sample, i) => sample * HANN[i]!)
  const energy = shaped.reduce((sum, x) => sum + x * x, 0)
  if (energy < WINDOW * 100 ** 2) return undefined
  const powers = Array.from({ length: STEPS }, (_, step) => powerAt(shaped, hzOf(step)))
  const step = powers.indexOf(Math.max(...powers))
  // A pure tone under a Hann window leaves two thirds of N/2 times its energy at its own frequency.
  return powers[step]! > 0.75 * energy * (WINDOW / 3) ? step : undefined
}

/** Goertzel. */
const powerAt = (samples: Float64Array, hz: number): number => {
  const turn = 2 * Math.cos((2 * Math.PI * hz) / SAMPLE_RATE)
  let [one, two] = [0, 0]
  for (const sample of samples) [one, two] = [sample + turn * one - two, one]
  return one * one + two * two - turn * one * two
}

export const countUp = (count: number): number[] => Array.from({ length: count }, (_, i) => i)

/** Waits for an event of a bot that runs with --jsonl. */
export const botSays = <T extends BotEvent['type']>(bot: Running, type: T, { withinMs = 15_000, after = 0 } = {}) =>
  eventually(
    () => {
      const events = bot.events<BotEvent>()
      const found = events.slice(after).find((event) => event.type === type)
      if (!found) throw new Error(`${JSON.stringify(events.slice(-4))} ${bot.stderr()}`)
      return found as Extract<BotEvent, { type: T }>
    },
    { withinMs, what: `the bot says "${type}"` },
  )

/** All that descend from a process, itself included, while they live. */
export const familyOf = (pid: number): number[] => {
  let children: number[] = []
  try {
    children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number)
  } catch {}
  return [pid, ...children.flatMap(familyOf)]
}

/** Ends a process and all its children at once, whoever of them has ended by itself meanwhile. */
export const killFamily = (pid: number): void => {
  for (const one of familyOf(pid)) {
    try {
      process.kill(one, 'SIGKILL')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
    }
  }
}
