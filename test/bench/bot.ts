import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { AccessToken } from 'livekit-server-sdk'
import { joinPackets, type PacketParticipant } from '../../src/client/packets.ts'
import { newPerson, openRoom, type Person } from '../integration/client/people.ts'
import { botSays, familyOf } from '../support/bot-room.ts'
import { eventually } from '../support/eventually.ts'
import { API_KEY, API_SECRET } from '../support/media-server.ts'
import { startRoomtone } from '../support/roomtone.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { wavBytes } from '../support/wav-bytes.ts'
import { costOf } from './process-cost.ts'
import type { Bench } from './run.ts'

const WINDOW_MS = 30_000
const SHORT_WINDOW_MS = 8_000
const SETTLE_MS = 3_000
/** How much the peer hands over at once, in ms: what its own examples do, and what costs it less. */
const PEER_FRAMES_MS = [10, 100]

/** CPU time of a bot that plays a file, beside bots on @livekit/rtc-node that play the same file at the same bitrate. */
export const run: Bench = async (print, { short }) => {
  const folder = mkdtempSync(join(tmpdir(), 'roomtone-bot-bench-'))
  const file = join(folder, 'program.wav')
  writeFileSync(file, wavBytes(Buffer.from(music(20).buffer)))
  const server = await startTestServer({ media: 'embedded' })
  const ana = await newPerson(server, 'Ana')
  const bots: Bot[] = []
  try {
    bots.push(await startOurs(server, ana, file, folder))
    for (const frameMs of PEER_FRAMES_MS) bots.push(await startPeer(server, file, frameMs))
    await wait(SETTLE_MS)
    const measured = await measure(bots, short ? SHORT_WINDOW_MS : WINDOW_MS)
    print('| bot | of a core | MB | packets/s heard | lost |')
    print('|---|---|---|---|---|')
    for (const { name, cores, memoryBytes, packetsPerS, lost } of measured) {
      const cells = [
        name,
        `${(cores * 100).toFixed(2)} %`,
        (memoryBytes / 1e6).toFixed(0),
        packetsPerS.toFixed(1),
        lost,
      ]
      print(`| ${cells.join(' | ')} |`)
    }
    const [ours, ...peers] = measured as [Measured, ...Measured[]]
    print(`\n${peers.map(({ name, cores }) => `- CPU ${(ours.cores / cores).toFixed(2)}x of ${name}'s`).join('\n')}`)
  } finally {
    for (const bot of bots) await bot.close()
    await ana.api.close()
    await server.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

type Bot = { name: string; pids(): number[]; listener: PacketParticipant; close(): Promise<void> }

const startOurs = async (server: TestServer, ana: Person, file: string, home: string): Promise<Bot> => {
  const room = await openRoom(ana, 'Bench')
  const { token } = await ana.api.call('createToken', { body: { name: 'Player' } })
  const companion = await ana.api.call('companion', { params: { roomId: room.id } })
  const env = { ROOMTONE_SERVER: server.url, ROOMTONE_TOKEN: token }
  const args = ['bot', 'play', file, '--room', room.id, '--loop', '--jsonl']
  const bot = startRoomtone(args, { home, env, withinMs: 120_000 })
  await botSays(bot, 'on-air')
  const listener = await joinPackets(companion)
  return {
    name: 'roomtone bot play',
    pids: () => familyOf(bot.pid),
    listener,
    close: async () => {
      await listener.leave()
      bot.kill('SIGINT')
      await bot.ended
    },
  }
}

const startPeer = async (server: TestServer, file: string, frameMs: number): Promise<Bot> => {
  const url = server.url.replace('http', 'ws')
  const room = `peer-${frameMs}`
  const script = fileURLToPath(new URL('bot-rtc-node.js', import.meta.url))
  const args = [script, url, await tokenFor('bot', room), file, String(frameMs)]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'ignore'] })
  let said = ''
  child.stdout.on('data', (text) => (said += text))
  await eventually(() => said.includes('on air') || endedEarly(child), { withinMs: 15_000, what: 'the peer is on air' })
  const listener = await joinPackets({ url, token: await tokenFor('listener', room) })
  return {
    name: `rtc-node, ${frameMs} ms at once`,
    pids: () => familyOf(child.pid!),
    listener,
    close: async () => {
      await listener.leave()
      const gone = new Promise((resolve) => child.once('exit', resolve))
      if (child.exitCode === null && child.kill('SIGINT')) await gone
    },
  }
}

const endedEarly = ({ exitCode }: ChildProcess): false => {
  if (exitCode !== null) throw new Error(`it ended with ${exitCode}`)
  return false
}

const tokenFor = (identity: string, room: string): Promise<string> => {
  const token = new AccessToken(API_KEY, API_SECRET, { identity })
  token.addGrant({ roomJoin: true, room })
  return token.toJwt()
}

type Measured = { name: string; cores: number; memoryBytes: number; packetsPerS: number; lost: number }

/** All at once, so that the machine is the same to all. */
const measure = async (bots: Bot[], windowMs: number): Promise<Measured[]> => {
  for (const { listener } of bots) listener.forgetReceived()
  const startMs = performance.now()
  const before = bots.map((bot) => costOf(bot.pids()))
  await wait(windowMs)
  const seconds = (performance.now() - startMs) / 1000
  return bots.map(({ name, pids, listener }, index) => {
    const { cpuS, memoryBytes } = costOf(pids())
    const [track] = listener.received()
    if (!track) throw new Error(`nothing was heard of ${name}`)
    const { packets, lost } = track.rtp
    return { name, cores: (cpuS - before[index]!.cpuS) / seconds, memoryBytes, packetsPerS: packets / seconds, lost }
  })
}

/** Chords that change twice a second, with a little noise: a codec has to work at it. */
const music = (seconds: number): Int16Array => {
  let seed = 1
  const noise = () => {
    seed = (seed * 48_271) % 2_147_483_647
    return seed / 2_147_483_647 - 0.5
  }
  return Int16Array.from({ length: seconds * 48_000 }, (_, at) => {
    const root = 220 * 2 ** ((Math.floor(at / 24_000) % 12) / 12)
    const chord = [1, 1.25, 1.5, 3.01].reduce(
      (sum, ratio) => sum + Math.sin((2 * Math.PI * root * ratio * at) / 48_000),
      0,
    )
    return 2_500 * chord + 1_500 * noise()
  })
}
