import type { DeviceChoice, TrialKind } from '../model.ts'
import type { Line } from './usual.ts'
import type { Deed } from './vocabulary.ts'

const trialMs = 5_000

/** Devices and settings of this machine by words. False: this is another's to do. */
export const doOnMachine = async (line: Line, deed: Deed): Promise<boolean> => {
  switch (deed.does) {
    case 'devices':
      await listDevices(line)
      return true
    case 'use':
      await useDevice(line, deed.text)
      return true
    case 'try':
      void tryDevice(line, deed.what).catch((error: Error) => line.talk.note(error.message))
      return true
    case 'settings':
      await listSettings(line)
      return true
    case 'set':
      await change(line, deed.text)
      return true
    default:
      return false
  }
}

const listDevices = async ({ deps, talk }: Line) => {
  const { choices, problem } = await deps.devices.list()
  const lines = choices.map(
    ({ kind, name, isInUse }, index) => `${index + 1}. ${kind}: ${name}${isInUse ? ', in use' : ''}.`,
  )
  talk.say([...lines, ...(problem === null ? [] : [problem]), 'Type use and a number or a name.'].join('\n'))
}

const useDevice = async (line: Line, text: string) => {
  const { deps, talk } = line
  const { choices } = await deps.devices.list()
  const fitting = fit(choices, text)
  if (fitting.length === 0) return talk.note(`No device is called ${text}. devices lists them.`)
  for (const { kind, name } of fitting) {
    await deps.devices.use(kind, name)
    await line.seat()?.request({ verb: 'devices', [kind]: name })
    talk.say(`The ${kind} is ${name} now.`)
  }
}

/** By number; by name, which a microphone and a speaker may share. */
const fit = (choices: DeviceChoice[], text: string): DeviceChoice[] => {
  if (/^\d+$/.test(text)) return choices.slice(Number(text) - 1, Number(text))
  const wanted = text.toLowerCase()
  const exact = choices.filter(({ name }) => name.toLowerCase() === wanted)
  return exact.length > 0 ? exact : choices.filter(({ name }) => name.toLowerCase().includes(wanted))
}

const began: Record<TrialKind, string> = {
  tone: 'A tone plays on the speaker.',
  microphone: 'Speak for five seconds; nobody hears it.',
  loopback: 'For five seconds you hear your own microphone; nobody else does.',
}

/** Runs beside what is typed: nobody waits for it who wants to mute. */
const tryDevice = async ({ deps, talk }: Line, what: TrialKind) => {
  let loudestDb = Number.NEGATIVE_INFINITY
  const trial = await new Promise<{ close: () => unknown }>((resolve, reject) => {
    const onLevel = (levelDb: number) => {
      loudestDb = Math.max(loudestDb, levelDb)
    }
    deps.devices.try(what, { onLevel, onEnd: () => {} }).then(resolve, reject)
  })
  talk.say(began[what])
  setTimeout(() => {
    trial.close()
    if (what !== 'tone')
      talk.say(`The loudest was ${Number.isFinite(loudestDb) ? `${Math.round(loudestDb)} dB` : 'nothing'}.`)
  }, trialMs).unref()
}

const listSettings = async ({ deps, talk }: Line) => {
  const items = await deps.settings.list()
  const lines = items.map(
    ({ key, label, value, values }) => `${key} is ${value}: ${label}. Can be ${values.join(', ')}.`,
  )
  talk.say([...lines, 'Type set, what and how: set theme dark.'].join('\n'))
}

const change = async (line: Line, text: string) => {
  const { deps, talk } = line
  const [wanted = '', value = ''] = text.split(' ')
  const item = (await deps.settings.list()).find(({ key }) => key.toLowerCase() === wanted.toLowerCase())
  if (!item) return talk.note(`No setting is called ${wanted}. settings lists them.`)
  if (!item.values.includes(value)) return talk.note(`${item.key} can be ${item.values.join(', ')}.`)
  const command = await deps.settings.set(item.key, value)
  if (command) await line.seat()?.request(command)
  talk.say(`${item.key} is ${value} now.`)
}
