import { clockOf } from '../bot/host/answers.ts'
import { readStatuses } from '../bot/host/status-file.ts'
import type { SessionReport } from '../bot/watch/report.ts'
import { sessionsFolderOf } from './bot-folders.ts'
import type { BotStatusOptions } from './commands/bot-host.ts'
import type { Context } from './context.ts'
import { failure } from './failure.ts'

/** How the sessions are that are hosted on this machine, or were. */
export const botStatus = async (
  context: Context,
  name: string | undefined,
  { json }: BotStatusOptions,
): Promise<void> => {
  const all = await readStatuses(sessionsFolderOf(context))
  const found = name === undefined ? all : all.filter(({ report }) => report.session === name)
  if (name !== undefined && found.length === 0)
    throw failure(
      'not-found',
      `no session "${name}" was hosted here${all.length > 0 ? `; there is ${all.map(({ report }) => report.session).join(', ')}` : ''}`,
    )
  const { output } = context
  if (json) return output.json({ sessions: found.map(({ report, isHosted }) => ({ ...report, isHosted })) })
  if (found.length === 0) return output.note('No session is or was hosted here.')
  output.table(
    ['session', 'state', 'place', 'room'],
    found.map(({ report, isHosted }) => [
      report.session,
      isHosted ? phaseOf(report) : report.phase === 'over' ? 'over' : 'not hosted',
      isHosted ? placeOf(report) : '',
      report.room?.link ?? '',
    ]),
  )
}

const phaseOf = ({ phase, problem }: SessionReport): string =>
  `${phase.replace('-', ' ')}${problem === null ? '' : `: ${problem}`}`

const placeOf = ({ phase, startsAt, programMs, playing, listeners }: SessionReport): string => {
  if (phase === 'waiting' || phase === 'standby' || phase === 'open')
    return startsAt === null ? '' : `until ${startsAt}`
  const what = playing ? (playing.title ?? playing.kind) : ''
  return [clockOf(programMs), what, `${listeners} there`].filter(Boolean).join('  ')
}
