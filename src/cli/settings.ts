import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { checkTold } from '../tui/lines/kinds.ts'
import { checkCues } from './cues.ts'
import { failure } from './failure.ts'

/** What can be set, how it is named in a sentence, and the check of a value. */
const settingKeys = [
  'server',
  'profile',
  'face',
  'theme',
  'say',
  'microphone',
  'speaker',
  'noise',
  'soundEngine',
  'cues',
  'ducking',
  'headphonesHint',
  'hook',
] as const
export type SettingKey = (typeof settingKeys)[number]
type SettingOrigin = 'environment' | 'project' | 'user' | 'default'
type Setting = { key: SettingKey; value: string; origin: SettingOrigin }

/** Environment > project file > user config > defaults. Flags stand above and are the command's own. */
export type Settings = {
  get(key: SettingKey): Setting | undefined
  list(): Setting[]
  /** Writes the user config. */
  set(key: SettingKey, value: string | undefined): Promise<void>
  readonly userFile: string
  readonly projectFile: string
}

export type SettingsOptions = { configFolder: string; workingFolder: string; env: NodeJS.ProcessEnv }

export const openSettings = async (options: SettingsOptions): Promise<Settings> => {
  const userFile = join(options.configFolder, 'config.json')
  const projectFile = join(options.workingFolder, 'roomtone.yaml')
  const environment = fromEnvironment(options.env)
  const project = await readProject(projectFile)
  let user = existsSync(userFile) ? checked(await readUser(userFile), userFile) : {}
  const get = (key: SettingKey): Setting | undefined => {
    for (const [origin, values] of [
      ['environment', environment],
      ['project', project],
      ['user', user],
      ['default', defaults],
    ] as const) {
      const value = values[key]
      if (value !== undefined) return { key, value, origin }
    }
    return undefined
  }
  return {
    get,
    list: () => settingKeys.flatMap((key) => get(key) ?? []),
    set: async (key, value) => {
      if (value !== undefined) checkValue(key, value, 'the value')
      const conf = await openConf(userFile)
      if (value === undefined) conf.delete(key)
      else conf.set(key, value)
      user = checked(conf.store, userFile)
    },
    userFile,
    projectFile,
  }
}

/** A key as typed: `soundEngine` or `sound-engine`; an unknown one is refused with the list of what there is. */
export const settingKey = (text: string): SettingKey => {
  const camel = text.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase())
  const key = settingKeys.find((known) => known === camel)
  if (!key) throw failure('bad-input', `unknown setting "${text}": there are ${settingKeys.join(', ')}`)
  return key
}

/** Refuses a value that a setting cannot have; `name` says where it stands. Error code `bad-input`. */
export const checkValue = (key: SettingKey, value: string, name: string): void => {
  const problem = checks[key](value)
  if (problem) throw failure('bad-input', `${name} ${problem}, not "${value}"`)
}

type Values = Partial<Record<SettingKey, string>>

const defaults: Values = {
  profile: 'default',
  theme: 'auto',
  microphone: 'default',
  speaker: 'default',
  noise: 'on',
  soundEngine: 'auto',
  cues: 'all',
  ducking: 'off',
  headphonesHint: 'on',
}

const fromEnvironment = (env: NodeJS.ProcessEnv): Values => {
  const values: Values = {}
  for (const [key, name] of [
    ['server', 'ROOMTONE_SERVER'],
    ['profile', 'ROOMTONE_PROFILE'],
    ['face', 'ROOMTONE_FACE'],
  ] as const) {
    const value = env[name]
    if (!value) continue
    checkValue(key, value, name)
    values[key] = value
  }
  return values
}

const readProject = async (file: string): Promise<Values> => {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {}
    throw failure('bad-config', `cannot read ${file}: ${(error as Error).message}`)
  }
  const { parseYaml } = await import('./yaml.ts')
  try {
    const values = checked(parseYaml(text) ?? {}, file)
    // Whoever only goes into a folder of others must not run their commands.
    if (values.hook !== undefined)
      throw failure('bad-config', `${file} may not set "hook": say it by roomtone config set hook, or by --hook`)
    return values
  } catch (error) {
    if ((error as { code?: string }).code === 'bad-config') throw error
    throw failure('bad-config', `${file} is not valid YAML: ${(error as Error).message.split('\n')[0]}`)
  }
}

const readUser = async (file: string): Promise<unknown> => (await openConf(file)).store

/** The one place that knows conf. A corrupt file is told, never overwritten. */
const openConf = async (file: string) => {
  const { default: Conf } = await import('conf')
  try {
    return new Conf<Record<string, string>>({
      cwd: dirname(file),
      configName: 'config',
      projectName: 'roomtone',
      configFileMode: 0o600,
      accessPropertiesByDotNotation: false,
      clearInvalidConfig: false,
      deserialize: parseObject,
    })
  } catch (error) {
    if (error instanceof SyntaxError)
      throw failure('bad-config', `${file} is not a JSON object of settings: mend it or remove it`)
    throw failure('bad-config', `cannot read ${file}: ${(error as Error).message}`)
  }
}

/** Conf would take a list or a text for settings. */
const parseObject = (text: string): Record<string, string> => {
  const value = JSON.parse(text)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new SyntaxError('not an object')
  return value
}

const checked = (values: unknown, file: string): Values => {
  if (typeof values !== 'object' || values === null || Array.isArray(values))
    throw failure('bad-config', `${file} must hold settings such as "server", one value each`)
  for (const [key, value] of Object.entries(values)) {
    if (!settingKeys.includes(key as SettingKey))
      throw failure('bad-config', `${file} has an unknown setting "${key}": there are ${settingKeys.join(', ')}`)
    if (typeof value !== 'string') throw failure('bad-config', `${file}: "${key}" must be a text`)
    try {
      checkValue(key as SettingKey, value, `"${key}"`)
    } catch (error) {
      throw failure('bad-config', `${file}: ${(error as Error).message}`)
    }
  }
  return values as Values
}

const oneOf =
  (...known: string[]) =>
  (value: string) =>
    known.includes(value) ? undefined : `must be one of ${known.join(', ')}`
const notEmpty = (value: string) => (value.trim() === '' ? 'must not be empty' : undefined)

const checks: Record<SettingKey, (value: string) => string | undefined> = {
  server: (value) => (isServerUrl(value) ? undefined : 'must be a URL such as https://rooms.example.org'),
  profile: (value) =>
    /^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$/.test(value)
      ? undefined
      : 'must be letters, digits, dots, dashes or underscores',
  face: oneOf('tui', 'plain'),
  say: checkTold,
  theme: oneOf('auto', 'dark', 'light'),
  microphone: notEmpty,
  speaker: notEmpty,
  noise: oneOf('on', 'off'),
  hook: notEmpty,
  soundEngine: oneOf('auto', 'portaudio', 'pacat', 'pw-cat', 'aplay', 'sox'),
  cues: checkCues,
  ducking: (value) =>
    value === 'off' || (/^[1-9]\d?$/.test(value) && Number(value) <= 40)
      ? undefined
      : 'must be off, or from 1 to 40 decibels',
  headphonesHint: oneOf('on', 'off'),
}

/** http or https, with nothing behind the host. */
const isServerUrl = (text: string): boolean => {
  if (!URL.canParse(text)) return false
  const url = new URL(text)
  return /^https?:$/.test(url.protocol) && url.pathname === '/' && url.search === '' && url.username === ''
}
