import { setTimeout as sleep } from 'node:timers/promises'
import { startFrameClock } from '../audio/clock.ts'
import {
  type Device,
  type DeviceList,
  type DeviceOptions,
  listDevices,
  type Microphone,
  openMicrophone,
  openSpeaker,
  pickDevice,
  type Speaker,
} from '../audio/devices.ts'
import { createEar } from '../audio/ear.ts'
import { createFrame, FRAME_MS } from '../audio/frame.ts'
import { parseSinkSpec } from '../audio/sinks/sink.ts'
import { parseSourceSpec } from '../audio/sources/source.ts'
import { createToneSource } from '../audio/sources/tone.ts'
import type { Context } from './context.ts'
import { entryOf } from './entries.ts'
import { codeOf, exitCodeOf, failure } from './failure.ts'

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
  output.table(
    ['kind', 'name', 'in use', 'format'],
    [...rows('microphone', list.inputs), ...rows('speaker', list.outputs)],
  )
  if (list.problem) output.note(list.problem)
}

/** Remembers the device in the user config, as microphone, speaker or both, by what the name fits; running seats go over to it. */
export const chooseDevice = async (context: Context, name: string) => {
  const settings = await context.settings()
  const kinds = name === 'default' ? defaults : pickBoth(await withDevices(context), name)
  for (const { kind, device } of kinds) {
    await settings.set(kind, device)
    context.output.note(`${kind}: ${device}`)
  }
  const { tellSeats } = await import('./seat.ts')
  for (const { kind, device } of kinds)
    await tellSeats(context, { verb: 'devices', [kind]: device }, (error, { title }) => {
      // A seat that plays or writes a file instead stays with that.
      if (codeOf(error) !== 'conflict') throw failure('no-device', `in ${title}: ${error.message}`)
    })
}

export const testDevices = async (context: Context, name: string | undefined, options: { json?: boolean }) => {
  const device = await deviceOptions(context)
  const kinds = name === undefined ? await settingsKinds(context) : pickBoth(await withDevices(context), name)
  const open = await openBoth(context, kinds, device)
  const heard = await playAndListen(open)
  const nameOf = (kind: Kind['kind']) => (open[kind] ? kinds.find((each) => each.kind === kind)!.device : null)
  const [speaker, microphone] = [nameOf('speaker'), nameOf('microphone')]
  if (options.json) return context.output.json({ speaker, microphone, ...heard })
  if (speaker !== null) context.output.line(`speaker ${speaker}: played ${TEST_HZ} Hz for ${TEST_MS / 1000} s`)
  if (microphone !== null)
    context.output.line(`microphone ${microphone}: ${heard.levelDb.toFixed(0)} dBFS${whatItIs(heard)}`)
}

type Kind = { kind: 'microphone' | 'speaker'; device: string }
const defaults: Kind[] = [
  { kind: 'microphone', device: 'default' },
  { kind: 'speaker', device: 'default' },
]

/** The devices of the settings; a file or a tone is none. */
const settingsKinds = async (context: Context): Promise<Kind[]> => {
  const [microphone = 'default', speaker = 'default'] = [
    await context.setting('microphone'),
    await context.setting('speaker'),
  ]
  const kinds: Kind[] = []
  if (parseSourceSpec(microphone).kind === 'device') kinds.push({ kind: 'microphone', device: microphone })
  if (parseSinkSpec(speaker).kind === 'device') kinds.push({ kind: 'speaker', device: speaker })
  if (kinds.length === 0)
    throw failure('bad-input', `neither ${microphone} nor ${speaker} is a device: say which, devices test NAME`)
  return kinds
}

const withDevices = async (context: Context): Promise<DeviceList> => {
  const list = await listDevices(await deviceOptions(context))
  if (list.engine === 'none') throw failure('no-sound', list.problem ?? 'no sound on this machine')
  return list
}

/** What a name fits, as microphone, as speaker or as both; a speaker called so is not the microphone that hears it. */
const pickBoth = (list: DeviceList, name: string): Kind[] => {
  const found: (Kind & { isExact: boolean })[] = []
  for (const [kind, devices] of [
    ['microphone', list.inputs],
    ['speaker', list.outputs],
  ] as const) {
    try {
      const device = pickDevice(name, devices, kind)
      const isExact = [device.id, device.name].some((each) => each.toLowerCase() === name.toLowerCase())
      found.push({ kind, device: device.name, isExact })
    } catch (error) {
      if (codeOf(error) !== 'no-device') throw error
    }
  }
  const exact = found.filter(({ isExact }) => isExact)
  if (found.length > 0) return exact.length > 0 ? exact : found
  const names = [...new Set([...list.inputs, ...list.outputs].map((device) => device.name))]
  const holding = names.filter((each) => each.toLowerCase().includes(name.toLowerCase()))
  const why = holding.length > 0 ? 'more than one is called so' : 'there are'
  throw failure('no-device', `no device "${name}"; ${why}: ${(holding.length > 0 ? holding : names).join(', ')}`)
}

const isChosen = (device: Device, chosen: string | undefined): boolean =>
  chosen === undefined || chosen === 'default' ? device.isDefault : device.name === chosen

type HeardTone = { levelDb: number; frequencyHz: number; seconds: number }

type Open = { microphone?: Microphone; speaker?: Speaker }

/** Where one of the two cannot be opened, and that is said, the other is still worth a test. */
const openBoth = async (context: Context, kinds: Kind[], options: DeviceOptions): Promise<Open> => {
  const open: Open = {}
  context.onClose(() => Promise.all([open.speaker?.close(), open.microphone?.close()]))
  const openOne = async ({ kind, device }: Kind) => {
    if (kind === 'speaker') open.speaker = await openSpeaker(device, { ...options, channels: 1 })
    else open.microphone = await openMicrophone(device, options)
  }
  const outcomes = await Promise.allSettled(kinds.map(openOne))
  const problems = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason as Error] : []))
  if (problems.length === kinds.length) throw problems[0]
  for (const problem of problems) context.output.problem(problem)
  if (problems.length > 0) context.exitWith(exitCodeOf(problems[0]))
  return open
}

const playAndListen = async ({ speaker, microphone }: Open): Promise<HeardTone> => {
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
  return { levelDb, frequencyHz, seconds }
}

const whatItIs = ({ levelDb, frequencyHz }: HeardTone): string => {
  if (levelDb <= -90) return ', which is silence: is it muted, or another one?'
  return Math.abs(frequencyHz - TEST_HZ) < 3 ? ', and it hears the speaker' : ''
}
