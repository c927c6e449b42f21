import type { ProgramCommand } from '../../protocol/program.ts'
import type { ProgramState, SessionProgram } from '../program/contract.ts'

/** One sentence about what was done, for whoever asked. */
export const answerOf = (
  command: ProgramCommand,
  { programMs, cue }: ReturnType<SessionProgram['position']>,
  state: ProgramState,
): string => {
  const place = `${clockOf(programMs)}${cue === null ? '' : ` (${cue})`}`
  switch (command.do) {
    case 'pause':
      return `Paused at ${place}.`
    case 'resume':
      return `Goes on at ${place}.`
    case 'skip':
    case 'goto':
      return `Now at ${place}.`
    case 'stop':
      return 'The program stops, and the bot leaves.'
    case 'cue':
      return `${command.name} sounds now.`
    case 'extend':
      return `${command.ms < 0 ? 'Shorter' : 'Longer'} by ${clockOf(Math.abs(command.ms))}; all that follows is ${command.ms < 0 ? 'earlier' : 'later'} by as much.`
    case 'level':
      return `${levelNames[command.of]} at ${state.levelsDb[command.of]} dB.`
  }
}

const levelNames = { all: 'Everything', voice: 'The voice', bed: 'The bed', bell: 'The bells' }

/** `7:05`, `1:00:00`. */
export const clockOf = (ms: number): string => {
  const seconds = Math.floor(Math.max(0, ms) / 1000)
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60]
  const two = (n: number) => String(n).padStart(2, '0')
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`
}
