import type { Command } from 'commander'
import type { SwarmFlags } from '../check-swarm.ts'
import type { Context } from '../context.ts'

export type CheckRoomOptions = SwarmFlags & {
  url?: string
  token?: string
  bots: string
  for: string
  expectAudio?: boolean
  rooms?: string
  talk?: string
  ramp?: string
  churn?: string
  decode?: string
}

export const addCheckRoom = (check: Command, context: Context): void => {
  const room = check
    .command('room [room]')
    .description('send participants into a room and judge what reaches them; without ROOM, on a server of its own')
    .option('--token <token>', 'a room token instead of a key: itself, @FILE, or - for stdin (else LIVEKIT_TOKEN)')
    .option('--bots <n>', 'how many participants', '10')
    .option('--for <duration>', 'for how long once all have come', '30s')
    .option('--expect-audio', 'everyone hears everyone who sends sound, or the check fails')
    .option('--rooms <n>', 'spread them over so many rooms of its own')
    .option('--talk <pattern>', 'none, one, everyone or panel:N of each room speak (none in ROOM, else one)')
    .option('--ramp <n>', 'so many arrive in a second (20)')
    .option('--churn <n>', 'so many listeners leave in a minute, each replaced by a new one (0)')
    .option('--decode <n>', 'so many listeners of each room decode what they hear (1)')
  addSwarmOptions(room).action(async (name: string | undefined, options: CheckRoomOptions) =>
    (await import('../check-room.ts')).checkRoom(context, name, options),
  )
}

const collect = (value: string, before: string[] = []): string[] => [...before, value]

/** What all checks with light participants take. */
export const addSwarmOptions = (command: Command): Command =>
  command
    .option('--url <ws-url>', 'a LiveKit server (else LIVEKIT_URL), with LIVEKIT_API_KEY and LIVEKIT_API_SECRET')
    .option('--threshold <limit>', 'a limit such as "delay:p(95)<300" or "loss:rate<1%"; may be given again', collect)
    .option('--max-participant-minutes <n>', 'send nobody where it would take more (500; none on this machine)')
    .option('--json', 'one JSON document')
