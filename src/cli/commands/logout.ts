import type { Command } from 'commander'
import type { Context } from '../context.ts'
import { codeOf } from '../failure.ts'

export const addLogout = (program: Command, context: Context): void => {
  program
    .command('logout')
    .description('sign out here, or everywhere with --all')
    .option('--all', 'end every session of this account')
    .action((options: { all?: boolean }) => logout(context, options))
}

const logout = async (context: Context, options: { all?: boolean }) => {
  const server = await context.server()
  const credentials = await context.credentials(server)
  const api = await context.api(server)
  try {
    if (options.all) await api.call('revokeSessions')
    else await api.call('revokeSession', { params: { sessionId: 'current' } })
  } catch (error) {
    // A session that the server no longer knows is one that is over: nothing is left to do but forget it.
    if (codeOf(error) !== 'sign-in-needed' || (await credentials.load()) === undefined) throw error
  }
  await credentials.clear()
  context.output.note(options.all ? 'Signed out everywhere' : 'Signed out')
}
