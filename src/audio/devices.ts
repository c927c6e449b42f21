import { type DeviceProcess, type SupervisedDevice, superviseDevice } from './device-process.ts'
import { createDriftBuffer, type DriftCounts } from './drift-buffer.ts'
import { type AudioSink, type AudioSource, type Channels, SAMPLE_RATE } from './frame.ts'
import { listPipeDevices, type PipeProgram, pipePrograms, startPipeDevice } from './pipe-player.ts'
import { listPortAudio, startPortAudio } from './portaudio.ts'
import { createFrameAdapter } from './resample.ts'

type DeviceEngine = 'portaudio' | PipeProgram

export type Device = {
  /** What the engine calls it; stays the same over a restart. */
  id: string
  name: string
  isDefault: boolean
  /** The most it can do. */
  channels: number
  /** Its own, in Hz; sound is converted from and to 48 kHz. */
  sampleRate: number
}

export type DeviceList = {
  engine: DeviceEngine | 'none'
  inputs: Device[]
  outputs: Device[]
  /** One sentence: why there is no sound, or why not by the better engine. */
  problem?: string
}

export type DeviceOptions = {
  /** `auto`: PortAudio, else the first program that works. */
  engine?: 'auto' | DeviceEngine | 'none'
  /** Samples the device takes at once: 240, or 480 for less work at about 50 ms more of delay. PortAudio only. */
  framesPerBuffer?: 480 | 240
  /** Of the microphone 1, of the speaker 2 unless said. */
  channels?: Channels
  /** The bundled PortAudio child; dist/portaudio.js unless said. */
  entry?: string
  /** The whole environment of child processes; that of this process unless said. */
  env?: NodeJS.ProcessEnv
}

/** What a device stream tells besides its sound. */
type DeviceStream = {
  readonly engine: DeviceEngine
  /** The device went away or stood still; silence until it is back. Told with a reason, in words. */
  onLost(listener: (reason: string) => void): void
  onBack(listener: () => void): void
  /** Sound held on our side of the device, without what the sound server adds. */
  latencyMs(): number
  counts(): DriftCounts & { losses: number }
}

export type Microphone = Required<AudioSource> & DeviceStream
export type Speaker = AudioSink & DeviceStream

type Direction = 'input' | 'output'

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
 * Opens the device called `name` (see `pickDevice`), or the default one, which is looked up again after each loss.
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
  const listeners = { lost: new Set<(reason: string) => void>(), back: new Set<() => void>() }
  const open = async (engine: DeviceEngine): Promise<SupervisedDevice> => {
    const device = name === 'default' ? undefined : await findDevice(engine, direction, name, options)
    return superviseDevice({
      spawn: () => startBy(engine, { direction, device, channels }, onCaptured, options),
      onLost: (reason) => {
        for (const tell of listeners.lost) tell(reason)
      },
      onBack: () => {
        for (const tell of listeners.back) tell()
      },
    })
  }
  const { engine, supervised } = await firstThatWorks(open, options).catch((error: Error & { code?: string }) => {
    if (name === 'default' || error.code !== 'no-sound') throw error
    throw coded('no-device', `no ${direction === 'input' ? 'microphone' : 'speaker'} "${name}": ${error.message}`)
  })
  const stream = {
    onLost: (listener: (reason: string) => void) => void listeners.lost.add(listener),
    onBack: (listener: () => void) => void listeners.back.add(listener),
  }
  return { engine, stream, supervised }
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

const enginesToTry = async ({ engine = 'auto', env }: DeviceOptions): Promise<DeviceEngine[]> => {
  if (engine === 'none') return []
  return engine === 'auto' ? ['portaudio', ...(await pipePrograms(env))] : [engine]
}

const findDevice = async (engine: DeviceEngine, direction: Direction, name: string, options: DeviceOptions) => {
  const { inputs, outputs } = await listBy(engine, options)
  if (inputs.length + outputs.length === 0) throw coded('no-sound', `${engine} finds no device`)
  return (direction === 'input' ? pickDevice(name, inputs, 'microphone') : pickDevice(name, outputs, 'speaker')).id
}

const listBy = async (
  engine: DeviceEngine,
  options: DeviceOptions,
): Promise<Pick<DeviceList, 'inputs' | 'outputs'>> => {
  if (engine !== 'portaudio') return listPipeDevices(engine, options.env)
  const { devices, defaultInput, defaultOutput } = await listPortAudio(options)
  const inDirection = (channelsOf: (device: (typeof devices)[number]) => number, defaultName?: string) =>
    devices.flatMap((device, index) => {
      // Windows names a device once for each of its sound systems; the first is the one that is opened.
      const isFirst = devices.findIndex((each) => each.name === device.name && channelsOf(each) > 0) === index
      const { name, sampleRate } = device
      const isDefault = name === defaultName
      return isFirst ? [{ id: name, name, isDefault, channels: channelsOf(device), sampleRate }] : []
    })
  return {
    inputs: inDirection((device) => device.inputs, defaultInput),
    outputs: inDirection((device) => device.outputs, defaultOutput),
  }
}

const startBy = (
  engine: DeviceEngine,
  stream: { direction: Direction; device: string | undefined; channels: Channels },
  onCaptured: (samples: Int16Array) => void,
  options: DeviceOptions,
): DeviceProcess =>
  engine === 'portaudio'
    ? startPortAudio({ ...stream, framesPerBuffer: options.framesPerBuffer ?? 240 }, onCaptured, options)
    : startPipeDevice(engine, stream, onCaptured, options.env)

const sentenceOf = (engine: DeviceEngine, error: Error & { code?: string }) => {
  if (error.code === 'no-naudiodon') return 'naudiodon, for PortAudio, is not built'
  return error.code === 'no-sound' ? error.message : `${engine}: ${error.message}`
}

const noSound = (problems: readonly string[]) =>
  `no sound device can be used (${problems.join('; ') || 'sound is switched off'})`

const coded = (code: 'no-device' | 'no-sound', message: string) => Object.assign(new Error(message), { code })
