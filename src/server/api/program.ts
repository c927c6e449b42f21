import { randomUUID } from 'node:crypto'
import { apiError } from '../../protocol/errors.ts'
import type { ProgramAnswer } from '../../protocol/program.ts'
import type { Call, Handlers } from '../call.ts'
import { requireCommandable, setPlaying } from '../domain/program.ts'
import { type EventRow, roomTopic } from '../event-log.ts'
import { participantNamed, seatOf } from '../live-rooms.ts'
import { createBuckets } from '../rate.ts'
import { personOf, type RoomContext } from '../room-context.ts'
import { absence } from './seats.ts'

type ProgramRoutes = 'setPlaying' | 'commandProgram' | 'answerProgramCommand'

/** What bots play, and commands to their programs: rows of the room's events, so that any server of a house will do. */
export const programHandlers = (context: RoomContext): Pick<Handlers, ProgramRoutes> => {
  const { settings, now } = context
  const perSeat = createBuckets(settings.programCallsPerRoom, now)
  return {
    setPlaying: async ({ params, body, caller }) => {
      perSeat.take(`${caller.account.id} ${params.roomId}`)
      await context.rooms
        .change(params.roomId, (state) => {
          const { id } = seatOf(state, caller.account.id, body.seatId)
          return { next: setPlaying(state, id, body.playing), actorId: id }
        })
        .catch(absence(context, params.roomId, caller, body.seatId))
    },
    commandProgram: (call) => {
      perSeat.take(`${call.caller.account.id} ${call.params.roomId}`)
      return command(context, call)
    },
    answerProgramCommand: async ({ params, body, caller }) => {
      if (caller.account.kind !== 'bot') throw apiError('not-allowed', 'Only a bot has a program to answer for.')
      await context.rooms
        .tell(params.roomId, (state) => {
          const { id: participantId } = seatOf(state, caller.account.id, body.seatId)
          const data = { id: body.commandId, participantId, answer: body.answer }
          return { type: answerType, data, toModerators: false, toParticipant: nobody(body.commandId) }
        })
        .catch(absence(context, params.roomId, caller, body.seatId))
    },
  }
}

const answerType = 'program-answer'
/** Such a row is read by the server alone that waits for it. */
const nobody = (commandId: string) => `command:${commandId}`

const command = async (context: RoomContext, { params, body, caller }: Call<'commandProgram'>) => {
  const { rooms, settings } = context
  const id = randomUUID()
  const target = { id: '', name: '' }
  const cursor = await rooms.tell(params.roomId, (state, now) => {
    const bot = participantNamed(state, params.who)
    requireCommandable(state, personOf(caller), bot)
    Object.assign(target, bot)
    const until = new Date(now + settings.programAnswerMs).toISOString()
    const data = { id, participantId: bot.id, command: body.command, by: caller.account.name, until }
    return { type: 'program-command', data, toModerators: false, toParticipant: bot.id }
  })
  const answer = await answerTo(context, roomTopic(params.roomId), cursor, { id, participantId: target.id })
  if (answer) return answer
  const seconds = Math.round(settings.programAnswerMs / 1_000)
  throw apiError('unavailable', `${target.name} did not answer within ${seconds} s.`)
}

/** Null when none came in time. */
const answerTo = async (
  { feeds, settings }: RoomContext,
  topic: string,
  cursor: number,
  wanted: { id: string; participantId: string },
): Promise<ProgramAnswer | null> => {
  let resolve: (answer: ProgramAnswer | null) => void = () => {}
  const answered = new Promise<ProgramAnswer | null>((done) => {
    resolve = done
  })
  const timer = setTimeout(() => resolve(null), settings.programAnswerMs)
  const onEvent = (row: EventRow) => {
    if (row.type === 'room-ended') resolve(null)
    if (row.type !== answerType || row.toParticipant !== nobody(wanted.id)) return
    const { participantId, answer } = JSON.parse(row.dataJson) as { participantId: string; answer: ProgramAnswer }
    if (participantId === wanted.participantId) resolve(answer)
  }
  const unsubscribe = await feeds.subscribe(topic, cursor, { onEvent, onReset: () => {} })
  try {
    return await answered
  } finally {
    clearTimeout(timer)
    unsubscribe()
  }
}
