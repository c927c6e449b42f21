import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually } from '../../support/eventually.ts'
import { buildMediaServer, startTestMediaServer, type TestMediaServer } from '../../support/media-server.ts'
import { isTone } from '../../support/media-tone.ts'
import { joinWrtc } from '../../support/wrtc-client.ts'

let server: TestMediaServer
beforeAll(async () => {
  server = await startTestMediaServer({ entry: buildMediaServer() })
})
afterAll(() => server?.close())

test('twenty listeners hear one speaker, and two rooms do not hear each other', async () => {
  const speaker = await joinWrtc(server.url, await server.token('speaker', 'many'))
  await speaker.publishTone(440)
  const stranger = await joinWrtc(server.url, await server.token('stranger', 'elsewhere'))
  const listeners = await Promise.all(
    Array.from({ length: 20 }, async (_, i) =>
      joinWrtc(server.url, await server.token(`l${i}`, 'many', { canPublish: false })),
    ),
  )
  for (const [i, listener] of listeners.entries())
    await eventually(() => isTone(listener.heardHz('speaker'), 440), {
      withinMs: 10_000,
      what: `listener ${i} hears the tone`,
    })
  expect(stranger.heardHz('speaker')).toBeUndefined()
  const counts = await server.metrics()
  expect(counts).toMatchObject({ rooms: 2, participants: 22, tracks: 1, malformed: 0 })
  // The speaker last: livekit-client rejects, unhandled, when an offer meets its own leaving.
  for (const peer of [stranger, ...listeners, speaker]) await peer.close()
})
