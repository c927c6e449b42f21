import type { DeviceProcess } from './device-process.ts'
import type { Channels } from './frame.ts'
import { listPipeDevices, type PipeProgram, pipePrograms, startPipeDevice } from './pipe-player.ts'
import { listPortAudio, startPortAudio } from './portaudio.ts'

export type DeviceEngine = 'portaudio' | PipeProgram

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

export type Direction = 'input' | 'output'

/** The best first. */
export const enginesToTry = async ({ engine = 'auto', env }: DeviceOptions): Promise<DeviceEngine[]> => {
  if (engine === 'none') return []
  return engine === 'auto' ? ['portaudio', ...(await pipePrograms(env))] : [engine]
}

export const listBy = async (
  engine: DeviceEngine,
  options: DeviceOptions,
): Promise<{ inputs: Device[]; outputs: Device[] }> => {
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

export const startBy = (
  engine: DeviceEngine,
  stream: { direction: Direction; device: string | undefined; channels: Channels },
  onCaptured: (samples: Int16Array) => void,
  options: DeviceOptions,
): DeviceProcess =>
  engine === 'portaudio'
    ? startPortAudio({ ...stream, framesPerBuffer: options.framesPerBuffer ?? 240 }, onCaptured, options)
    : startPipeDevice(engine, stream, onCaptured, options.env)
