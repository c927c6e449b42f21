import type { Command } from 'commander'
import type { Room } from '../../protocol/rooms.ts'
import type { Context } from '../context.ts'
import { failure } from '../failure.ts'

type Json = { json?: boolean }
type Policies = { hands?: 'everyone' | 'off'; recording?: 'off' | 'flagged' }

export const addRoom = (program: Command, context: Context): void => {
  const room = program.command('room').description('open, show, change or end a room')
  withPolicies(room.command('create <title>'))
    .description('open a room; you moderate it')
    .option('--cohost <@who>', 'a moderator from the start; may be given again', gather)
    .option('--json', 'one JSON document')
    .action((title: string, options: Policies & Json & { cohost?: string[] }) => createRoom(context, title, options))
  room
    .command('show <room>')
    .description('who is on stage, how many listen, its rules')
    .option('--json', 'one JSON document')
    .action((text: string, options: Json) => showRoom(context, text, options))
  withPolicies(room.command('edit <room>'))
    .description('change a room you moderate')
    .option('--title <title>', 'a new title')
    .option('--json', 'one JSON document')
    .action((text: string, options: Policies & Json & { title?: string }) => editRoom(context, text, options))
  room
    .command('end <room>')
    .description('end a room you moderate, for everybody')
    .action((text: string) => endRoom(context, text))
}

const withPolicies = (command: Command): Command =>
  command
    .option('--hands <policy>', 'who may raise a hand: everyone or off', oneOf('--hands', ['everyone', 'off']))
    .option('--recording <policy>', 'off, or flagged: shown to all', oneOf('--recording', ['off', 'flagged']))

const gather = (value: string, known: string[] = []) => [...known, value]

const oneOf = (option: string, known: string[]) => (value: string) => {
  if (!known.includes(value)) throw failure('bad-input', `${option} is one of ${known.join(', ')}, not "${value}"`)
  return value
}

const createRoom = async (context: Context, title: string, options: Policies & Json & { cohost?: string[] }) => {
  const { hands, recording, cohost: cohosts } = options
  const room = await (await context.api()).call('createRoom', { body: { title, hands, recording, cohosts } })
  if (options.json) return context.output.json(room)
  context.output.line(room.link)
  context.output.note(`Opened "${room.title}" (${room.id.slice(0, 8)}). Join it: roomtone join ${room.id.slice(0, 8)}`)
}

const showRoom = async (context: Context, text: string, options: Json) => {
  const { resolveRoom } = await import('../room-argument.ts')
  const { room } = await resolveRoom(context, text)
  if (options.json) return context.output.json(room)
  context.output.facts(factsOf(room))
}

const factsOf = (room: Room): string[][] => [
  ['title', room.title],
  ['id', room.id],
  ['link', room.link],
  ['host', `${room.host.name} (@${room.host.handle})`],
  ['stage', room.stage.map(({ name, handle, role }) => `${name} (@${handle}, ${role})`).join(', ') || 'nobody'],
  ['listening', String(room.counts.listeners)],
  ['hands', room.hands],
  ['recording', room.isRecorded ? `${room.recording}, being recorded now` : room.recording],
  ['since', room.createdAt],
  ...(room.endedAt === null ? [] : [['ended', room.endedAt]]),
  ...(room.awaited === null ? [] : [['waits for', `${room.awaited.names.join(', ')} until ${room.awaited.until}`]]),
]

const editRoom = async (context: Context, text: string, options: Policies & Json & { title?: string }) => {
  const { title, hands, recording } = options
  if (title === undefined && hands === undefined && recording === undefined)
    throw failure('bad-input', 'nothing to change: give --title, --hands or --recording')
  const { resolveRoom } = await import('../room-argument.ts')
  const { api, room } = await resolveRoom(context, text)
  const edited = await api.call('editRoom', { params: { roomId: room.id }, body: { title, hands, recording } })
  if (options.json) return context.output.json(edited)
  context.output.facts(factsOf(edited))
}

const endRoom = async (context: Context, text: string) => {
  const { resolveRoom } = await import('../room-argument.ts')
  const { api, room } = await resolveRoom(context, text)
  await api.call('endRoom', { params: { roomId: room.id } })
  context.output.note(`Ended "${room.title}"`)
}
