import type { Command } from 'commander'
import type { SwarmFlags } from '../check-swarm.ts'
import type { Context } from '../context.ts'
import { addSwarmOptions } from './check-room.ts'

export type CheckJoinOptions = SwarmFlags & { url?: string; token?: string; count: string }
export type CheckLatencyOptions = SwarmFlags & { url?: string; for: string }

export const addCheckJoin = (check: Command, context: Context): void => {
  const join = check
    .command('join [room]')
    .description('how long it takes to be in a room and to hear who speaks there')
    .option('--token <token>', 'a room token instead of a key: itself, @FILE, or - for stdin (else LIVEKIT_TOKEN)')
    .option('--count <n>', 'so many join, one after the other', '10')
  addSwarmOptions(join).action(async (room: string | undefined, options: CheckJoinOptions) =>
    (await import('../check-join.ts')).checkJoin(context, room, options),
  )
  const latency = check
    .command('latency')
    .description('how long sound is on its way from one participant to another')
    .option('--for <duration>', 'for how long', '10s')
  addSwarmOptions(latency).action(async (options: CheckLatencyOptions) =>
    (await import('../check-join.ts')).checkLatency(context, options),
  )
}
