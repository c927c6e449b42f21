import type { Command } from 'commander'
import type { Context } from '../context.ts'

export type CheckServerOptions = { expectTurn?: boolean; webhook?: string; json?: boolean }

export const addCheckServer = (check: Command, context: Context): void => {
  check
    .command('server <ws-url>')
    .description('is this LiveKit server fit for voice? with LIVEKIT_API_KEY and LIVEKIT_API_SECRET')
    .option('--expect-turn', 'it must name a TURN server, and that must relay')
    .option('--webhook <address>', 'listen on PORT or ADDRESS:PORT, where its webhooks go, for those of this check')
    .option('--json', 'one JSON document')
    .action(async (url: string, options: CheckServerOptions) =>
      (await import('../check-fitness.ts')).checkServer(context, url, options),
    )
}
