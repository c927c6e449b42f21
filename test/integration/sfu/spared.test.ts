import { afterEach, expect, test } from 'vitest'
import { joinPackets } from '../../../src/client/packets.ts'
import { encodeMarkers } from '../../../src/client/packets-markers.ts'
import { spreadOf } from '../../../src/client/packets-received.ts'
import { placeOf } from '../../../src/sfu/workers.ts'
import { eventually } from '../../support/eventually.ts'
import { buildMediaServer, startTestMediaWorkers } from '../../support/media-server.ts'

const entry = buildMediaServer()
const open: { close(): unknown }[] = []
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close()
})

// With light participants: a client of WebRTC that comes back holds up the very process that would measure the gap.
test.each<[what: string, signal: NodeJS.Signals]>([
  ['is killed', 'SIGKILL'],
  ['hangs', 'SIGSTOP'],
])('when a media worker %s, those on the other hear no gap until it is replaced', async (_what, signal) => {
  const server = await startTestMediaWorkers({ entry, workers: 2 })
  open.push(server)
  const names = Array.from({ length: 20 }, (_, index) => `room-${index}`)
  const [hit, spared] = [0, 1].map((place) => names.find((name) => placeOf(name, 2) === place)!) as [string, string]
  const join = async (identity: string, room: string) => {
    const one = await joinPackets({ url: server.url, token: await server.token(identity, room) })
    open.push({ close: one.leave })
    return one
  }
  await join('who is hit', hit)
  const publication = await (await join('speaker', spared)).publish(await encodeMarkers({ everyMs: 1000, id: 1 }))
  const listeners = await Promise.all([1, 2, 3, 4, 5].map((index) => join(`listener-${index}`, spared)))
  const heard = () => listeners.map((one) => one.received()[0])
  await eventually(() => heard().every((track) => (track?.stamped.packets ?? 0) > 10), {
    withinMs: 10_000,
    what: 'those who will be spared hear',
  })
  for (const one of listeners) one.forgetReceived()

  const { pid } = server.media.workers[0]!
  process.kill(pid, signal)
  await eventually(() => server.media.workers[0]!.pid !== pid, { withinMs: 18_000, what: 'another worker runs' })
  const sent = publication.sent()
  await eventually(() => publication.sent() > sent + 50, { withinMs: 5_000, what: 'a second more is sent' })
  publication.stop()
  const lastSent = publication.sent() - 1
  await eventually(() => heard().every((track) => track!.stamped.last === lastSent), {
    withinMs: 5_000,
    what: 'the last packet has come',
  })
  for (const track of heard()) expect(track!.stamped).toMatchObject({ lost: 0, duplicates: 0, reordered: 0 })
  const gap = spreadOf(heard().map((track) => track!.gapUs))!
  console.log(`${gap.count} packets: longest gap ${gap.maxMs.toFixed(0)} ms, p99 ${gap.p99Ms.toFixed(0)} ms`)
  // A jitter buffer bridges this much; what a receiver conceals begins above.
  expect(gap.p99Ms).toBeLessThan(80)
  // One gap alone is less than a hundredth.
  expect(gap.maxMs).toBeLessThan(500)
})
