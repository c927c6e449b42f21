import type { ProgramCommand } from '../protocol/program.ts'
import type { SeatParticipant, SeatState } from '../protocol/seat.ts'
import { count, listNames } from './words.ts'

/** Reads a command to a bot's program as a person writes it; throws an Error with a sentence. */
export type ReadProgramCommand = (verb: string, words: readonly string[]) => ProgramCommand

/** What a moderator may ask of a bot that plays something, each with its word and how it is written. */
export const programVerbs: { [Do in ProgramCommand['do']]: { usage: string; help: string } } = {
  pause: { usage: 'pause', help: 'what a bot plays stops for now' },
  resume: { usage: 'resume', help: 'it goes on' },
  skip: { usage: 'skip', help: 'on to the next cue or piece' },
  cue: { usage: 'cue NAME', help: 'play a cue at once' },
  goto: { usage: 'goto CUE|TIME', help: 'go on from a cue, or a time such as 12:30' },
  extend: { usage: 'extend 5m', help: 'what sounds now lasts longer; -2m: shorter' },
  level: { usage: 'level [voice|bed|bell] -6dB', help: 'louder or softer for all' },
  stop: { usage: 'stop', help: 'end the program; the bot leaves' },
}

/** The bot that a command is for: the one of that name or handle, or the one that plays. Throws an Error with a sentence. */
export const botFor = ({ participants }: SeatState, wanted?: string): SeatParticipant => {
  const bots = participants.filter(({ kind }) => kind === 'bot')
  const name = wanted?.replace(/^@/, '').toLowerCase()
  const named = name === undefined ? bots : bots.filter((bot) => [bot.name.toLowerCase(), bot.handle].includes(name))
  const playing = named.filter((bot) => bot.playing !== null)
  const [bot, ...others] = playing.length > 0 ? playing : named
  if (!bot) throw new Error(wanted === undefined ? 'No bot is here.' : `No bot here is called ${wanted}.`)
  if (others.length > 0)
    throw new Error(`Say which bot: ${listNames(bots.map((each) => each.name))}, by @name after the command.`)
  return bot
}

/** What was done, in one sentence. */
export const programDone = (bot: string, command: ProgramCommand): string => {
  switch (command.do) {
    case 'pause':
      return `${bot} is paused.`
    case 'resume':
      return `${bot} goes on.`
    case 'skip':
      return `${bot} goes on to what comes next.`
    case 'stop':
      return `The program of ${bot} ends.`
    case 'cue':
      return `${bot} plays ${command.name}.`
    case 'goto':
      return `${bot} goes on from ${'cue' in command.to ? command.to.cue : timeOf(command.to.ms)}.`
    case 'extend':
      return `It lasts ${lengthOf(Math.abs(command.ms))} ${command.ms < 0 ? 'shorter' : 'longer'}.`
    case 'level':
      return `${command.of === 'all' ? bot : `The ${command.of}`} is at ${command.db} dB.`
  }
}

/** `12:30`, `1:02:03` */
const timeOf = (ms: number): string => {
  const seconds = Math.floor(ms / 1000)
  const parts = [Math.floor(seconds / 60) % 60, seconds % 60].map((part) => String(part).padStart(2, '0'))
  const hours = Math.floor(seconds / 3600)
  return hours > 0 ? `${hours}:${parts.join(':')}` : parts.join(':').replace(/^0/, '')
}

const lengthOf = (ms: number): string => {
  const seconds = Math.round(ms / 1000)
  const rest = seconds % 60
  const minutes = seconds >= 60 ? count(Math.floor(seconds / 60), 'minute') : ''
  return [minutes, rest > 0 || minutes === '' ? count(rest, 'second') : ''].filter((part) => part !== '').join(' ')
}
