import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { setPriority, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildSync } from 'esbuild'
import { afterEach, expect, test } from 'vitest'
import { joinPackets } from '../../../src/client/packets.ts'
import { encodeMarkers } from '../../../src/client/packets-markers.ts'
import { spreadOf } from '../../../src/client/packets-received.ts'
import type { Arrival } from '../../support/crowd.ts'
import { eventually } from '../../support/eventually.ts'
import { API_KEY, API_SECRET, buildMediaServer, startTestMediaServer } from '../../support/media-server.ts'

const entry = buildMediaServer()
/** As many as all of the machine's tests leave room for; 500 were measured by hand (docs/performance.md). */
const CROWD = Number(process.env.ROOMTONE_TEST_CROWD ?? 100)
const open: { close(): unknown }[] = []
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close()
})

const root = fileURLToPath(new URL('../../..', import.meta.url))

const buildCrowd = (): string => {
  const folder = mkdtempSync(join(tmpdir(), 'rt-crowd-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  const outfile = join(folder, 'crowd.mjs')
  buildSync({
    entryPoints: [join(root, 'test/support/crowd.ts')],
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    packages: 'external',
  })
  return outfile
}

/** In a process of its own that yields to all others: its people are on other machines, in truth. */
const startCrowd = (url: string, room: string, count: number) => {
  const child = spawn(process.execPath, [buildCrowd(), url, room, String(count), API_KEY, API_SECRET], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  setPriority(child.pid!, 10)
  let text = ''
  child.stdout.on('data', (chunk) => {
    text += chunk
  })
  const ended = new Promise((resolve) => child.once('close', resolve))
  return {
    isIn: () => text.endsWith('done\n'),
    arrivals: () =>
      text
        .split('\n')
        .filter((line) => line.startsWith('{'))
        .map((line) => JSON.parse(line) as Arrival),
    close: async () => {
      child.kill('SIGKILL')
      await ended
    },
  }
}

test(`${CROWD} who join at once are all let in, and those inside hear no gap`, { timeout: 120_000 }, async () => {
  const server = await startTestMediaServer({ entry })
  open.push(server)
  const join = async (identity: string, canPublish: boolean) =>
    joinPackets({ url: server.url, token: await server.token(identity, 'hall', { canPublish }) })
  const speaker = await join('speaker', true)
  open.push({ close: speaker.leave })
  const publication = await speaker.publish(await encodeMarkers({ everyMs: 1000, id: 1 }))
  const inside = [await join('inside-1', false), await join('inside-2', false), await join('inside-3', false)]
  for (const one of inside) open.push({ close: one.leave })
  const received = () => inside.map((one) => one.received()[0])
  await eventually(() => received().every((track) => (track?.stamped.packets ?? 0) > 50), {
    withinMs: 10_000,
    what: 'those inside hear',
  })
  for (const one of inside) one.forgetReceived()

  const crowd = startCrowd(server.url, 'hall', CROWD)
  open.push(crowd)
  await eventually(crowd.isIn, { withinMs: 90_000, what: 'all have arrived' })
  const arrivals = crowd.arrivals()
  publication.stop()
  const lastSent = publication.sent() - 1
  await eventually(() => received().every((track) => track!.stamped.last === lastSent), {
    withinMs: 5000,
    what: 'the last packet has come',
  })

  const tookMs = arrivals.map((arrival) => arrival.tookMs).sort((a, b) => a - b)
  const gap = spreadOf(received().map((track) => track!.gapUs))!
  const delay = spreadOf(received().map((track) => track!.delayUs))!
  console.log(
    `${CROWD} joins: median ${tookMs[CROWD >> 1]?.toFixed(0)} ms, last ${tookMs.at(-1)?.toFixed(0)} ms, ` +
      `${arrivals.filter(({ tries }) => tries > 1).length} tried again; inside: gap p99 ${gap.p99Ms.toFixed(0)} ms, ` +
      `longest ${gap.maxMs.toFixed(0)} ms; delay median ${delay.medianMs.toFixed(1)} ms, p99 ${delay.p99Ms.toFixed(0)} ms, ` +
      `longest ${delay.maxMs.toFixed(0)} ms`,
  )
  expect(arrivals.filter(({ error }) => error !== undefined)).toEqual([])
  for (const track of received()) expect(track!.stamped).toMatchObject({ lost: 0, duplicates: 0, reordered: 0 })
  // A jitter buffer bridges this much; what a receiver conceals begins above.
  expect(gap.p99Ms).toBeLessThan(80)
  expect((await server.metrics()).participants).toBe(CROWD + 4)
})
