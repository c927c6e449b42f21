import type { Command } from 'commander'
import type { Account } from '../../protocol/accounts.ts'
import type { Context } from '../context.ts'

type LoginOptions = { phone?: string; code?: string; name?: string; json?: boolean }

export const addLogin = (program: Command, context: Context): void => {
  program
    .command('login')
    .description('sign in with a phone number and the code sent to it')
    .option('--phone <number>', 'with country code, e.g. +4915112345678')
    .option('--code <digits>', 'the code; finishes a login begun before')
    .option('--name <name>', 'your name, for a new account')
    .option('--json', 'one JSON document')
    .action((options: LoginOptions) => login(context, options))
}

const login = async (context: Context, options: LoginOptions) => {
  const { canAsk } = await import('../prompt.ts')
  const { askForLogin, beginLogin, finishLogin } = await import('../login.ts')
  if (options.code !== undefined) return tell(context, options, await finishLogin(context, options.code, options))
  if (canAsk(context)) return tell(context, options, await askForLogin(context, options))
  await beginLogin(context, options.phone)
  context.output.line(JSON.stringify({ sent: true }))
}

const tell = (context: Context, options: LoginOptions, account: Account) => {
  if (options.json) return context.output.json(account)
  context.output.line(`Signed in as ${account.name} (@${account.handle})`)
}
