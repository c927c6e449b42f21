import { spawn } from 'node:child_process'
import { startFrameClock } from '../audio/clock.ts'
import { listDevices, openMicrophone, openSpeaker } from '../audio/devices.ts'
import { createFrame } from '../audio/frame.ts'
import { levelDb } from '../audio/level.ts'
import { parseSinkSpec } from '../audio/sinks/sink.ts'
import { parseSourceSpec } from '../audio/sources/source.ts'
import { createToneSource } from '../audio/sources/tone.ts'
import type { DeviceDesk, SettingDesk, TuiDeps } from '../tui/deps.ts'
import type { DeviceChoice, DeviceKind, SettingItem, TrialKind } from '../tui/model.ts'
import type { Context } from './context.ts'
import { deviceOptions } from './devices.ts'
import { failure } from './failure.ts'
import { keyFile, readKeyFile } from './key-file.ts'
import type { SettingKey } from './settings.ts'

type MachineDeps = Pick<
  TuiDeps,
  'colorDepth' | 'theme' | 'keyTable' | 'notice' | 'devices' | 'settings' | 'rename' | 'openLink'
>

/** What the full screen takes from this machine and its user's folder. */
export const machineDeps = async (context: Context): Promise<MachineDeps> => {
  const { table, problem } = await readKeyFile(keyFile(context))
  const theme = await context.setting('theme')
  const { stdout } = context as unknown as { stdout: Partial<NodeJS.WriteStream> }
  return {
    colorDepth: stdout.getColorDepth?.(context.env) ?? 4,
    theme: theme === 'dark' || theme === 'light' ? theme : 'auto',
    keyTable: table,
    ...(problem === undefined ? {} : { notice: problem }),
    devices: deviceDesk(context),
    settings: settingDesk(context),
    rename: async (name) => (await context.api()).call('editMe', { body: { name } }),
    openLink,
  }
}

const deviceDesk = (context: Context): DeviceDesk => ({
  list: async () => {
    const { inputs, outputs, problem } = await listDevices(await deviceOptions(context))
    const choices: DeviceChoice[] = []
    for (const [kind, devices] of [
      ['microphone', inputs],
      ['speaker', outputs],
    ] as const) {
      const inUse = await context.setting(kind)
      const names = [...(devices.length > 0 ? ['default'] : []), ...devices.map(({ name }) => name)]
      choices.push(...names.map((name) => ({ kind, name, isInUse: name === inUse })))
    }
    return { choices, problem: problem ?? null }
  },
  use: async (kind, name) => (await context.settings()).set(kind, name),
  try: (what, on) => tryDevice(context, what, on),
})

const trialMs = { tone: 2_000, microphone: 30_000, loopback: 30_000 }
const levelEveryFrames = 10

/** Opens the chosen devices for a while. What the microphone gives goes to its owner's speaker at most. */
const tryDevice = async (
  context: Context,
  what: TrialKind,
  { onLevel, onEnd }: Parameters<DeviceDesk['try']>[1],
): ReturnType<DeviceDesk['try']> => {
  const options = await deviceOptions(context)
  const microphone = what === 'tone' ? undefined : await openMicrophone(await chosen(context, 'microphone'), options)
  const speaker =
    what === 'microphone'
      ? undefined
      : await openSpeaker(await chosen(context, 'speaker'), { ...options, channels: 1 }).catch(async (error) => {
          await microphone?.close()
          throw error
        })
  const tone = createToneSource({ hz: 440 })
  const frame = createFrame(1)
  let loudest = -100
  const clock = startFrameClock({
    onFrame: (index) => {
      const source = microphone ?? tone
      if (source.read(frame) !== 'frame') frame.fill(0)
      speaker?.write(frame)
      loudest = Math.max(loudest, levelDb(frame))
      if (index % levelEveryFrames !== 0) return
      if (microphone) onLevel(loudest)
      loudest = -100
    },
  })
  const close = () => {
    clearTimeout(timer)
    clock.close()
    void Promise.allSettled([microphone?.close(), speaker?.close()])
  }
  const timer = setTimeout(onEnd, trialMs[what])
  context.onClose(close)
  return { close }
}

/** The device of the settings; a file or a tone is none. */
const chosen = async (context: Context, kind: DeviceKind): Promise<string> => {
  const name = (await context.setting(kind)) ?? 'default'
  const spec = kind === 'microphone' ? parseSourceSpec(name) : parseSinkSpec(name)
  if (spec.kind !== 'device')
    throw failure('bad-input', `the ${kind} is set to ${name}, which is no device: choose one`)
  return name
}

const changeable: { key: SettingKey; label: string; values: string[] }[] = [
  { key: 'theme', label: 'colours for a dark or a light background', values: ['auto', 'dark', 'light'] },
  { key: 'face', label: 'this screen, or plain lines (from the next start)', values: ['tui', 'plain'] },
  {
    key: 'soundEngine',
    label: 'what plays and records (from the next room)',
    values: ['auto', 'portaudio', 'pacat', 'pw-cat', 'aplay', 'sox'],
  },
]

const settingDesk = (context: Context): SettingDesk => ({
  list: async (): Promise<SettingItem[]> => {
    const settings = await context.settings()
    return changeable.map((item) => ({ ...item, value: settings.get(item.key)?.value ?? item.values[0]! }))
  },
  set: async (key, value) => {
    const item = changeable.find((each) => each.key === key)
    if (item) await (await context.settings()).set(item.key, value)
  },
})

/** By the system's own opener, which must not write on the screen. */
const openLink = (url: string): Promise<void> => {
  const [program, ...args] =
    process.platform === 'darwin'
      ? ['open', url]
      : process.platform === 'win32'
        ? ['rundll32', 'url.dll,FileProtocolHandler', url]
        : ['xdg-open', url]
  return new Promise((resolve, reject) => {
    const child = spawn(program!, args, { stdio: 'ignore', detached: true })
    const refuse = () => reject(failure('not-found', `nothing here opens links; it is ${url}`))
    child.once('error', refuse)
    child.once('exit', (code) => (code === 0 ? resolve() : refuse()))
    child.unref()
  })
}
