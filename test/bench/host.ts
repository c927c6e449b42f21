import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { AccessToken } from 'livekit-server-sdk'
import { createApi } from '../../src/client/api.ts'
import { tokenCredentials } from '../../src/client/credentials.ts'
import { joinPackets, type PacketParticipant } from '../../src/client/packets.ts'
import { newPerson } from '../integration/client/people.ts'
import { familyOf } from '../support/bot-room.ts'
import { eventually } from '../support/eventually.ts'
import { freePort } from '../support/free-port.ts'
import { API_KEY, API_SECRET } from '../support/media-server.ts'
import { type Running, roomtone, startRoomtone } from '../support/roomtone.ts'
import { startTestServer } from '../support/server.ts'
import { noiseOf, toneOf } from '../support/session-sound.ts'
import { wavBytes } from '../support/wav-bytes.ts'
import { costOf } from './process-cost.ts'
import type { Bench, Print } from './run.ts'
import { medianOf } from './statistics.ts'

const WINDOW_MS = 30_000
const SHORT_WINDOW_MS = 5_000
const SETTLE_MS = 3_000
const STARTS = 7
const SHORT_STARTS = 2
const ROOMS = 10

/**
 * A host: beside a bare sender of the same stream (`host:one`), of ten rooms in one process (`host:ten`), and from its
 * command to the first sound with warm caches (`host:start`).
 */
export const run: Bench = async (print, { short, only }) => {
  for (const [name, bench] of Object.entries({ one, ten, start }))
    if (only === undefined || only === name) await inHouse((house) => bench(house, print, short))
}

type House = Awaited<ReturnType<typeof openHouse>>

const inHouse = async (work: (house: House) => Promise<void>): Promise<void> => {
  const house = await openHouse()
  try {
    await work(house)
  } finally {
    await house.close()
  }
}

const openHouse = async () => {
  const folder = mkdtempSync(join(tmpdir(), 'roomtone-host-bench-'))
  const server = await startTestServer({ media: 'embedded', settings: { roomsPerAccount: 50 } })
  const ana = await newPerson(server, 'Ana')
  const { token } = await ana.api.call('createToken', { body: { name: 'Host' } })
  const bot = createApi({ server: server.url, credentials: tokenCredentials(token) })
  const listeners: PacketParticipant[] = []
  const music = noiseOf({ fromHz: 200, toHz: 4_000 }, 20)
  toneOf(440, 20).forEach((sample, at) => {
    music[at] = (music[at]! + sample) / 2
  })
  writeFileSync(join(folder, 'music.wav'), wavBytes(Buffer.from(music.buffer)))
  return {
    folder,
    env: { ROOMTONE_SERVER: server.url, ROOMTONE_TOKEN: token },
    /** A room of the bot with a light listener in it. */
    openRoom: async (title: string) => {
      const room = await bot.call('createRoom', { body: { title } })
      const listener = await joinPackets(await ana.api.call('companion', { params: { roomId: room.id } }))
      listeners.push(listener)
      return { room, listener }
    },
    /** A room of the media server alone, for a sender without anything of ours around it. */
    bareAccess: async (identity: string) => {
      const token = new AccessToken(API_KEY, API_SECRET, { identity })
      token.addGrant({ roomJoin: true, room: 'bare' })
      return { url: server.url.replace('http', 'ws'), token: await token.toJwt() }
    },
    writeScript: (name: string, roomId: string) => {
      const file = join(folder, `${name}.session.yaml`)
      const room = `room: {title: ${name}, existing: ${roomId}}`
      writeFileSync(file, `session: ${name}\n${room}\ncues: [{at: 0:00, play: music.wav, loop: true}]\nend: 1h\n`)
      return file
    },
    close: async () => {
      for (const listener of listeners) await listener.leave()
      await Promise.all([bot.close(), ana.api.close()])
      await server.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

const startHost = async ({ folder, env }: House, scripts: string[], more: string[] = []): Promise<Running> => {
  const args = ['bot', 'run', ...scripts, '--now', '--jsonl', ...more]
  const host = startRoomtone(args, { home: folder, env, withinMs: 150_000 })
  await eventually(() => host.events().filter(({ type }) => type === 'on-air').length === scripts.length, {
    withinMs: 60_000,
    what: `all are on air ${host.stderr()}`,
  })
  return host
}

const end = async (child: ChildProcess): Promise<void> => {
  const gone = new Promise((resolve) => child.once('exit', resolve))
  if (child.exitCode === null && child.kill('SIGINT')) await gone
}

const percent = (cores: number): string => `${(cores * 100).toFixed(2)} %`

/** CPU over the same stretch of time for all. */
const measure = async (pids: (() => number[])[], windowMs: number) => {
  const before = pids.map((own) => costOf(own()))
  const from = performance.now()
  await wait(windowMs)
  const seconds = (performance.now() - from) / 1000
  return pids.map((own, index) => {
    const { cpuS, memoryBytes } = costOf(own())
    return { cores: (cpuS - before[index]!.cpuS) / seconds, megabytes: memoryBytes / 1e6 }
  })
}

const one = async (house: House, print: Print, short: boolean): Promise<void> => {
  const ours = await house.openRoom('ours')
  const theirs = { listener: await joinPackets(await house.bareAccess('listener')) }
  const host = await startHost(house, [house.writeScript('one', ours.room.id)])
  const outfile = await bundleBare(house.folder)
  const { url, token } = await house.bareAccess('bare')
  const bare = spawn(process.execPath, [outfile, url, token, join(house.folder, 'music.wav')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let said = ''
  bare.stdout!.on('data', (text) => {
    said += text
  })
  await eventually(() => said.includes('on air'), { withinMs: 20_000, what: 'the bare sender is on air' })
  await wait(SETTLE_MS)
  for (const { listener } of [ours, theirs]) listener.forgetReceived()
  const family = () => familyOf(host.pid)
  const measured = await measure(
    [family, () => family().filter((pid) => pid !== host.pid), () => familyOf(bare.pid!)],
    short ? SHORT_WINDOW_MS : WINDOW_MS,
  )
  const [whole, child, sender] = measured as [Cost, Cost, Cost]
  print('| sender of one stream | of a core | MB | packets heard |')
  print('|---|---|---|---|')
  const row = (name: string, { cores, megabytes }: Cost, { listener }: { listener: PacketParticipant }) =>
    print(`| ${name} | ${percent(cores)} | ${megabytes.toFixed(0)} | ${listener.received().at(-1)?.rtp.packets} |`)
  row('roomtone bot run, both processes', whole, ours)
  row('of these the one that plays', child, ours)
  row('wrtc with livekit-client, frames ready in memory', sender, theirs)
  print(
    `\n- CPU ${(whole.cores / sender.cores).toFixed(2)}x of the bare sender's (the playing process ${(child.cores / sender.cores).toFixed(2)}x)`,
  )
  await end(host.child)
  await end(bare)
  await theirs.listener.leave()
}

const bundleBare = async (folder: string): Promise<string> => {
  symlinkSync(fileURLToPath(new URL('../../node_modules', import.meta.url)), join(folder, 'node_modules'))
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}\n')
  const outfile = join(folder, 'host-wrtc.js')
  await build({
    entryPoints: [fileURLToPath(new URL('host-wrtc.ts', import.meta.url))],
    ...{ outfile, bundle: true, format: 'esm', platform: 'node' },
    external: ['@roamhq/wrtc', 'bufferutil', 'utf-8-validate'],
    banner: {
      js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
    },
  })
  return outfile
}
type Cost = { cores: number; megabytes: number }

const ten = async (house: House, print: Print, short: boolean): Promise<void> => {
  const scripts: string[] = []
  for (let index = 0; index < ROOMS; index++) {
    const { room } = await house.openRoom(`room ${index}`)
    scripts.push(house.writeScript(`s${index}`, room.id))
  }
  const http = `127.0.0.1:${await freePort()}`
  const host = await startHost(house, scripts, ['--http', http])
  await wait(SETTLE_MS)
  const before = await missedOf(http)
  const [cost] = (await measure([() => familyOf(host.pid)], short ? SHORT_WINDOW_MS : WINDOW_MS)) as [Cost]
  const after = await missedOf(http)
  print('| rooms in one process | of a core | MB | underruns | missed | starved frames |')
  print('|---|---|---|---|---|---|')
  const cells = (['underruns', 'missedMs', 'starvedFrames'] as const).map((key) => after[key] - before[key])
  print(
    `| ${ROOMS} | ${percent(cost.cores)} | ${cost.megabytes.toFixed(0)} | ${cells[0]} | ${cells[1]} ms | ${cells[2]} |`,
  )
  await end(host.child)
}

const missedOf = async (http: string) => {
  const answer = await fetch(`http://${http}/sessions`)
  const { sessions } = (await answer.json()) as { sessions: { figures: Record<string, number> }[] }
  const sum = (key: string) => sessions.reduce((total, { figures }) => total + figures[key]!, 0)
  return { underruns: sum('underruns'), missedMs: sum('missedMs'), starvedFrames: sum('starvedFrames') }
}

const start = async (house: House, print: Print, short: boolean): Promise<void> => {
  const taken: number[] = []
  for (let round = 0; round <= (short ? SHORT_STARTS : STARTS); round++) {
    // A room of its own: a bot that is told to stop ends the one that it hosts.
    const { room, listener } = await house.openRoom(`start ${round}`)
    const script = house.writeScript(`round-${round}`, room.id)
    // The first fills the caches.
    if (round === 0) await roomtone(['bot', 'check', script], { home: house.folder, env: house.env })
    const from = performance.now()
    const host = startRoomtone(['bot', 'run', script, '--now'], { home: house.folder, env: house.env })
    const heardMs = await firstSound(listener, from)
    if (round > 0) taken.push(heardMs)
    await end(host.child)
  }
  print('| from `bot run` to the first sound heard, caches warm | ms |')
  print('|---|---|')
  print(`| median of ${taken.length} | ${medianOf(taken).toFixed(0)} |`)
  print(`| slowest | ${Math.max(...taken).toFixed(0)} |`)
}

/** Silence has a few bytes a packet, at whatever bitrate. */
const SOUND_BYTES = 40

const firstSound = async (listener: PacketParticipant, from: number): Promise<number> => {
  let [packets, bytes] = [0, 0]
  await eventually(
    () => {
      const tracks = listener.received()
      const nowPackets = tracks.reduce((sum, track) => sum + track.rtp.packets, 0)
      const nowBytes = tracks.reduce((sum, track) => sum + track.payloadBytes, 0)
      const isSound = nowPackets > packets && (nowBytes - bytes) / (nowPackets - packets) > SOUND_BYTES
      packets = nowPackets
      bytes = nowBytes
      return isSound
    },
    { withinMs: 20_000, what: 'the first sound', everyMs: 5 },
  )
  return performance.now() - from
}
