import type { Command } from 'commander'
import type { Room } from '../../protocol/rooms.ts'
import type { Context } from '../context.ts'
import { failure } from '../failure.ts'

type Json = { json?: boolean }
type Policies = {
  hands?: Room['hands']
  /** Handles. */
  hand?: string[]
  recording?: Room['recording']
  topic?: string
  lang?: string
  sound?: Room['sound']
}

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
    .option('--topic <topic>', 'what it is about, in a few words')
    .option('--lang <tag>', 'the language spoken there, e.g. de or pt-BR')
    .option('--sound <kind>', 'voice, or music: stereo and left as it is', oneOf('--sound', ['voice', 'music']))
    .option(
      '--hands <policy>',
      'who may raise a hand: everyone, list (see --hand) or off',
      oneOf('--hands', ['everyone', 'list', 'off']),
    )
    .option('--hand <@who>', 'on the list of those who may; may be given again', gather)
    .option('--recording <policy>', 'off, or flagged: shown to all', oneOf('--recording', ['off', 'flagged']))

const gather = (value: string, known: string[] = []) => [...known, value]

const oneOf = (option: string, known: string[]) => (value: string) => {
  if (!known.includes(value)) throw failure('bad-input', `${option} is one of ${known.join(', ')}, not "${value}"`)
  return value
}

const createRoom = async (context: Context, title: string, options: Policies & Json & { cohost?: string[] }) => {
  const body = { title, ...rulesOf(options), cohosts: options.cohost }
  const room = await (await context.api()).call('createRoom', { body })
  if (options.json) return context.output.json(room)
  context.output.line(room.link)
  context.output.note(`Opened "${room.title}" (${room.id.slice(0, 8)}). Join it: roomtone join ${room.id.slice(0, 8)}`)
}

const rulesOf = ({ hands, hand, recording, topic, lang, sound }: Policies) => {
  if (hand !== undefined && hands !== undefined && hands !== 'list')
    throw failure('bad-input', `--hand puts somebody on a list, --hands ${hands} has none: take one`)
  if (hands === 'list' && hand === undefined)
    throw failure('bad-input', '--hands list wants the list: name each by --hand @who')
  const handsPolicy = hand === undefined ? hands : 'list'
  return { hands: handsPolicy, handsList: hand, recording, topic, language: lang, sound }
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
  ...(room.playing === null ? [] : [['playing', playingWords(room.playing)]]),
  ...(room.topic === null ? [] : [['topic', room.topic]]),
  ...(room.language === null ? [] : [['language', room.language]]),
  ['sound', room.sound],
  ['hands', room.hands === 'list' ? room.handsList.map((handle) => `@${handle}`).join(', ') : room.hands],
  ['recording', room.isRecorded ? `${room.recording}, being recorded now` : room.recording],
  ['since', room.createdAt],
  ...(room.endedAt === null ? [] : [['ended', room.endedAt]]),
  ...(room.awaited === null ? [] : [['waits for', `${room.awaited.names.join(', ')} until ${room.awaited.until}`]]),
]

const editRoom = async (context: Context, text: string, options: Policies & Json & { title?: string }) => {
  const body = { title: options.title, ...rulesOf(options) }
  if (Object.values(body).every((value) => value === undefined))
    throw failure(
      'bad-input',
      'nothing to change: give --title, --topic, --lang, --sound, --hands, --hand or --recording',
    )
  const { resolveRoom } = await import('../room-argument.ts')
  const { api, room } = await resolveRoom(context, text)
  const edited = await api.call('editRoom', { params: { roomId: room.id }, body })
  if (options.json) return context.output.json(edited)
  context.output.facts(factsOf(edited))
}

const endRoom = async (context: Context, text: string) => {
  const { resolveRoom } = await import('../room-argument.ts')
  const { api, room } = await resolveRoom(context, text)
  await api.call('endRoom', { params: { roomId: room.id } })
  context.output.note(`Ended "${room.title}"`)
}

const playingWords = ({ kind, title, artist, until, isPaused, by }: NonNullable<Room['playing']>): string => {
  const what = [artist, title ?? kind].filter(Boolean).join(': ')
  return `${what}${until === null ? '' : ` until ${until}`}${isPaused ? ', paused' : ''}, by ${by.name}`
}
