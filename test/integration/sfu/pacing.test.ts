import { afterEach, expect, test } from 'vitest'
import { joinAtOnce, type Storm } from '../../support/join-storm.ts'
import { buildMediaServer, startTestMediaServer, type TestMediaServer } from '../../support/media-server.ts'

/** As many as all of the machine's tests leave room for; `npm run bench -- joins` has 500. */
const CROWD = 100
let server: TestMediaServer
let storm: Storm | undefined
afterEach(async () => {
  await storm?.close()
  await server.close()
})

test(`${CROWD} who join at once are all let in, and those inside hear no gap`, { timeout: 120_000 }, async () => {
  server = await startTestMediaServer({ entry: buildMediaServer() })
  storm = await joinAtOnce(server.url, CROWD, 90_000)
  const { arrivals, inside } = storm
  const { gap, delay } = inside
  console.log(
    `${CROWD} joins: median ${arrivals[CROWD >> 1]?.tookMs.toFixed(0)} ms, last ${arrivals.at(-1)?.tookMs.toFixed(0)} ms, ` +
      `${arrivals.filter(({ tries }) => tries > 1).length} tried again; inside: gap p99 ${gap.p99Ms.toFixed(0)} ms, ` +
      `longest ${gap.maxMs.toFixed(0)} ms; delay median ${delay.medianMs.toFixed(1)} ms, p99 ${delay.p99Ms.toFixed(0)} ms, ` +
      `longest ${delay.maxMs.toFixed(0)} ms`,
  )
  expect(arrivals.filter(({ error }) => error !== undefined)).toEqual([])
  for (const stamped of inside.stamped) expect(stamped).toMatchObject({ lost: 0, duplicates: 0, reordered: 0 })
  // A jitter buffer bridges this much; what a receiver conceals begins above.
  expect(gap.p99Ms).toBeLessThan(80)
  expect((await server.metrics()).participants).toBe(CROWD + 4)
})
