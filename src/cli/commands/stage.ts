import type { Command } from 'commander'
import type { Hand, StageAction } from '../../protocol/rooms.ts'
import type { Context } from '../context.ts'

type StageOptions = { room?: string; seat?: string; json?: boolean }

const actions: [action: StageAction, description: string][] = [
  ['invite', 'ask somebody on stage; they may decline'],
  ['admit', 'bring somebody on stage whose hand is up'],
  ['lower', "lower somebody's hand"],
  ['mute', 'take the right to speak'],
  ['allow', 'give the right to speak back; they stay muted'],
  ['demote', 'make a speaker a listener'],
  ['kick', 'remove somebody from the room'],
  ['moderator', 'make somebody a moderator'],
]

/** What a moderator does: in the running seat's room, or in any room with --room. */
export const addStage = (program: Command, context: Context): void => {
  const stage = program.command('stage').description('moderate: hands, the stage and who is on it')
  withPlace(stage.command('hands'))
    .description('raised hands, first come first served')
    .option('--json', 'one JSON document')
    .action((options: StageOptions) => showHands(context, options))
  for (const [action, description] of actions)
    withPlace(stage.command(`${action} <@who>`))
      .description(description)
      .action((who: string, options: StageOptions) => act(context, action, who, options))
}

const withPlace = (command: Command): Command =>
  command
    .option('--room <room>', 'in this room, without a seat in it')
    .option('--seat <id>', 'which seat, when several run')

const showHands = async (context: Context, options: StageOptions) => {
  const hands = await handsOf(context, options)
  if (options.json) return context.output.json({ hands })
  if (hands.length === 0) return context.output.note('No hand is up')
  context.output.table(
    ['position', 'name', 'handle', 'question'],
    hands.map(({ position, name, handle, question }) => [`${position}`, name, `@${handle}`, question ?? '']),
  )
}

const handsOf = async (context: Context, options: StageOptions): Promise<Hand[]> => {
  const room = await roomOf(context, options)
  if (room) return (await room.api.call('listHands', { params: { roomId: room.id } })).hands
  const { commandSeat } = await import('../seat.ts')
  return (await commandSeat(context, options, { verb: 'status' })).hands
}

const act = async (context: Context, action: StageAction, who: string, options: StageOptions) => {
  const room = await roomOf(context, options)
  if (room) await room.api.call('stage', { params: { roomId: room.id, who, action } })
  else await (await import('../seat.ts')).commandSeat(context, options, { verb: 'stage', action, who })
  context.output.note(`${action} ${who}: done`)
}

const roomOf = async (context: Context, options: StageOptions) => {
  if (options.room === undefined) return undefined
  const { resolveRoom } = await import('../room-argument.ts')
  const { api, room } = await resolveRoom(context, options.room)
  return { api, id: room.id }
}
