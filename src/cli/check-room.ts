import { randomInt } from 'node:crypto'
import { planSwarm, type SwarmWish, type TalkPattern } from '../check/swarm-plan.ts'
import { checkSwarm, newRunId, wantsOf, wholeNumber } from './check-swarm.ts'
import { type CheckTarget, checkTarget } from './check-target.ts'
import type { CheckRoomOptions } from './commands/check-room.ts'
import type { Context } from './context.ts'
import { parseDurationMs } from './duration.ts'
import { failure } from './failure.ts'

/** Sends light participants into one room or many, and judges what they got. */
export const checkRoom = async (
  context: Context,
  room: string | undefined,
  options: CheckRoomOptions,
): Promise<void> => {
  const wish = readWish(room, options)
  const wants = wantsOf(options, options.expectAudio === true)
  const target = await checkTarget(context, room, options)
  refuseUnfit(target, wish)
  const runId = newRunId()
  const rooms = roomNames(target, wish.rooms, runId)
  const plan = planSwarm({ ...wish, rooms, runId }, () => randomInt(2 ** 32) / 2 ** 32)
  await checkSwarm(context, { name: `room ${target.room ?? rooms[0]}`, target, plan, wants }, options)
}

type Wish = Omit<SwarmWish, 'rooms' | 'runId'> & { rooms: number }

const readWish = (room: string | undefined, options: CheckRoomOptions): Wish => {
  const bots = wholeNumber(options.bots, '--bots', 1, 4000)
  const rooms = wholeNumber(options.rooms ?? '1', '--rooms', 1, 1000)
  if (rooms > bots) throw failure('bad-input', `--rooms ${rooms} are more than --bots ${bots}`)
  const forMs = parseDurationMs(options.for, '--for')
  if (forMs < 3000) throw failure('bad-input', '--for wants at least 3s: less proves nothing')
  return {
    bots,
    rooms,
    forMs,
    // Whoever names one room tests what others send there.
    talk: talkOf(options.talk ?? ((room === undefined && options.token === undefined) || rooms > 1 ? 'one' : 'none')),
    rampPerS: wholeNumber(options.ramp ?? '20', '--ramp', 1, 1000),
    churnPerMin: wholeNumber(options.churn ?? '0', '--churn', 0, 6000),
    decoding: wholeNumber(options.decode ?? '1', '--decode', 0, 100),
  }
}

const talkOf = (text: string): TalkPattern => {
  if (text === 'none' || text === 'one' || text === 'everyone') return { kind: text }
  const speakers = /^panel:(\d{1,3})$/.exec(text)?.[1]
  if (speakers === undefined || Number(speakers) === 0)
    throw failure('bad-input', `--talk is none, one, everyone or panel:N (N of each room speak), not "${text}"`)
  return { kind: 'panel', speakers: Number(speakers) }
}

/** A roomtone room has a stage with rules, and a room token is one participant: both can only listen. */
const refuseUnfit = ({ door }: CheckTarget, { bots, rooms, talk, churnPerMin }: Wish): void => {
  if (door.kind === 'livekit') return
  const isToken = door.kind === 'token'
  const where = isToken ? 'by a room token' : 'in a room of a roomtone server'
  if (rooms > 1)
    throw failure('bad-input', `--rooms needs a LiveKit server with key and secret; ${where} there is one room`)
  if (talk.kind !== 'none')
    throw failure('bad-input', `--talk ${talk.kind} is not possible ${where}: there they only listen`)
  if (isToken && (bots > 1 || churnPerMin > 0))
    throw failure(
      'bad-input',
      'a room token is one participant: say --bots 1, or give LIVEKIT_API_KEY and LIVEKIT_API_SECRET',
    )
}

/** The very room that was named, or rooms that no other run has. */
const roomNames = ({ room }: CheckTarget, count: number, runId: string): string[] => {
  if (room !== undefined && count === 1) return [room]
  return Array.from({ length: count }, (_, at) => `${room ?? 'check'}-${runId}${count === 1 ? '' : `-${at + 1}`}`)
}
