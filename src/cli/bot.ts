import { hostname } from 'node:os'
import { resolve } from 'node:path'
import { z } from 'zod'
import { startPlay } from '../bot/play.ts'
import type { BotEvent } from '../bot/wire.ts'
import { soundCacheOf } from './bot-folders.ts'
import type { BotPlayOptions } from './commands/bot.ts'
import type { Context, ServerChoice } from './context.ts'
import { parseDurationMs } from './duration.ts'
import { entryOf } from './entries.ts'
import { exitCodeOfEnd, failure } from './failure.ts'
import { readPrivateFile, writePrivateFile } from './private-file.ts'
import { resolveRoom } from './room-argument.ts'

/** Streams files into a room until they end, with live progress. */
export const botPlay = async (context: Context, files: string[], options: BotPlayOptions): Promise<void> => {
  const waitMs = parseDurationMs(options.wait, '--wait')
  const { server, room } = await resolveRoom(context, options.room)
  if (room.endedAt !== null) throw failure('room-ended', `"${room.title}" has ended`)
  let isInterrupted = false
  const play = await startPlay({
    server: server.url,
    token: await botToken(context, server),
    roomId: room.id,
    name: options.name,
    files: files.map((file) => resolve(context.workingFolder, file)),
    loop: options.loop === true,
    waitMs,
    proxy: context.proxy(),
    cacheFolder: soundCacheOf(context),
    measureEntry: entryOf('measure'),
    entry: entryOf('bot'),
    onEvent: options.jsonl ? context.output.event : createTeller(context),
  })
  context.onInterrupt(() => {
    isInterrupted = true
    play.stop()
  })
  context.onOutputClosed(() => play.stop())
  const left = await play.done
  context.exitWith(isInterrupted ? 130 : exitCodeOfEnd(left))
}

/**
 * The access token of a bot account: ROOMTONE_TOKEN, else one that is made for the signed-in account and this machine and
 * kept beside its sign-in, so that a person's own seat is never taken by their bot.
 */
export const botToken = async (context: Context, server: ServerChoice): Promise<string> => {
  const given = await context.accessToken(server)
  if (given !== undefined) return given
  const file = (await context.credentialsFile(server)).replace(/\.json$/, '.bot.json')
  const kept = await readPrivateFile(file, z.object({ token: z.string() }))
  const api = await context.api(server)
  const name = [...`bot on ${hostname()}`].slice(0, 40).join('')
  const { tokens } = await api.call('listTokens')
  const isThere = tokens.some((token) => token.name === name)
  if (kept && isThere) return kept.token
  // The token of a bot whose file was lost is of no use to anybody.
  if (isThere) await api.call('revokeToken', { params: { name } })
  const { token } = await api.call('createToken', { body: { name } })
  await writePrivateFile(file, { token })
  return token
}

/** Events in words; on a terminal the progress is one line that changes in place. */
const createTeller = (context: Context) => {
  const { output, stderr } = context
  const inPlace = stderr.isTTY === true && !context.flags().quiet && !context.output.isPlain
  let lastFile = -1
  const clear = () => inPlace && stderr.write('\r\u001b[K')
  return (event: BotEvent) => {
    clear()
    if (event.type === 'progress') {
      const line = progressLine(event)
      if (inPlace) stderr.write(line.slice(0, 79))
      else if (event.index !== lastFile) output.note(line)
      lastFile = event.index
    } else if (event.type === 'warning') output.note(`warning: ${event.message}`)
    else if (event.type === 'left' && event.reason !== 'done')
      output.problem({ ...event, code: event.code ?? event.reason })
    else output.line(sentences[event.type](event as never))
  }
}

const sentences: {
  [T in Exclude<BotEvent['type'], 'progress' | 'warning'>]: (event: Extract<BotEvent, { type: T }>) => string
} = {
  joined: ({ title, name, role }) => `${name} is in "${title}" as ${role}`,
  waiting: ({ forMs }) => `Hand raised; waiting ${Math.round(forMs / 1000)} s to be let on stage`,
  'on-air': () => 'On air',
  paused: ({ cause }) => `Paused: ${cause}`,
  resumed: ({ repeatedMs }) => `On air again; ${(repeatedMs / 1000).toFixed(1)} s repeated`,
  left: ({ message }) => message,
}

const progressLine = ({ file, positionMs, durationMs, listeners }: Extract<BotEvent, { type: 'progress' }>) =>
  `${file}  ${clockOf(positionMs)}${durationMs === null ? '' : ` of ${clockOf(durationMs)}`}  ${listeners} listening`

const clockOf = (ms: number) => {
  const seconds = Math.floor(ms / 1000)
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`
}
