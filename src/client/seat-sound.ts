import {
  type DeviceOptions,
  listDevices,
  type Microphone,
  openMicrophone,
  openSpeaker,
  type Speaker,
} from '../audio/devices.ts'
import type { AudioFileSource } from '../audio/files/open.ts'
import type { AudioSink, AudioSource } from '../audio/frame.ts'
import { openSink, parseSinkSpec } from '../audio/sinks/sink.ts'
import { openSource, parseSourceSpec } from '../audio/sources/source.ts'
import { apiError } from '../protocol/errors.ts'
import type { SeatState } from '../protocol/seat.ts'
import { createSeatNoise } from './seat-noise.ts'
import type { SeatOrder } from './seat-wire.ts'
import type { Session } from './session-contract.ts'

/** What a seat speaks with and is heard on. */
export type Sound = {
  source: AudioSource | null
  sink: AudioSink | null
  /** The microphone is a device, or may become one: it opens by `unmute` alone. */
  isDevice: boolean
  /** The speaker is a device, or may become one: somebody is there, and nothing is kept or passed on. */
  isHeardHere: boolean
  devices: SeatState['devices']
  /** Tells the session of devices that go and come back, and of what could not be opened. */
  follow(session: Session): void
  /**
   * Goes over to other devices, by name or `default`. What cannot be opened changes nothing and rejects, with a code of
   * audio/devices, `conflict` where the seat plays or writes a file, or `bad-request` for what is no device.
   */
  use(devices: { microphone?: string; speaker?: string }): Promise<void>
  /** Takes the noise out of the voice at a microphone device, or no longer; a file and a tone stay as they are. */
  suppressNoise(isWished: boolean): Promise<void>
  /** What the system calls the speaker that a seat has by this name: `default` stands for another. */
  speakerName(name: string): Promise<string>
  /** What was wrong with the file that was played, once that is known. */
  warning(): string | undefined
  close(): Promise<void>
}

type Kind = 'microphone' | 'speaker'
type Stream = AudioSource | AudioSink

export const openSound = async (order: SeatOrder): Promise<Sound> => {
  const options: DeviceOptions = { engine: order.soundEngine as DeviceOptions['engine'], entry: order.portaudioEntry }
  const early: string[] = []
  let onProblem = (message: string): void => void early.push(message)
  let onSpeakerGone = () => {}
  let onReaderGone = () => {}
  let session: Session | undefined
  let closing: Promise<unknown> | undefined
  let changing: Promise<unknown> = Promise.resolve()
  let isNoiseSuppressed = false
  const noise = createSeatNoise({
    isWished: order.noise !== false,
    onChange: (isSuppressed) => {
      isNoiseSuppressed = isSuppressed
      session?.setNoise(isSuppressed)
    },
    onProblem: (message) => onProblem(message),
  })
  const open = {
    microphone: (name: string) =>
      openSource(name, {
        stdin: process.stdin,
        openMicrophone: async (device) => {
          const microphone = await openMicrophone(device, options)
          return order.music ? microphone : noise.clean(microphone)
        },
      }),
    speaker: (name: string) =>
      openSink(name, {
        stdout: process.stdout,
        channels: order.stereo ? 2 : 1,
        openSpeaker: (device) => openSpeaker(device, options),
        onError: (error) => {
          onSpeakerGone()
          onProblem(error.message)
        },
        onClosed: () => onReaderGone(),
      }),
  }
  const orWithout = async <T>(spec: string, opening: () => Promise<T>): Promise<T | null> => {
    if (spec === 'none') return null
    try {
      return await opening()
    } catch (error) {
      // Without a sound card the seat still works; a device that was named must be there.
      if (spec !== 'default') throw error
      onProblem((error as Error).message)
      return null
    }
  }
  const [source, sink] = await Promise.all([
    orWithout(order.source, () => open.microphone(order.source)),
    orWithout(order.speaker, () => open.speaker(order.speaker)),
  ])
  const now: { microphone: AudioSource | null; speaker: AudioSink | null } = { microphone: source, speaker: sink }

  const change = async (kind: Kind, name: string) => {
    refuseUnlessDevice(kind, name, kind === 'microphone' ? order.source : order.speaker)
    const next = await open[kind](name)
    if (closing || !session) {
      await next.close()
      throw apiError('conflict', 'The seat is leaving.')
    }
    const former = now[kind]
    // Named before it is followed: what the new one tells counts for it.
    session.setDevice(kind, name, 'ok')
    if (kind === 'microphone') {
      now.microphone = next as AudioSource
      session.setSource(now.microphone)
    } else {
      now.speaker = next as AudioSink
      session.setSink(now.speaker)
    }
    followDevice(kind, name, next, session, () => now[kind] === next)
    await former?.close()
  }

  return {
    source,
    sink,
    isDevice: ['device', 'none'].includes(parseSourceSpec(order.source).kind),
    isHeardHere: ['device', 'none'].includes(parseSinkSpec(order.speaker).kind),
    devices: {
      microphone: { name: order.source, status: source ? 'ok' : 'none' },
      speaker: { name: order.speaker, status: sink ? 'ok' : 'none' },
    },
    follow: (followed) => {
      session = followed
      onProblem = followed.warn
      followed.setNoise(isNoiseSuppressed)
      onSpeakerGone = () => followed.setDevice('speaker', order.speaker, 'none')
      onReaderGone = () => void followed.close()
      // Microphone and speaker may lack the same thing.
      for (const problem of new Set(early)) followed.warn(problem)
      if (source) followDevice('microphone', order.source, source, followed, () => now.microphone === source)
      if (sink) followDevice('speaker', order.speaker, sink, followed, () => now.speaker === sink)
    },
    use: async ({ microphone, speaker }) => {
      const changed = changing.then(async () => {
        if (microphone !== undefined) await change('microphone', microphone)
        if (speaker !== undefined) await change('speaker', speaker)
      })
      changing = changed.catch(() => {})
      await changed
    },
    suppressNoise: noise.setWished,
    speakerName: async (name) => {
      if (name !== 'default') return name
      const { outputs } = await listDevices(options)
      return outputs.find(({ isDefault }) => isDefault)?.name ?? name
    },
    warning: () => (source && 'warning' in source ? (source as AudioFileSource).warning() : undefined),
    close: async () => {
      closing ??= Promise.allSettled([now.microphone?.close(), now.speaker?.close()])
      await closing
    },
  }
}

const refuseUnlessDevice = (kind: Kind, name: string, ordered: string): void => {
  const kindOf = (spec: string) => (kind === 'microphone' ? parseSourceSpec(spec) : parseSinkSpec(spec)).kind
  const was = kindOf(ordered)
  if (was !== 'device' && was !== 'none')
    throw apiError('conflict', `This seat's ${kind} is ${ordered}, to its end; join again for another.`)
  if (kindOf(name) !== 'device')
    throw apiError('bad-request', `A running seat changes to a device, not to ${name}.`, { field: kind })
}

const followDevice = (kind: Kind, name: string, stream: Stream, session: Session, isCurrent: () => boolean) => {
  if (!('onLost' in stream)) return
  const { onLost, onReplaced, onBack } = stream as Microphone | Speaker
  onLost(() => isCurrent() && session.setDevice(kind, name, 'lost'))
  onReplaced(() => {
    if (!isCurrent()) return
    session.setDevice(kind, name, 'replaced')
    session.warn(`Your ${kind} is the system's default until ${name} is back.`)
  })
  onBack(() => isCurrent() && session.setDevice(kind, name, 'ok'))
}
