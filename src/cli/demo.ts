import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join as joinPath } from 'node:path'
import { parseSinkSpec } from '../audio/sinks/sink.ts'
import { makeGuide } from '../bot/guide.ts'
import { type Play, startPlay } from '../bot/play.ts'
import { type SeatClient, startSeat } from '../client/seat.ts'
import type { SeatEvent } from '../protocol/seat.ts'
import type { Face } from '../tui/faces.ts'
import { describe } from '../tui/lines/sentences.ts'
import { soundCacheOf } from './bot-folders.ts'
import type { DemoOptions } from './commands/demo.ts'
import type { Context } from './context.ts'
import { parseDurationMs } from './duration.ts'
import { entryOf } from './entries.ts'
import { faceOf } from './face.ts'
import { failure } from './failure.ts'
import { checkCombination } from './join.ts'
import { runningServer, stopServer } from './local-server.ts'
import { seatOptions } from './seat-options.ts'
import { signInAt, visitor } from './visitor.ts'

const GUIDE = 'Guide'
// Numbers set aside for fiction (NANPA 555-0100 to 555-0199).
const HOST_PHONE = '+12025550143'
const YOUR_PHONE = '+12025550178'
const DEFAULT_FOR = '30s'

/** A server, a bot that guides a short meditation, and you as a listener: the TUI, or lines and a verdict. */
export const demo = async (context: Context, options: DemoOptions): Promise<void> => {
  // Refused before all that is started.
  if (options.for !== undefined) parseDurationMs(options.for, '--for')
  if (options.speaker !== undefined) parseSinkSpec(options.speaker)
  checkCombination(context, { speaker: options.speaker })
  const home = await mkdtemp(joinPath(tmpdir(), 'roomtone-demo-'))
  const you = visitor(context, home, 'default')
  const host = visitor(context, home, 'host')
  context.output.note('Starting a server, a guide and a seat for you …')
  const face = await faceOf(context, { speaker: options.speaker })
  const started: Started = {}
  const starting = start(context, { you: you.context, host: host.context, home, face, options, started })
  context.onClose(async () => {
    // What is on its way up can only be ended once it is there.
    await starting.catch(() => {})
    started.seat?.close()
    started.play?.stop()
    await started.play?.done
    await you.close()
    await host.close()
    const server = await runningServer(you.context.folders)
    if (server) await stopServer(server)
    await rm(home, { recursive: true, force: true })
  })
  const seat = await Promise.race([starting, interruption(context)])
  // Where the sound goes to stdout, nothing else may.
  if (face === 'lines') return listen(context, seat, context.output[options.speaker === 'stdout' ? 'note' : 'line'])
  const { showSeat } = await import('./hallway.ts')
  context.exitWith(await showSeat(you.context, seat, face))
}

/** What has been started so far, for the end to come. */
type Started = { play?: Play; seat?: SeatClient }
type Cast = { you: Context; host: Context; home: string; face: Face; options: DemoOptions; started: Started }

const start = async (context: Context, { you, host, home, face, options, started }: Cast): Promise<SeatClient> => {
  const file = joinPath(home, 'guide.wav')
  const [roomId] = await Promise.all([
    openRoom(host),
    signInAt(you, YOUR_PHONE, 'You'),
    makeGuide(file, { folder: home, entry: entryOf('speech') }),
  ])
  started.play = await startGuide(context, host, roomId, file)
  const forTime = options.for ?? (face === 'screen' ? undefined : DEFAULT_FOR)
  const speaker = options.speaker ?? 'default'
  // Nobody comes back to a home that is thrown away.
  const stay = { microphone: 'none', speaker, for: forTime, keep: '0s' }
  started.seat = await startSeat(await seatOptions(you, roomId, stay))
  return started.seat
}

const interruption = (context: Context): Promise<never> => {
  const interrupted = new Promise<never>((_, reject) => {
    const interrupt = () => reject(failure('interrupted', 'interrupted'))
    context.onInterrupt(interrupt)
    context.onOutputClosed(interrupt)
  })
  interrupted.catch(() => {})
  return interrupted
}

const openRoom = async (host: Context): Promise<string> => {
  await signInAt(host, HOST_PHONE, 'Host')
  const room = await (await host.api()).call('createRoom', { body: { title: 'A short guided pause' } })
  return room.id
}

const startGuide = async (context: Context, host: Context, roomId: string, file: string): Promise<Play> => {
  const { token } = await (await host.api()).call('createToken', { body: { name: GUIDE } })
  return startPlay({
    server: (await host.server()).url,
    token,
    roomId,
    name: GUIDE,
    files: [file],
    loop: true,
    waitMs: 10_000,
    cacheFolder: soundCacheOf(host),
    measureEntry: entryOf('measure'),
    entry: entryOf('bot'),
    onEvent: (event) => {
      if (event.type === 'warning') context.output.note(`${GUIDE}: ${event.message}`)
      else context.output.detail(`${GUIDE}: ${JSON.stringify(event)}`)
    },
  })
}

/** Lines until the seat leaves, then the verdict: what was heard of the guide. */
const listen = async (context: Context, seat: SeatClient, say: (sentence: string) => void): Promise<void> => {
  let heard: Extract<SeatEvent, { type: 'heard' }> | undefined
  let endsWith: number | undefined
  await new Promise<void>((resolve) => {
    seat.onEvent((event, stateThen) => {
      if (event.type === 'heard' && event.who === GUIDE) heard = event
      const state = stateThen ?? seat.state()
      const sentence = state && describe(event, state, state)
      if (sentence !== undefined) say(sentence)
    })
    seat.onClosed(() => resolve())
    const leave = (code: number) => {
      endsWith ??= code
      seat.request({ verb: 'leave' }).catch(() => {})
    }
    context.onInterrupt(() => leave(130))
    context.onOutputClosed(() => leave(0))
  })
  if (endsWith !== undefined) return context.exitWith(endsWith)
  if (!heard || heard.seconds <= 0) throw failure('nothing-heard', 'nothing was heard of the guide')
  const { seconds, levelDb, longestGapMs } = heard
  say(
    `Heard ${GUIDE} for ${seconds.toFixed(1)} s at ${levelDb.toFixed(1)} dBFS, longest gap ${Math.round(longestGapMs)} ms`,
  )
}
