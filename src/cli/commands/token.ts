import type { Command } from 'commander'
import type { Context } from '../context.ts'

type Json = { json?: boolean }

export const addToken = (program: Command, context: Context): void => {
  const token = program
    .command('token')
    .argument('<room>', 'id, link or title of a live room')
    .description('a seat for any LiveKit client beside your own; or access tokens for bots')
    .option('--json', 'one JSON document')
    .action((room: string, options: Json) => companionToken(context, room, options))
  token
    .command('create <name>')
    .description('make a bot account that you own; its access token is shown once')
    .action((name: string) => createToken(context, name, token.opts<Json>()))
  token
    .command('list')
    .description('your access tokens')
    .action(() => listTokens(context, token.opts<Json>()))
  token
    .command('revoke <name>')
    .description('end an access token and its seats')
    .action((name: string) => revokeToken(context, name))
}

const companionToken = async (context: Context, text: string, options: Json) => {
  const { resolveRoom } = await import('../room-argument.ts')
  const { api, room } = await resolveRoom(context, text)
  const companion = await api.call('companion', { params: { roomId: room.id } })
  if (options.json) return context.output.json(companion)
  context.output.facts(Object.entries(companion))
}

const createToken = async (context: Context, name: string, options: Json) => {
  const created = await (await context.api()).call('createToken', { body: { name } })
  if (options.json) return context.output.json(created)
  context.output.line(created.token)
  context.output.note(`The access token of the bot @${created.account.handle}; it is not shown again.`)
}

const listTokens = async (context: Context, options: Json) => {
  const { tokens } = await (await context.api()).call('listTokens')
  if (options.json) return context.output.json({ tokens })
  context.output.table(
    ['name', 'handle', 'used'],
    tokens.map(({ name, handle, lastUsedAt }) => [
      name,
      `@${handle}`,
      lastUsedAt === null ? 'never used' : `last used ${lastUsedAt.slice(0, 16).replace('T', ' ')} UTC`,
    ]),
  )
}

const revokeToken = async (context: Context, name: string) => {
  await (await context.api()).call('revokeToken', { params: { name } })
  context.output.note(`Revoked ${name}`)
}
