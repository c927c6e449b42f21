import { isAbsolute, join as joinPath } from 'node:path'
import { parseSinkSpec } from '../audio/sinks/sink.ts'
import type { SeatOptions } from '../client/seat.ts'
import type { JoinOptions } from './commands/join.ts'
import type { Context } from './context.ts'
import { readCues } from './cues.ts'
import { parseDurationMs } from './duration.ts'
import { entryOf } from './entries.ts'
import { failure } from './failure.ts'
import { readToken } from './secret.ts'

const KEEP_TERMINAL_MS = 120_000

/** What `join` says, as a seat's process is told it. */
export const seatOptions = async (
  context: Context,
  room: string | undefined,
  options: JoinOptions,
): Promise<SeatOptions> => {
  const forMs = options.for === undefined ? undefined : parseDurationMs(options.for, '--for')
  const source = inFolder(context, (await context.setting('microphone', options.microphone)) ?? 'default')
  const speaker = inFolder(context, (await context.setting('speaker', options.speaker)) ?? 'default')
  const hook = await context.setting('hook', options.hook)
  const recording = parseSinkSpec(speaker).kind === 'file'
  const own = await ownEars(context, options)
  return {
    ...(await target(context, room, options)),
    folder: context.folders.sockets,
    entry: entryOf('seat'),
    client: `roomtone ${context.version} on ${process.platform}`,
    proxy: context.proxy(),
    source,
    speaker,
    stereo: options.stereo === true,
    name: options.name,
    recording,
    unmuted: options.unmuted === true,
    detach: options.detach === true,
    noise: (await context.setting('noise', options.noise)) === 'on',
    forMs,
    keepMs: keepMs(context, options),
    hook: hook === undefined ? undefined : { command: hook, env: context.env },
    ...own,
    soundEngine: await context.setting('soundEngine'),
    portaudioEntry: entryOf('portaudio'),
  }
}

/** What the own speaker does beside the room's sound. Named for one seat, cues also go into a file or stdout. */
const ownEars = async (context: Context, { cues }: JoinOptions) => {
  const ducking = await context.setting('ducking')
  const isHinted = (await context.setting('headphonesHint')) === 'on'
  return {
    cues: readCues((await context.setting('cues', cues)) ?? 'all'),
    cuesAnywhere: cues !== undefined,
    duckingDb: duckingDb(ducking),
    hintFile: isHinted ? joinPath(context.folders.state, 'headphones-hint') : undefined,
  }
}

/** Of the setting `ducking`: decibels, 0 for off. */
export const duckingDb = (setting: string | undefined): number => Number(setting) || 0

/** Who closed a terminal by mistake comes back to it; nobody comes back to a script that has ended. */
const keepMs = ({ stdin, stdout }: Context, { keep }: JoinOptions): number | undefined => {
  if (keep !== undefined) return parseDurationMs(keep, '--keep')
  return stdin.isTTY || stdout.isTTY ? KEEP_TERMINAL_MS : undefined
}

/** A relative path means the folder of the command, wherever the seat's process runs. */
export const inFolder = (context: Context, given: string): string => {
  const spec = given.trim()
  const path = /^file:(.+)$/s.exec(spec)?.[1]
  return path === undefined || isAbsolute(path) ? spec : `file:${joinPath(context.workingFolder, path)}`
}

const target = async (context: Context, text: string | undefined, options: JoinOptions) => {
  const { LIVEKIT_URL, LIVEKIT_TOKEN } = context.env
  if (text !== undefined) {
    if (options.url !== undefined || options.token !== undefined)
      throw failure('bad-input', 'a room, or --url with --token, not both')
    return roomTarget(context, text)
  }
  const url = options.url ?? LIVEKIT_URL
  const token = options.token ?? LIVEKIT_TOKEN
  // A variable that is set to nothing is not set.
  if (!url || !token) throw failure('bad-input', 'say which room: join ROOM, or join --url WS_URL --token TOKEN')
  if (!URL.canParse(url) || !/^(wss?|https?):$/.test(new URL(url).protocol))
    throw failure('bad-input', `--url must be a URL such as wss://livekit.example.org, not "${url}"`)
  return {
    url,
    mediaToken: await readToken(context, token),
    volumesFile: await context.volumesFile(new URL(url).origin),
  }
}

const roomTarget = async (context: Context, text: string) => {
  const { resolveRoom } = await import('./room-argument.ts')
  const { server, room } = await resolveRoom(context, text)
  if (room.endedAt !== null) throw failure('room-ended', `"${room.title}" has ended`)
  const token = await context.accessToken(server)
  const signIn = token === undefined ? { credentialsFile: await context.credentialsFile(server) } : { token }
  return { server: server.url, roomId: room.id, volumesFile: await context.volumesFile(server.key), ...signIn }
}
