import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, expect, it } from 'vitest'
import type { BotEvent } from '../../src/bot/wire.ts'
import type { MediaPlane } from '../../src/server/deps.ts'
import { superviseMediaServer } from '../../src/sfu/process.ts'
import { newPerson, openRoom } from '../integration/client/people.ts'
import { countUp, listen, runsHeard, STEP_MS, writeStaircase } from '../support/bot-room.ts'
import { eventually } from '../support/eventually.ts'
import { farSideMissing, startFarSide } from '../support/far-side.ts'
import { freePort } from '../support/free-port.ts'
import { API_KEY, API_SECRET, buildMediaServer } from '../support/media-server.ts'
import { mediaEnv, startProjectMedia } from '../support/project-media.ts'
import { roomtoneBin, startRoomtone } from '../support/roomtone.ts'
import { type Sms, startTestServer, type TestServer } from '../support/server.ts'

// A bot plays a staircase of tones while something between it and its listener is cut; what the listener's speaker gives
// tells which steps were heard, and which twice.
const folder = mkdtempSync(join(tmpdir(), 'roomtone-cut-'))
const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const STEPS = 140
const file = writeStaircase(join(folder, 'staircase.wav'), { count: STEPS })
const AT_MOST_REPEATED = 1500 / STEP_MS

/** Omar listens in a room of Ana's, where the bot begins to play; `command` is how it is run. */
const beginPlay = async (
  server: TestServer,
  command = (argv: string[]): [string, string[]] => [argv[0]!, argv.slice(1)],
) => {
  const ana = await newPerson(server, 'Ana')
  const omar = await newPerson(server, 'Omar')
  cleanups.push(ana.api.close, omar.api.close)
  const { token } = await ana.api.call('createToken', { body: { name: 'Player' } })
  const room = await openRoom(ana, 'Cuts')
  const ears = await listen(omar, room)
  cleanups.push(() => ears.session.close())
  const bot = spawn(...command([process.execPath, roomtoneBin, 'bot', 'play', file, '--room', room.id, '--jsonl']), {
    env: { ...process.env, ROOMTONE_HOME: folder, ROOMTONE_SERVER: server.url, ROOMTONE_TOKEN: token },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  cleanups.push(() => bot.kill('SIGKILL'))
  let said = ''
  bot.stdout.on('data', (chunk) => {
    said += chunk
  })
  const events = () =>
    said
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as BotEvent)
  const positionMs = () => events().findLast((event) => event.type === 'progress')?.positionMs ?? 0
  const ended = new Promise<number | null>((resolve) => bot.once('close', resolve))
  return {
    events,
    plays: (ms: number) =>
      eventually(
        () => {
          if (positionMs() >= ms) return true
          throw new Error(JSON.stringify(events().slice(-3)))
        },
        { withinMs: 30_000, what: `${ms} ms have been played` },
      ),
    ended,
    heard: () => runsHeard(ears.heard()),
  }
}
type Play = Awaited<ReturnType<typeof beginPlay>>

/** To the end: nothing was skipped, and after no cut more than 1.5 s heard again. */
const expectWhole = async (play: Play) => {
  expect(await play.ended, JSON.stringify(play.events().slice(-3))).toBe(0)
  const runs = play.heard()
  const told = JSON.stringify({ runs, events: play.events().filter(({ type }) => type !== 'progress') })
  const places = new Set(runs.flatMap(({ from, to }) => countUp(to - from + 1).map((n) => from + n)))
  // A machine out of breath tears a step or two; what a cut swallows is more.
  const isMissing = (place: number) => !places.has(place)
  expect(
    countUp(STEPS - 2).filter((n) => isMissing(n) && isMissing(n + 1) && isMissing(n + 2)),
    told,
  ).toEqual([])
  expect(Math.max(...places), told).toBeGreaterThanOrEqual(STEPS - 2)
  for (const [i, { from }] of runs.slice(1).entries())
    expect(runs[i]!.to - from + 1, told).toBeLessThanOrEqual(AT_MOST_REPEATED)
  return runs
}

/** The media server of this project at that address, so that the cable to it can be cut. */
const mediaAt = async (address: string, port: number): Promise<MediaPlane> => {
  const webhookUrl = `http://127.0.0.1:${port}/api/webhooks/livekit`
  const livekit = await startProjectMedia({ address, webhookUrls: [webhookUrl] })
  if (livekit) {
    cleanups.push(livekit.close)
    return { url: livekit.url, apiKey: livekit.key, apiSecret: livekit.secret }
  }
  const keys = { apiKey: API_KEY, apiSecret: API_SECRET }
  const media = await superviseMediaServer({ entry: buildMediaServer(), ...keys, address, webhookUrl })
  cleanups.push(media.close)
  return { ...keys, attach: media }
}

it('skips nothing and repeats at most 1.5 s when the media server is killed', async () => {
  const server = await startTestServer({ media: 'project' })
  cleanups.push(server.close)
  const play = await beginPlay(server)
  await play.plays(4_000)
  await server.killMedia()
  await expectWhole(play)
})

it.skipIf(farSideMissing)(
  `skips nothing and repeats at most 1.5 s when its network is cut for 2 s and for 6 s${farSideMissing ? ` (${farSideMissing})` : ''}`,
  async () => {
    const port = await freePort()
    const far = await startFarSide(port)
    cleanups.push(far.close)
    const server = await startTestServer({ port, media: await mediaAt(far.address, port) })
    cleanups.push(server.close)
    const play = await beginPlay(server, far.inside)
    for (const [afterMs, forMs] of [
      [3_000, 2_000],
      [8_000, 6_000],
    ] as const) {
      await play.plays(afterMs)
      far.cut()
      await sleep(forMs)
      far.mend()
    }
    await expectWhole(play)
    expect(play.events().filter(({ type }) => type === 'resumed').length).toBeGreaterThanOrEqual(2)
  },
)

it('skips nothing and repeats at most 1.5 s when the server is killed and started again', async () => {
  const port = await freePort()
  const outbox = join(folder, 'outbox.jsonl')
  const livekit = await startProjectMedia()
  if (livekit) cleanups.push(livekit.close)
  const serve = async () => {
    const args = ['serve', '--port', String(port), '--data', join(folder, 'data'), '--sms', `outbox:${outbox}`]
    const running = startRoomtone(args, { home: folder, env: mediaEnv(livekit), withinMs: 110_000 })
    cleanups.push(async () => {
      running.kill('SIGTERM')
      await running.ended
    })
    await eventually(async () => (await fetch(`http://127.0.0.1:${port}/api/server`)).ok, {
      withinMs: 30_000,
      what: 'the server answers',
    })
    return running
  }
  const first = await serve()
  const read = () =>
    readFileSync(outbox, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Sms)
  const play = await beginPlay({ url: `http://127.0.0.1:${port}`, outbox: read } as TestServer)
  await play.plays(4_000)
  first.kill('SIGKILL')
  await first.ended
  await serve()
  await expectWhole(play)
})
