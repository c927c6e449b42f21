import type { Command } from 'commander'
import type { Context } from '../context.ts'
import { actAlone } from './group.ts'

export const addSessions = (program: Command, context: Context): void => {
  const sessions = program
    .command('sessions')
    .description('where you are signed in')
    .option('--json', 'one JSON document')
  sessions
    .command('revoke <id>')
    .description('end one of them, by its id or the beginning of it')
    .action((id: string) => revokeSession(context, id))
  actAlone(sessions, () => listSessions(context, sessions.opts<{ json?: boolean }>()))
}

const listSessions = async (context: Context, options: { json?: boolean }) => {
  const { sessions } = await (await context.api()).call('listSessions')
  if (options.json) return context.output.json({ sessions })
  context.output.table(
    ['session', 'program', 'used', 'this'],
    sessions.map(({ id, client, lastUsedAt, isCurrent }) => [
      id.slice(0, 8),
      client,
      `last used ${lastUsedAt.slice(0, 16).replace('T', ' ')} UTC`,
      isCurrent ? 'this one' : '',
    ]),
  )
}

const revokeSession = async (context: Context, text: string) => {
  const api = await context.api()
  const { sessions } = await api.call('listSessions')
  const { failure } = await import('../failure.ts')
  const found = sessions.filter(({ id }) => id.startsWith(text.toLowerCase()))
  if (found.length === 0) throw failure('not-found', `no session of yours begins with "${text}"`)
  if (found.length > 1) {
    const known = found.slice(0, 5).map(({ id, client }) => `${id.slice(0, 13)} (${client})`)
    throw failure('bad-input', `${found.length} sessions begin with "${text}": ${known.join(', ')}`)
  }
  await api.call('revokeSession', { params: { sessionId: found[0]!.id } })
  context.output.note(`Ended ${found[0]!.client}`)
}
