import type { Command } from 'commander'
import type { Context } from '../context.ts'

export type CheckRoomOptions = {
  url?: string
  bots: string
  for: string
  expectAudio?: boolean
  rooms?: string
  talk?: string
  ramp?: string
  churn?: string
  decode?: string
  threshold?: string[]
  maxParticipantMinutes?: string
  json?: boolean
}

const collect = (value: string, before: string[] = []): string[] => [...before, value]

export const addCheckRoom = (check: Command, context: Context): void => {
  check
    .command('room [room]')
    .description('send participants into a room and judge what reaches them; without ROOM, on a server of its own')
    .option('--url <ws-url>', 'a LiveKit server (else LIVEKIT_URL), with LIVEKIT_API_KEY and LIVEKIT_API_SECRET')
    .option('--bots <n>', 'how many participants', '10')
    .option('--for <duration>', 'for how long once all have come', '30s')
    .option('--expect-audio', 'everyone hears everyone who sends sound, or the check fails')
    .option('--rooms <n>', 'spread them over so many rooms of its own')
    .option('--talk <pattern>', 'none, one, everyone or panel:N of each room speak (none in ROOM, else one)')
    .option('--ramp <n>', 'so many arrive in a second (20)')
    .option('--churn <n>', 'so many listeners leave in a minute, each replaced by a new one (0)')
    .option('--decode <n>', 'so many listeners of each room decode what they hear (1)')
    .option('--threshold <limit>', 'a limit such as "delay:p(95)<300" or "loss:rate<1%"; may be given again', collect)
    .option('--max-participant-minutes <n>', 'send nobody where it would take more (500; none on this machine)')
    .option('--json', 'one JSON document')
    .action(async (room: string | undefined, options: CheckRoomOptions) =>
      (await import('../check-room.ts')).checkRoom(context, room, options),
    )
}
