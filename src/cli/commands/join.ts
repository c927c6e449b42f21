import type { Command } from 'commander'
import type { Context } from '../context.ts'

export type JoinOptions = {
  url?: string
  token?: string
  jsonl?: boolean
  detach?: boolean
  for?: string
  keep?: string
  hook?: string
  unmuted?: boolean
  microphone?: string
  speaker?: string
  stereo?: boolean
  noise?: string
  cues?: string
  name?: string
}

export const addJoin = (program: Command, context: Context): void => {
  program
    .command('join [room]')
    .description('join a live room: its id, link or title; or any LiveKit room by --url and --token')
    .option('--url <ws-url>', 'a LiveKit server, e.g. wss://livekit.example.org (else LIVEKIT_URL)')
    .option('--token <token>', 'its room token: itself, @FILE, or - for stdin (else LIVEKIT_TOKEN)')
    .option('--jsonl', 'one JSON line an event')
    .option('--detach', 'stay in the room when this command ends')
    .option('--for <duration>', 'leave after so long, e.g. 20s')
    .option('--keep <duration>', 'how long the seat waits for attach when its terminal is gone (2m; 2s without one)')
    .option('--hook <command>', 'run it when somebody joins, leaves, raises a hand or is invited')
    .option('--unmuted', 'open the microphone as soon as you may speak')
    .option('--microphone <name>', 'a device, none, tone:HZ[@DBFS], file:PATH or stdin (s16le, 48 kHz, mono)')
    .option('--speaker <name>', 'a device, none, stdout or file:PATH.wav (that records, shown to all)')
    .option('--stereo', 'two channels on stdout or in the file, for music; a device has them anyway')
    .option('--noise <on|off>', 'take the noise out of your voice, where the microphone is a device (on)')
    .option(
      '--cues <kinds>',
      'short sounds to your own speaker: all, none or some (else config; never into a file unless said)',
    )
    .option('--name <name>', 'with an access token: who this is in the room')
    .addHelpText(
      'after',
      '\n  While it runs, type commands (help lists them), or use roomtone mute, hand, leave … elsewhere.',
    )
    .action(async (room: string | undefined, options: JoinOptions) =>
      (await import('../join.ts')).join(context, room, options),
    )
}
