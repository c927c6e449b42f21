import {
  type Device,
  type DeviceEngine,
  type DeviceOptions,
  type Direction,
  enginesToTry,
  listBy,
} from './device-engines.ts'
import { openPlaced, type Told } from './device-place.ts'
import type { SupervisedDevice } from './device-process.ts'
import { createDriftBuffer, type DriftCounts } from './drift-buffer.ts'
import { type AudioSink, type AudioSource, type Channels, SAMPLE_RATE } from './frame.ts'
import { createFrameAdapter } from './resample.ts'

export type { Device, DeviceOptions } from './device-engines.ts'

export type DeviceList = {
  engine: DeviceEngine | 'none'
  inputs: Device[]
  outputs: Device[]
  /** One sentence: why there is no sound, or why not by the better engine. */
  problem?: string
}

/** What a device stream tells besides its sound. */
type DeviceStream = {
  readonly engine: DeviceEngine
  /** The device went away or stood still; silence until it is back. Told with a reason, in words. */
  onLost(listener: (reason: string) => void): void
  /** A device that was named is gone, and the system's default one sounds in its place until it is back. */
  onReplaced(listener: () => void): void
  onBack(listener: () => void): void
  /** Sound held on our side of the device, without what the sound server adds. */
  latencyMs(): number
  counts(): DriftCounts & { losses: number }
}

export type Microphone = Required<AudioSource> & DeviceStream
export type Speaker = AudioSink & DeviceStream

const MICROPHONE_TARGET_MS = 20
const MICROPHONE_MAX_MS = 120

/** Never rejects: what is missing stands in `problem`. */
export const listDevices = async (options: DeviceOptions = {}): Promise<DeviceList> => {
  const problems: string[] = []
  for (const engine of await enginesToTry(options)) {
    try {
      const found = await listBy(engine, options)
      if (found.inputs.length + found.outputs.length > 0) {
        return problems.length ? { engine, ...found, problem: problems.join('; ') } : { engine, ...found }
      }
      problems.push(`${engine} finds no device`)
    } catch (error) {
      problems.push(sentenceOf(engine, error as Error))
    }
  }
  return { engine: 'none', inputs: [], outputs: [], problem: noSound(problems) }
}

/**
 * Opens the device called `name` (see `pickDevice`), or the default one, which is followed when the system has another.
 * Rejects with code `no-device`, `no-sound` or `device-failed`.
 */
export const openMicrophone = async (name: string, options: DeviceOptions = {}): Promise<Microphone> => {
  const channels = options.channels ?? 1
  const newBuffer = () => createDriftBuffer({ channels, targetMs: MICROPHONE_TARGET_MS, maxMs: MICROPHONE_MAX_MS })
  let buffer = newBuffer()
  let take = buffer.write
  const onCaptured = (samples: Int16Array) => take(samples)
  const { engine, stream, supervised } = await openDevice('input', name, channels, onCaptured, options)
  return {
    ...stream,
    engine,
    channels,
    read: (into) => buffer.read(into),
    listen: (onFrame) => {
      const adapter = createFrameAdapter(channels, onFrame)
      buffer = newBuffer()
      const give = (samples: Int16Array) => adapter.push(liveEdge(samples, channels), SAMPLE_RATE, channels)
      take = give
      return () => {
        if (take === give) take = buffer.write
      }
    },
    latencyMs: () => buffer.fillMs(),
    counts: () => ({ ...buffer.counts(), losses: supervised.losses() }),
    close: supervised.close,
  }
}

/** What comes at once after a stall is old: all but its end would only be delay. */
const liveEdge = (samples: Int16Array, channels: Channels): Int16Array => {
  const samplesPerMs = (SAMPLE_RATE / 1_000) * channels
  return samples.length > MICROPHONE_MAX_MS * samplesPerMs
    ? samples.subarray(-MICROPHONE_TARGET_MS * samplesPerMs)
    : samples
}

/** As `openMicrophone`. `close` lets what was written be heard. */
export const openSpeaker = async (name: string, options: DeviceOptions = {}): Promise<Speaker> => {
  const channels = options.channels ?? 2
  const { engine, stream, supervised } = await openDevice('output', name, channels, () => {}, options)
  const none = { droppedMs: 0, insertedMs: 0, starvedMs: 0 }
  return {
    ...stream,
    engine,
    channels,
    write: (frame) => supervised.current()?.play(frame),
    latencyMs: () => supervised.current()?.bufferedMs() ?? 0,
    counts: () => ({ ...(supervised.current()?.counts() ?? none), losses: supervised.losses() }),
    close: supervised.close,
  }
}

/** By exact id or name, then whatever the case, then as the only one whose name holds it. */
export const pickDevice = (name: string, devices: readonly Device[], kind: 'microphone' | 'speaker'): Device => {
  const wanted = name.toLowerCase()
  const exact = devices.find((device) => device.id === name || device.name === name)
  const likely = exact ?? devices.find((device) => device.name.toLowerCase() === wanted)
  if (likely) return likely
  const holding = devices.filter((device) => device.name.toLowerCase().includes(wanted))
  if (wanted && holding.length === 1) return holding[0]!
  const names = (some: readonly Device[]) => some.map((device) => device.name).join(', ')
  const known = devices.length ? `there are: ${names(devices)}` : 'there is none'
  const why = wanted && holding.length > 1 ? `more than one is called so: ${names(holding)}` : known
  throw coded('no-device', `no ${kind} "${name}"; ${why}`)
}

const openDevice = async (
  direction: Direction,
  name: string,
  channels: Channels,
  onCaptured: (samples: Int16Array) => void,
  options: DeviceOptions,
) => {
  const listeners = newListeners()
  const open = async (engine: DeviceEngine): Promise<SupervisedDevice> => {
    const device = name === 'default' ? undefined : await findDevice(engine, direction, name, options)
    return openPlaced({ engine, direction, device, channels, onCaptured, tell: listeners.tell, options })
  }
  const { engine, supervised } = await firstThatWorks(open, options).catch((error: Error & { code?: string }) => {
    if (name === 'default' || error.code !== 'no-sound') throw error
    throw coded('no-device', `no ${direction === 'input' ? 'microphone' : 'speaker'} "${name}": ${error.message}`)
  })
  return { engine, stream: listeners.stream, supervised }
}

const newListeners = () => {
  const all: { [K in Told]: ((reason: string) => void)[] } = { lost: [], replaced: [], back: [] }
  return {
    tell: (what: Told, reason = '') => {
      for (const listener of all[what]) listener(reason)
    },
    stream: {
      onLost: (listener: (reason: string) => void) => void all.lost.push(listener),
      onReplaced: (listener: () => void) => void all.replaced.push(listener),
      onBack: (listener: () => void) => void all.back.push(listener),
    },
  }
}

const firstThatWorks = async (open: (engine: DeviceEngine) => Promise<SupervisedDevice>, options: DeviceOptions) => {
  const problems: string[] = []
  let refusal: Error | undefined
  for (const engine of await enginesToTry(options)) {
    try {
      return { engine, supervised: await open(engine) }
    } catch (error) {
      // The best engine's word on an unknown device or a device that fails is the one worth reading.
      const { code } = error as { code?: string }
      if (code === 'no-device' || code === 'device-failed') refusal ??= error as Error
      problems.push(sentenceOf(engine, error as Error))
    }
  }
  throw refusal ?? coded('no-sound', noSound(problems))
}

const findDevice = async (engine: DeviceEngine, direction: Direction, name: string, options: DeviceOptions) => {
  const { inputs, outputs } = await listBy(engine, options)
  if (inputs.length + outputs.length === 0) throw coded('no-sound', `${engine} finds no device`)
  return (direction === 'input' ? pickDevice(name, inputs, 'microphone') : pickDevice(name, outputs, 'speaker')).id
}

const sentenceOf = (engine: DeviceEngine, error: Error & { code?: string }) => {
  if (error.code === 'no-naudiodon') return 'naudiodon, for PortAudio, is not built'
  return error.code === 'no-sound' ? error.message : `${engine}: ${error.message}`
}

const noSound = (problems: readonly string[]) =>
  `no sound device can be used (${problems.join('; ') || 'sound is switched off'})`

const coded = (code: 'no-device' | 'no-sound', message: string) => Object.assign(new Error(message), { code })
