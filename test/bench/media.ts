import type { Spread } from '../../src/client/packets-received.ts'
import { noLivekit, startLivekitServer } from '../support/livekit-server.ts'
import { API_KEY, API_SECRET, buildMediaServer, startTestMediaServer } from '../support/media-server.ts'
import { type Load, type Measured, measure, type Server } from './media-load.ts'
import type { Bench, Print } from './run.ts'

const LOADS: Load[] = [
  { name: '1x100', rooms: 1, speakers: 1, listeners: 100 },
  { name: '1x500', rooms: 1, speakers: 1, listeners: 500 },
  { name: '20x20', rooms: 1, speakers: 20, listeners: 20 },
  { name: '10x3x30', rooms: 10, speakers: 3, listeners: 30 },
  { name: 'idle250', rooms: 1, speakers: 0, listeners: 250 },
]
const TRY_OUT: Load = { name: '1x50', rooms: 1, speakers: 1, listeners: 50 }
const WINDOW_MS = 30_000
const SHORT_WINDOW_MS = 8_000

/** Ours, and the peer, with test/support's keys; the peer throws where it is missing. */
export const startOurs = async (): Promise<Server> => {
  const { url, media, close } = await startTestMediaServer({ entry: buildMediaServer() })
  return { url, pids: [media.pid], close }
}

export const startPeer = async (): Promise<Server> => {
  const { url, pid, close } = await startLivekitServer({ apiKey: API_KEY, apiSecret: API_SECRET })
  return { url, pids: [pid], close }
}

/** CPU time and memory of the media server alone, ours and livekit-server, one after the other under the same load. */
export const run: Bench = async (print, { short, only }) => {
  const loads = only ? [...LOADS, TRY_OUT].filter(({ name }) => name === only) : short ? [TRY_OUT] : LOADS
  if (loads.length === 0) throw new Error(`there is no load ${only}`)
  const windowMs = short ? SHORT_WINDOW_MS : WINDOW_MS
  if (noLivekit) print(`livekit-server is missing (${noLivekit}): ours alone.\n`)
  print(
    '| load | server | packets/s | CPU us/packet | of a core | MB | lost | doubled | delay ms p50, p99, max | cores of the load, of others |',
  )
  print('|---|---|---|---|---|---|---|---|---|---|')
  for (const load of loads) {
    try {
      await compare(print, load, windowMs)
    } catch (error) {
      print(`| ${load.name} | not measured: ${(error as Error).message} |`)
      process.exitCode = 1
    }
  }
}

const compare = async (print: Print, load: Load, windowMs: number): Promise<void> => {
  const ours = await measure(startOurs, load, windowMs)
  print(row(load, 'roomtone', ours))
  if (noLivekit) return
  const peer = await measure(startPeer, load, windowMs)
  print(row(load, 'livekit-server', peer))
  const cpu = (perPacket(ours) / perPacket(peer)).toFixed(2)
  const memory = (ours.memoryBytes / peer.memoryBytes).toFixed(2)
  print(`| ${load.name} | ratio | | ${cpu}x | | ${memory}x | | | | |`)
}

/** Where nothing is sent the time itself is compared. */
const perPacket = ({ cores, packetsPerS }: Measured): number => cores / (packetsPerS || 1)

const row = ({ name }: Load, server: string, measured: Measured): string => {
  const { cores, loadCores, otherCores, packetsPerS, memoryBytes, lost, doubled, delay } = measured
  const times = ({ medianMs, p99Ms, maxMs }: Spread) => [medianMs, p99Ms, maxMs].map((ms) => ms.toFixed(1)).join(', ')
  const cells = [
    name,
    server,
    packetsPerS.toFixed(0),
    packetsPerS > 0 ? (perPacket(measured) * 1e6).toFixed(1) : '-',
    `${(cores * 100).toFixed(1)} %`,
    (memoryBytes / 1e6).toFixed(0),
    lost,
    doubled,
    delay ? times(delay) : '-',
    [loadCores, otherCores].map((value) => value.toFixed(2)).join(', '),
  ]
  return `| ${cells.join(' | ')} |`
}
