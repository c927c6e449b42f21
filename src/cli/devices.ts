import { setTimeout as sleep } from 'node:timers/promises'
import { startFrameClock } from '../audio/clock.ts'
import {
  type Device,
  type DeviceList,
  type DeviceOptions,
  listDevices,
  openMicrophone,
  openSpeaker,
  pickDevice,
} from '../audio/devices.ts'
import { createEar } from '../audio/ear.ts'
import { createFrame, FRAME_MS } from '../audio/frame.ts'
import { createToneSource } from '../audio/sources/tone.ts'
import type { Context } from './context.ts'
import { entryOf } from './entries.ts'
import { codeOf, failure } from './failure.ts'

const TEST_HZ = 440
const TEST_MS = 2000

/** How devices are opened here: the engine of the settings, the built PortAudio child. */
export const deviceOptions = async (context: Context): Promise<DeviceOptions> => ({
  engine: (await context.setting('soundEngine')) as DeviceOptions['engine'],
  entry: entryOf('portaudio'),
  env: context.env,
})

export const showDevices = async (context: Context, options: { json?: boolean }) => {
  const { output } = context
  const list = await listDevices(await deviceOptions(context))
  const chosen = { microphone: await context.setting('microphone'), speaker: await context.setting('speaker') }
  if (options.json) return output.json({ ...list, chosen })
  const rows = (kind: 'microphone' | 'speaker', devices: Device[]) =>
    devices.map((device) => [
      kind,
      device.name,
      isChosen(device, chosen[kind]) ? output.paint('green', 'in use') : '',
      `${device.channels} ch, ${device.sampleRate} Hz`,
    ])
  output.table([...rows('microphone', list.inputs), ...rows('speaker', list.outputs)])
  if (list.problem) output.note(list.problem)
}

/** Remembers the device in the user config, as microphone, speaker or both, by what the name fits. */
export const chooseDevice = async (context: Context, name: string) => {
  const settings = await context.settings()
  const kinds = name === 'default' ? defaults : pickBoth(await withDevices(context), name)
  for (const { kind, device } of kinds) {
    await settings.set(kind, device)
    context.output.note(`${kind}: ${device}`)
  }
}

export const testDevices = async (context: Context, name: string | undefined, options: { json?: boolean }) => {
  const device = await deviceOptions(context)
  const kinds = name === undefined ? await settingsKinds(context) : pickBoth(await withDevices(context), name)
  const nameOf = (wanted: 'microphone' | 'speaker') => kinds.find(({ kind }) => kind === wanted)?.device
  const [speaker, microphone] = [nameOf('speaker'), nameOf('microphone')]
  const heard = await playAndListen(speaker, microphone, device)
  if (options.json) return context.output.json({ speaker: speaker ?? null, microphone: microphone ?? null, ...heard })
  if (speaker !== undefined) context.output.line(`speaker ${speaker}: played ${TEST_HZ} Hz for ${TEST_MS / 1000} s`)
  if (microphone !== undefined)
    context.output.line(`microphone ${microphone}: ${heard.levelDb.toFixed(0)} dBFS${whatItIs(heard)}`)
}

type Kind = { kind: 'microphone' | 'speaker'; device: string }
const defaults: Kind[] = [
  { kind: 'microphone', device: 'default' },
  { kind: 'speaker', device: 'default' },
]

const settingsKinds = async (context: Context): Promise<Kind[]> =>
  Promise.all(defaults.map(async ({ kind }) => ({ kind, device: (await context.setting(kind)) ?? 'default' })))

const withDevices = async (context: Context): Promise<DeviceList> => {
  const list = await listDevices(await deviceOptions(context))
  if (list.engine === 'none') throw failure('no-sound', list.problem ?? 'no sound on this machine')
  return list
}

const pickBoth = (list: DeviceList, name: string): Kind[] => {
  const found: Kind[] = []
  for (const [kind, devices] of [
    ['microphone', list.inputs],
    ['speaker', list.outputs],
  ] as const) {
    try {
      found.push({ kind, device: pickDevice(name, devices, kind).name })
    } catch (error) {
      if (codeOf(error) !== 'no-device') throw error
    }
  }
  if (found.length > 0) return found
  const names = [...new Set([...list.inputs, ...list.outputs].map((device) => device.name))].join(', ')
  throw failure('no-device', `no device, or more than one, is called "${name}"; there are: ${names}`)
}

const isChosen = (device: Device, chosen: string | undefined): boolean =>
  chosen === undefined || chosen === 'default' ? device.isDefault : device.name === chosen

type HeardTone = { levelDb: number; frequencyHz: number; seconds: number }

const playAndListen = async (
  speakerName: string | undefined,
  microphoneName: string | undefined,
  options: DeviceOptions,
): Promise<HeardTone> => {
  const speaker = speakerName === undefined ? undefined : await openSpeaker(speakerName, { ...options, channels: 1 })
  const microphone = microphoneName === undefined ? undefined : await openMicrophone(microphoneName, options)
  const tone = createToneSource({ hz: TEST_HZ })
  const ear = createEar()
  const [out, captured] = [createFrame(1), createFrame(1)]
  const clock = startFrameClock({
    onFrame: (index) => {
      tone.read(out)
      speaker?.write(out)
      if (microphone?.read(captured) === 'frame') ear.push(captured, 1, index * FRAME_MS)
    },
  })
  await sleep(TEST_MS)
  clock.close()
  const { levelDb, frequencyHz, seconds } = ear.report()
  await Promise.all([speaker?.close(), microphone?.close()])
  return { levelDb, frequencyHz, seconds }
}

const whatItIs = ({ levelDb, frequencyHz }: HeardTone): string => {
  if (levelDb <= -90) return ', which is silence: is it muted, or another one?'
  return Math.abs(frequencyHz - TEST_HZ) < 3 ? ', and it hears the speaker' : ''
}
