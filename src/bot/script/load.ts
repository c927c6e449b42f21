import { dirname, resolve } from 'node:path'
import { checkSchedule } from '../../schedule/check.ts'
import { inOrder, meant, type Problem, quoted, scriptError, thereIs } from '../../yaml/problem.ts'
import { asList } from '../../yaml/values.ts'
import { cuesOf } from './cues.ts'
import { itemOf } from './items.ts'
import { readScript, type ScriptFile, type SessionFile } from './read.ts'
import type { Bed, SessionRoom, SessionScript, SpeechSettings } from './script.ts'
import type { PartShape } from './shape.ts'
import { airVarsOf, fillText, placeholdersOf } from './text.ts'

export type LoadOptions = {
  /** One of the script's variants; without it that of its schedule, else the first. */
  variant?: string
}

/**
 * Reads a session script with all it includes. Throws code `bad-script` with all problems and their places, and the
 * system's error where the file cannot be read. Sounds are not opened: that is the check's part.
 */
export const loadScript = async (path: string, { variant }: LoadOptions = {}): Promise<SessionScript> => {
  const problems: Problem[] = []
  const read = await readScript(path, problems)
  const script = read && scriptOf(read, variant, problems)
  if (problems.length > 0 || !script) throw scriptError(inOrder(problems, resolve(path)))
  return script
}

const scriptOf = (read: SessionFile, wanted: string | undefined, problems: Problem[]): SessionScript | undefined => {
  const { file, shape, located } = read
  const parts = partsOf(read)
  const variants = Object.keys(shape.variants ?? {})
  const variant = variantOf(read, wanted, problems)
  const changes = variant === null ? undefined : shape.variants?.[variant]
  const endMs = changes?.end ?? shape.end ?? null
  if (endMs === 0) problems.push({ place: located.placeOf(['end']), message: 'a session that ends at 0 has no length' })
  const vars = varsOf([...parts, read].map((part) => part.shape.vars).concat(changes?.vars))
  const room = roomOf(read, vars, problems)
  const beds = bedsOf([read, ...parts], problems)
  const cues = cuesOf(read, { variant, variants, changes, vars: { ...vars, title: room.title }, beds, endMs, problems })
  return {
    file,
    files: [file, ...parts.map((part) => part.file)],
    name: shape.session,
    variant,
    variants,
    room,
    schedule: scheduleOf(read, problems),
    speech: speechOf(read, problems),
    beds,
    cues,
    endMs,
    when: {
      empty: 'continue',
      crash: 'clock',
      late: 'shift',
      ended: room.existing === null ? 'end-room' : 'keep-room',
      ...shape.when,
    },
    alerts: alertsOf(read, problems),
  }
}

/** All that is included, deepest first, each once. */
const partsOf = (read: ScriptFile<PartShape>, found = new Set<ScriptFile<PartShape>>()): ScriptFile<PartShape>[] => {
  for (const part of read.parts.values())
    if (!found.has(part)) {
      partsOf(part, found)
      found.add(part)
    }
  return [...found]
}

const variantOf = ({ shape, located }: SessionFile, wanted: string | undefined, problems: Problem[]): string | null => {
  const variants = Object.keys(shape.variants ?? {})
  const scheduled = shape.schedule?.variant
  for (const [given, place] of [
    [scheduled, ['schedule', 'variant']],
    [wanted, ['variants']],
  ] as const)
    if (given !== undefined && !variants.includes(given))
      problems.push({
        place: located.placeOf(place),
        message: `${quoted(given)} is no variant of this script:${thereIs(variants)}`,
      })
  return wanted ?? scheduled ?? variants[0] ?? null
}

/** Later ones win; a value may use the variables before it. */
const varsOf = (all: (Record<string, string> | undefined)[]): Record<string, string> => {
  const vars: Record<string, string> = {}
  for (const given of all) for (const [name, value] of Object.entries(given ?? {})) vars[name] = fillText(value, vars)
  return vars
}

const LONG_DATE = { atMs: Date.UTC(2028, 8, 28, 22, 58), zone: 'UTC', listeners: 0 }

const roomOf = ({ shape, located }: SessionFile, vars: Record<string, string>, problems: Problem[]): SessionRoom => {
  const given = typeof shape.room === 'string' ? { title: shape.room } : (shape.room ?? {})
  const text = (key: 'title' | 'topic', atMost: number) => {
    if (given[key] === undefined) return null
    const filled = fillText(given[key], vars)
    const place = located.placeOf(typeof shape.room === 'string' ? ['room'] : ['room', key])
    const unknown = placeholdersOf(filled).find((name) => name !== 'date' && name !== 'time')
    if (unknown !== undefined)
      problems.push({
        place,
        message: `{${unknown}} is not known:${meant(unknown, [...Object.keys(vars), 'date', 'time'])}`,
      })
    const onAir = fillText(filled, airVarsOf({ ...LONG_DATE, language: given.language ?? null }))
    if ([...onAir].length > atMost) problems.push({ place, message: `the ${key} takes at most ${atMost} characters` })
    return filled
  }
  const hands = given.hands ?? 'everyone'
  return {
    title: text('title', 80) ?? shape.session,
    topic: text('topic', 60),
    language: given.language ?? null,
    existing: given.existing ?? null,
    opensBeforeMs: given.opens ?? 0,
    closesAfterMs: given.closes ?? 0,
    hands: typeof hands === 'string' ? hands : { list: hands },
    sound: given.sound ?? 'voice',
    cohosts: given.cohosts ?? [],
    bot: given.bot ?? null,
  }
}

const CATCHUP_MS = 600_000

const scheduleOf = ({ shape: { schedule }, located }: SessionFile, problems: Problem[]): SessionScript['schedule'] => {
  if (!schedule) return null
  const { catchup, variant: _, ...rest } = schedule
  for (const { field, message } of checkSchedule(rest)) {
    const index = [rest[field as keyof typeof rest]].flat().findIndex((text) => text && message.includes(text))
    const isOfList = field === 'except' || field === 'also'
    problems.push({ place: located.placeOf(['schedule', field, ...(isOfList && index >= 0 ? [index] : [])]), message })
  }
  return { ...rest, catchupMs: catchup ?? CATCHUP_MS }
}

const speechOf = ({ file, shape: { speech = {} }, located }: SessionFile, problems: Problem[]): SpeechSettings => {
  if (speech.engine && speech.command)
    problems.push({
      place: located.placeOf(['speech', 'engine'], 'key'),
      message: 'speech has one engine: either engine, or command',
    })
  return {
    engine: speech.command ? { kind: 'command', command: commandOf(speech.command, file) } : { kind: 'flite' },
    voice: speech.voice ?? 'slt',
    stretch: speech.stretch ?? 1.2,
  }
}

const LOOP_FADE_MS = 3000
const DUCK = { byDb: 9, attackMs: 80, releaseMs: 700 }

const bedsOf = (files: ScriptFile<PartShape>[], problems: Problem[]): Record<string, Bed> => {
  const beds: Record<string, Bed> = {}
  for (const { file, shape, located } of files)
    for (const [name, given] of Object.entries(shape.beds ?? {})) {
      const place = located.placeOf(['beds', name], 'key')
      const bed = typeof given === 'string' ? { file: given } : given
      const item =
        typeof given === 'string'
          ? itemOf(given, file)
          : itemOf({ file: bed.file, url: 'url' in bed ? bed.url : undefined }, file)
      if (Object.hasOwn(beds, name)) problems.push({ place, message: `there are two beds ${quoted(name)}: rename one` })
      else if (item?.kind !== 'file' && item?.kind !== 'url')
        problems.push({ place, message: `the bed ${quoted(name)} wants one sound: file or url` })
      else {
        const loop = 'loop' in bed ? bed.loop : undefined
        const loopFadeMs = loop === false ? null : (loop ?? LOOP_FADE_MS)
        beds[name] = { name, item, loopFadeMs, duck: duckOf('duck' in bed ? bed.duck : undefined), place }
      }
    }
  return beds
}

const duckOf = (given: Exclude<NonNullable<PartShape['beds']>[string], string>['duck']): Bed['duck'] => {
  if (given === undefined || given === false) return null
  const duck = typeof given === 'number' ? { by: given } : given
  return {
    under: 'under' in duck && duck.under ? asList(duck.under) : ['voice', 'speakers'],
    byDb: Math.abs(duck.by ?? DUCK.byDb),
    attackMs: ('attack' in duck ? duck.attack : undefined) ?? DUCK.attackMs,
    releaseMs: ('release' in duck ? duck.release : undefined) ?? DUCK.releaseMs,
  }
}

const alertsOf = ({ file, shape, located }: SessionFile, problems: Problem[]): SessionScript['alerts'] =>
  (shape.alerts ?? []).flatMap(({ on, command, webhook }, index): SessionScript['alerts'] => {
    const kinds = asList(on)
    const place = located.placeOf(['alerts', index])
    if (command && webhook === undefined) return [{ kinds, place, command: commandOf(command, file) }]
    if (webhook !== undefined && !command) return [{ kinds, place, webhook }]
    problems.push({ place, message: 'an alert wants either a command or a webhook' })
    return []
  })

/** The program is beside the script, or one that the system finds. */
const commandOf = ([program, ...rest]: string[], file: string): string[] => [
  /^\.{1,2}[/\\]/.test(program!) ? resolve(dirname(file), program!) : program!,
  ...rest,
]
