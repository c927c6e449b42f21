import { planJoins, planSwarm } from '../check/swarm-plan.ts'
import { checkSwarm, newRunId, wantsOf, wholeNumber } from './check-swarm.ts'
import { checkTarget } from './check-target.ts'
import type { CheckJoinOptions, CheckLatencyOptions } from './commands/check-join.ts'
import type { Context } from './context.ts'
import { parseDurationMs } from './duration.ts'
import { failure } from './failure.ts'

/** How long it takes to be in a room, and to hear who speaks there, one participant after the other. */
export const checkJoin = async (
  context: Context,
  room: string | undefined,
  options: CheckJoinOptions,
): Promise<void> => {
  const count = wholeNumber(options.count, '--count', 1, 1000)
  const wants = wantsOf(options, true)
  const target = await checkTarget(context, room, options)
  const runId = newRunId()
  const isOurs = target.room === undefined
  if (target.door.kind === 'token' && count > 1)
    throw failure('bad-input', 'a room token is one participant: say --count 1')
  const plan = planJoins({ room: target.room ?? `check-${runId}`, count, runId, isSpokenIn: isOurs })
  // In a room of others there may be nobody who speaks.
  await checkSwarm(context, { name: 'join', target, plan, wants: { ...wants, audio: isOurs } }, options)
}

/** How long sound is on its way from one participant to another, in a room of their own. */
export const checkLatency = async (context: Context, options: CheckLatencyOptions): Promise<void> => {
  const forMs = parseDurationMs(options.for, '--for')
  if (forMs < 3000) throw failure('bad-input', '--for wants at least 3s: less proves nothing')
  const wants = wantsOf(options, true)
  const target = await checkTarget(context, undefined, options)
  if (target.door.kind === 'token')
    throw failure('bad-input', 'two participants need two tokens: give LIVEKIT_API_KEY and LIVEKIT_API_SECRET')
  const runId = newRunId()
  const people = { bots: 2, talk: { kind: 'one' }, rampPerS: 2, churnPerMin: 0, decoding: 1 } as const
  const plan = planSwarm({ ...people, forMs, rooms: [`check-${runId}`], runId }, () => 0)
  await checkSwarm(context, { name: 'latency', target, plan, wants }, options)
}
