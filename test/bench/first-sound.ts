import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { connectMedia } from '../../src/client/media.ts'
import { joinPackets } from '../../src/client/packets.ts'
import { type Plane, planes } from '../integration/packets/planes.ts'
import { eventually } from '../support/eventually.ts'
import { roomtoneBin } from '../support/roomtone.ts'
import { joinRtcNode } from '../support/rtc-node.ts'
import type { Bench, Print } from './run.ts'
import { inTurn, medianOf, percentileOf } from './statistics.ts'

const JOINS = 30
const SHORT_JOINS = 5
const AT_ONCE = 50
const SHORT_AT_ONCE = 10
const ROOM = 'first-sound'
const GIVE_UP_MS = 15_000
/** About -40 dBFS: neither silence nor what a decoder makes of it. */
const AUDIBLE = 300

/** From the start of a process, or from a call, to the first sample that can be heard of somebody who speaks. */
export const run: Bench = async (print, { short }) => {
  const folder = mkdtempSync(join(tmpdir(), 'roomtone-first-sound-'))
  try {
    print('| server | joins | client | median ms | p95 ms | slowest ms |')
    print('|---|---|---|---|---|---|')
    const ratios: string[] = []
    for (const [name, missing, start] of planes) {
      if (missing) ratios.push(`- ${name}: not measured`)
      else ratios.push(...(await onPlane(print, { name, start, folder, short })))
    }
    print(`\n${ratios.join('\n')}`)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

type Setting = { name: string; start(): Promise<Plane>; folder: string; short: boolean }

const onPlane = async (print: Print, { name, start, folder, short }: Setting): Promise<string[]> => {
  const plane = await start()
  const speaker = await joinRtcNode(plane.url, await plane.token('speaker', ROOM))
  try {
    await speaker.publishTone(440)
    const token = (identity: string) => plane.token(identity, ROOM)
    const taken = await inTurn(short ? SHORT_JOINS : JOINS, {
      roomtone: async (round) => roomtone(plane.url, await token(`ours-${round}`), folder),
      'rtc-node': async (round) => rtcNode(plane.url, await token(`peer-${round}`)),
    })
    const tell = (client: string, joins: string, values: number[]) => {
      const figures = [medianOf(values), percentileOf(values, 0.95), Math.max(...values)].map((ms) => ms.toFixed(0))
      print(`| ${name} | ${joins} | ${client} | ${figures.join(' | ')} |`)
    }
    for (const [client, values] of Object.entries(taken)) tell(client, `${values.length} in turn`, values)
    const count = short ? SHORT_AT_ONCE : AT_ONCE
    const atOnce = async (client: string, join: (url: string, token: string) => Promise<number>) => {
      // What is loaded once is not the join's.
      await join(plane.url, await token(`first-${client}`))
      const tokens = await Promise.all(Array.from({ length: count }, (_, index) => token(`${client}-${index}`)))
      tell(client, `${count} at once`, await Promise.all(tokens.map((one) => join(plane.url, one))))
    }
    await atOnce('roomtone, all in one process', firstSampleMs)
    await atOnce('light participants (first packet)', firstPacketMs)
    const { roomtone: ours, 'rtc-node': peer } = taken
    return [
      `- ${name}: median ${(medianOf(ours) / medianOf(peer)).toFixed(2)}x of rtc-node's; p95 ${(percentileOf(ours, 0.95) / medianOf(ours)).toFixed(2)}x of its own median (rtc-node ${(percentileOf(peer, 0.95) / medianOf(peer)).toFixed(2)}x)`,
    ]
  } finally {
    await speaker.close()
    await plane.close()
  }
}

const roomtone = (url: string, token: string, home: string): Promise<number> => {
  const sound = ['--microphone', 'none', '--speaker', 'stdout']
  return firstSoundMs([roomtoneBin, 'join', '--url', url, '--token', token, ...sound], { ROOMTONE_HOME: home })
}

const rtcNode = (url: string, token: string): Promise<number> =>
  firstSoundMs([fileURLToPath(new URL('first-sound-rtc-node.js', import.meta.url)), url, token])

/** Runs a program that writes what it hears to stdout, s16le; resolves when it is gone again. */
const firstSoundMs = (args: string[], env: Record<string, string> = {}): Promise<number> => {
  const startMs = performance.now()
  const child = spawn(process.execPath, args, {
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let heardMs: number | undefined
  let said = ''
  child.stderr.on('data', (text) => (said += text))
  child.stdout.on('data', (chunk: Buffer) => {
    if (heardMs !== undefined || !isAudible(samplesOf(chunk))) return
    heardMs = performance.now() - startMs
    child.kill('SIGINT')
  })
  const late = setTimeout(() => child.kill('SIGKILL'), GIVE_UP_MS)
  return new Promise((resolve, reject) => {
    child.once('close', (code) => {
      clearTimeout(late)
      if (heardMs === undefined) reject(new Error(`nothing was heard (exit ${code}): ${said.slice(-400)}`))
      else resolve(heardMs)
    })
  })
}

const samplesOf = (chunk: Buffer): Int16Array =>
  new Int16Array(Uint8Array.from(chunk.subarray(0, chunk.length & ~1)).buffer)

const isAudible = (samples: Int16Array): boolean => samples.some((sample) => Math.abs(sample) > AUDIBLE)

/** The same within this process, by the connection that a seat makes. */
const firstSampleMs = async (url: string, token: string): Promise<number> => {
  const startMs = performance.now()
  let heardMs: number | undefined
  const media = await connectMedia({
    url,
    token,
    onEvent: () => {},
    onPcm: (_id, _trackId, samples) => {
      if (heardMs === undefined && isAudible(samples)) heardMs = performance.now() - startMs
    },
  })
  await eventually(() => heardMs !== undefined, { withinMs: GIVE_UP_MS, what: 'sound at a join among many' })
  await media.close()
  return heardMs!
}

/** Without a decoder: what is left is the server's own part, and the handshakes. */
const firstPacketMs = async (url: string, token: string): Promise<number> => {
  const startMs = performance.now()
  const participant = await joinPackets({ url, token })
  const isThere = () => participant.received().some(({ rtp }) => rtp.packets > 0)
  await eventually(isThere, { withinMs: GIVE_UP_MS, what: 'a packet at a join among many', everyMs: 5 })
  const heardMs = performance.now() - startMs
  await participant.leave()
  return heardMs
}
