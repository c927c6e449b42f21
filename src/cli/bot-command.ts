import type { Api } from '../client/api.ts'
import type { ProgramCommand } from '../protocol/program.ts'
import type { Participant, Room } from '../protocol/rooms.ts'
import type { Context } from './context.ts'
import { codeOf, failure } from './failure.ts'
import { programCommandOf } from './program-words.ts'
import { allRooms, resolveRoom } from './room-argument.ts'

type Place = { bot?: string; room?: string }

/** Sends a moderator's command to a bot's program and says what became of it. */
export const commandBot = async (context: Context, verb: string, words: string[], place: Place): Promise<void> => {
  const unknown = words.find((word) => word.startsWith('--'))
  if (unknown) throw failure('bad-input', `bot ${verb} has no option ${unknown}`)
  const command = programCommandOf(verb, words)
  const { api, room } = await roomOf(context, place.room)
  const bot = await botIn(api, room, place.bot)
  await send(context, api, room, bot, command)
}

const send = async ({ output }: Context, api: Api, room: Room, bot: Participant, command: ProgramCommand) => {
  const params = { roomId: room.id, who: bot.id }
  const answer = await api.call('commandProgram', { params, body: { command } })
  if (!answer.ok) throw failure(answer.code ?? 'conflict', `${bot.name}: ${answer.message}`)
  output.note(`${bot.name} in "${room.title}": ${answer.message}`)
}

const roomOf = async (context: Context, text: string | undefined): Promise<{ api: Api; room: Room }> => {
  if (text !== undefined) return resolveRoom(context, text)
  const api = await context.api()
  const { rooms } = await allRooms(api)
  const withBots = rooms.filter(({ stage }) => stage.some(({ kind }) => kind === 'bot'))
  const own: Room[] = []
  for (const room of withBots) if (await moderates(api, room)) own.push(room)
  if (own.length === 0) throw failure('not-found', 'no bot is on stage in a live room that you moderate')
  const playing = own.filter((room) => room.playing !== null)
  const [room, ...others] = playing.length > 0 ? playing : own
  if (others.length > 0)
    throw failure(
      'bad-input',
      `bots play in ${others.length + 1} rooms that you moderate: name one with --room: ${[room!, ...others]
        .map(({ id, title }) => `${id.slice(0, 8)} (${title})`)
        .join(', ')}`,
    )
  return { api, room: room! }
}

/** Hands are shown to moderators alone. */
const moderates = async (api: Api, { id }: Room): Promise<boolean> => {
  try {
    await api.call('listHands', { params: { roomId: id } })
    return true
  } catch (error) {
    if (['not-allowed', 'room-ended', 'not-found'].includes(codeOf(error) ?? '')) return false
    throw error
  }
}

const botIn = async (api: Api, room: Room, name: string | undefined): Promise<Participant> => {
  const { participants } = await api.call('listParticipants', { params: { roomId: room.id } })
  const bots = participants.filter(({ kind }) => kind === 'bot')
  if (bots.length === 0) throw failure('not-found', `no bot is in "${room.title}"`)
  const wanted = name?.replace(/^@/, '').toLowerCase()
  const named =
    wanted === undefined ? bots : bots.filter((bot) => [bot.name.toLowerCase(), bot.handle].includes(wanted))
  const playing = named.filter(({ playing }) => playing !== null)
  const [bot, ...others] = playing.length > 0 ? playing : named
  const names = bots.map((each) => each.name).join(', ')
  if (!bot) throw failure('not-found', `no bot in "${room.title}" is called "${name}"; there is ${names}`)
  if (others.length > 0) throw failure('bad-input', `"${room.title}" has several bots: name one with --bot: ${names}`)
  return bot
}
