import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openDoor } from '../../../src/check/swarm-door.ts'
import { figuresOf } from '../../../src/check/swarm-figures.ts'
import { judgeSwarm } from '../../../src/check/swarm-judge.ts'
import { planSwarm, type SwarmWish } from '../../../src/check/swarm-plan.ts'
import { runSwarm } from '../../../src/check/swarm-run.ts'
import { parseThreshold } from '../../../src/check/thresholds.ts'
import { eventually } from '../../support/eventually.ts'
import { API_KEY, API_SECRET } from '../../support/media-server.ts'
import { type Plane, planes } from '../packets/planes.ts'

const wish: SwarmWish = {
  rooms: ['hall', 'den'],
  bots: 8,
  talk: { kind: 'panel', speakers: 2 },
  rampPerS: 20,
  forMs: 3_500,
  churnPerMin: 60,
  decoding: 1,
  runId: 'test',
}

describe.each(planes)('a swarm on %s', (_name, missing, start) => {
  let plane: Plane
  beforeAll(async () => {
    if (!missing) plane = await start()
  })
  afterAll(() => plane?.close())

  test.skipIf(missing)(
    'hears itself in two rooms, by packets and decoded, with coming and going, and leaves nobody',
    async () => {
      const door = openDoor({ kind: 'livekit', url: plane.url, apiKey: API_KEY, apiSecret: API_SECRET })
      const plan = planSwarm(wish, () => 0.5)
      const { evidence, leave } = await runSwarm({
        plan,
        door,
        onProgress: () => {},
        stopped: new AbortController().signal,
      })
      await leave()
      const figures = figuresOf(evidence)
      const thresholds = [parseThreshold('loss:rate<1%'), parseThreshold('delay:med<150')]
      const verdicts = judgeSwarm(evidence, figures, { audio: true, thresholds })
      const told = JSON.stringify({ verdicts, figures: figures[0], health: evidence.health }, null, 1)
      // A machine that is too busy to tell is no fault of the server: then it is inconclusive, and never a failure.
      expect(
        verdicts.filter(({ outcome }) => outcome === 'fail' || outcome === 'refused'),
        told,
      ).toEqual([])
      expect(evidence.bots.length).toBe(plan.bots.length)
      expect(figures[0]!.metrics.join!.count).toBe(plan.bots.length)
      // In each room two hear each other, and others hear both.
      expect(evidence.pairs.length, told).toBeGreaterThanOrEqual(4)
      expect(evidence.pairs.every(({ speaker, listener }) => speaker !== listener)).toBe(true)
      const whoIsIn = (room: string) =>
        plane.rooms.listParticipants(room).catch((error: { status?: number }) => {
          if (error.status === 404) return []
          throw error
        })
      for (const room of wish.rooms)
        await eventually(async () => (await whoIsIn(room)).length === 0, { withinMs: 2000, what: `nobody in ${room}` })
    },
  )
})
