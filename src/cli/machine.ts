import { spawn } from 'node:child_process'
import { type CueKind, cueKinds } from '../protocol/cues.ts'
import type { DeviceDesk, SettingDesk, TuiDeps } from '../tui/deps.ts'
import type { DeviceChoice, SettingItem } from '../tui/model.ts'
import type { Context } from './context.ts'
import { readCues, switchCue } from './cues.ts'
import { failure } from './failure.ts'
import { keyFile, readKeyFile } from './key-file.ts'
import { duckingDb } from './seat-options.ts'
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
    const [{ listDevices }, { deviceOptions }] = await Promise.all([
      import('../audio/devices.ts'),
      import('./devices.ts'),
    ])
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
  try: async (what, on) => (await import('./device-trial.ts')).tryDevice(context, what, on),
})

const changeable: { key: SettingKey; label: string; values: string[] }[] = [
  { key: 'theme', label: 'colours for a dark or a light background', values: ['auto', 'dark', 'light'] },
  { key: 'face', label: 'this screen, or plain lines (from the next start)', values: ['tui', 'plain'] },
  { key: 'noise', label: 'take the noise out of your voice', values: ['on', 'off'] },
  {
    key: 'soundEngine',
    label: 'what plays and records (from the next room)',
    values: ['auto', 'portaudio', 'pacat', 'pw-cat', 'aplay', 'sox'],
  },
  {
    key: 'ducking',
    label: 'others so many dB quieter while you speak',
    values: ['off', '6', '12', '20'],
  },
  { key: 'headphonesHint', label: 'advise headphones, once (from the next room)', values: ['on', 'off'] },
]

const cueLabels: Record<CueKind, string> = {
  open: 'a sound when your microphone opens',
  closed: 'a sound when it closes',
  invited: 'a sound when you are invited to speak',
  reconnecting: 'a sound when the connection is lost',
  back: 'a sound when it is back',
  removed: 'a sound when you are put out of the room',
}
const cuePrefix = 'cue-'

const settingDesk = (context: Context): SettingDesk => ({
  list: async (): Promise<SettingItem[]> => {
    const settings = await context.settings()
    const items = changeable.map((item) => ({ ...item, value: settings.get(item.key)?.value ?? item.values[0]! }))
    const on = readCues(settings.get('cues')?.value ?? 'all')
    const cues = cueKinds.map((kind) => ({
      key: `${cuePrefix}${kind}`,
      label: cueLabels[kind],
      values: ['on', 'off'],
      value: on.includes(kind) ? 'on' : 'off',
    }))
    return [...items, ...cues]
  },
  set: async (key, value) => {
    const settings = await context.settings()
    const cue = cueKinds.find((kind) => key === `${cuePrefix}${kind}`)
    if (cue) {
      const cues = switchCue(settings.get('cues')?.value ?? 'all', cue, value === 'on')
      await settings.set('cues', cues)
      return { verb: 'sound', cues: readCues(cues) }
    }
    const item = changeable.find((each) => each.key === key)
    if (item) await settings.set(item.key, value)
    if (key === 'ducking') return { verb: 'sound', duckingDb: duckingDb(value) }
    return key === 'noise' ? { verb: 'noise', on: value === 'on' } : undefined
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
