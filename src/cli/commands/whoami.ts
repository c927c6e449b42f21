import type { Command } from 'commander'
import type { Context } from '../context.ts'

export const addWhoami = (program: Command, context: Context): void => {
  program
    .command('whoami')
    .description('the account you are signed in with')
    .option('--json', 'one JSON document')
    .action((options: { json?: boolean }) => whoami(context, options))
}

const whoami = async (context: Context, options: { json?: boolean }) => {
  const server = await context.server()
  const account = await (await context.api(server)).call('me')
  if (options.json) return context.output.json({ ...account, server: server.url })
  if (context.output.isPlain) {
    const { name, handle, isOperator } = account
    const operator = isOperator ? 'yes' : ''
    return context.output.facts(Object.entries({ name, handle: `@${handle}`, server: server.url, operator }))
  }
  const where = server.isLocal ? 'on this machine' : `on ${server.url}`
  context.output.line(`${account.name} (@${account.handle}) ${where}${account.isOperator ? ', operator' : ''}`)
}
