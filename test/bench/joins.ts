import { joinAtOnce } from '../support/join-storm.ts'
import { startOurs, startPeer } from './media.ts'
import type { Bench } from './run.ts'
import { medianOf, percentileOf } from './statistics.ts'

const CROWD = 500
const SHORT_CROWD = 50
const WITHIN_MS = 60_000

/** How long people who join one room at once take to be in, beside livekit-server, and what those inside hear meanwhile. */
export const run: Bench = async (print, { short }) => {
  const count = short ? SHORT_CROWD : CROWD
  print(
    '| server | joins | refused for good | tried again | median ms | p95 ms | last ms | lost | gap ms p99, max | delay ms p50, p99 |',
  )
  print('|---|---|---|---|---|---|---|---|---|---|')
  for (const [name, start] of [
    ['roomtone', startOurs],
    ['livekit-server', startPeer],
  ] as const) {
    const server = await start().catch((error: Error) => error)
    if (server instanceof Error) {
      print(`| ${name} | not measured: ${server.message} |`)
      continue
    }
    try {
      const { arrivals, inside, close } = await joinAtOnce(server.url, count, WITHIN_MS)
      const tookMs = arrivals.map((arrival) => arrival.tookMs)
      const cells = [
        name,
        count,
        arrivals.filter(({ error }) => error !== undefined).length,
        arrivals.filter(({ tries }) => tries > 1).length,
        ...[medianOf(tookMs), percentileOf(tookMs, 0.95), Math.max(...tookMs)].map((ms) => ms.toFixed(0)),
        inside.stamped.reduce((sum, { lost }) => sum + lost, 0),
        `${inside.gap.p99Ms.toFixed(0)}, ${inside.gap.maxMs.toFixed(0)}`,
        `${inside.delay.medianMs.toFixed(1)}, ${inside.delay.p99Ms.toFixed(0)}`,
      ]
      print(`| ${cells.join(' | ')} |`)
      await close()
    } finally {
      await server.close()
    }
  }
}
