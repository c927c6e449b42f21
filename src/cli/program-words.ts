import type { ProgramCommand } from '../protocol/program.ts'
import { parseDurationMs } from './duration.ts'
import { failure } from './failure.ts'

/** How each command of a program is written, for help and for sentences. */
export const programUsage: Record<ProgramCommand['do'], string> = {
  pause: 'pause',
  resume: 'resume',
  skip: 'skip',
  stop: 'stop',
  cue: 'cue NAME',
  goto: 'goto CUE|TIME',
  extend: 'extend 5m',
  level: 'level [voice|bed|bell] -6dB',
}

/**
 * A command to a program as a person writes it, on the command line or on stdin: `pause`, `cue gong`, `goto 12:30`,
 * `extend -2m`, `level bed -6dB`. Throws `bad-input` with a sentence.
 */
export const programCommandOf = (verb: string, words: readonly string[]): ProgramCommand => {
  const parse = parsers[verb as ProgramCommand['do']]
  if (!Object.hasOwn(parsers, verb)) throw wrong(`"${verb}" is no command of a program`)
  return parse(words)
}

const parsers: { [Do in ProgramCommand['do']]: (words: readonly string[]) => ProgramCommand } = {
  pause: (words) => alone('pause', words),
  resume: (words) => alone('resume', words),
  skip: (words) => alone('skip', words),
  stop: (words) => alone('stop', words),
  cue: (words) => ({ do: 'cue', name: rest('cue', words) }),
  goto: (words) => {
    const to = rest('goto', words)
    const ms = timeOf(to)
    return { do: 'goto', to: ms === undefined ? { cue: to } : { ms } }
  },
  extend: (words) => {
    const text = rest('extend', words)
    const sign = text.startsWith('-') ? -1 : 1
    return { do: 'extend', ms: sign * parseDurationMs(text.replace(/^[-+]/, ''), 'extend') }
  },
  level: (words) => {
    const [of, level] = words.length === 1 ? ['all', words[0]!] : words
    const db = Number(/^([+-]?\d+(?:\.\d+)?)(?:\s*dB)?$/i.exec(level ?? '')?.[1] ?? Number.NaN)
    if (words.length > 2 || !isLayer(of) || !(db >= -60 && db <= 12))
      throw wrong(
        `level wants a layer (all, voice, bed, bell) and a level from -60dB to 12dB, not "${words.join(' ')}"`,
      )
    return { do: 'level', of, db }
  },
}

const alone = <Do extends 'pause' | 'resume' | 'skip' | 'stop'>(verb: Do, words: readonly string[]): { do: Do } => {
  if (words.length > 0) throw wrong(`${verb} stands alone, without "${words.join(' ')}"`)
  return { do: verb }
}

const rest = (verb: ProgramCommand['do'], words: readonly string[]): string => {
  const text = words.join(' ').trim()
  if (text === '') throw wrong(`${verb} wants a word more`, verb)
  return text
}

/** `12:30`, `1:02:03`, `90s`, `5m`: session time; undefined for what is a name. */
const timeOf = (text: string): number | undefined => {
  const clock = /^(?:(\d+):)?(\d{1,3}):([0-5]\d(?:\.\d+)?)$/.exec(text)
  if (clock) return Math.round((Number(clock[1] ?? 0) * 3600 + Number(clock[2]) * 60 + Number(clock[3])) * 1000)
  return /^(\d+(\.\d+)?(ms|s|m|h|d))+$/.test(text) ? parseDurationMs(text, 'goto') : undefined
}

const isLayer = (of: string | undefined): of is 'all' | 'voice' | 'bed' | 'bell' =>
  ['all', 'voice', 'bed', 'bell'].includes(of ?? '')

const wrong = (what: string, verb?: ProgramCommand['do']) =>
  failure('bad-input', `${what}: write ${verb ? programUsage[verb] : Object.values(programUsage).join(', ')}`)
