import { afterAll, beforeAll, test } from 'vitest'
import { eventually } from '../../support/eventually.ts'
import { buildMediaServer, startTestMediaServer, type TestMediaServer } from '../../support/media-server.ts'
import { isTone } from '../../support/media-tone.ts'
import { joinRtcNode } from '../../support/rtc-node.ts'

let server: TestMediaServer
beforeAll(async () => {
  server = await startTestMediaServer({ entry: buildMediaServer() })
})
afterAll(() => server?.close())

test('a tone published by one participant is heard by another', async () => {
  const speaker = await joinRtcNode(server.url, await server.token('speaker', 'tone'))
  const listener = await joinRtcNode(server.url, await server.token('listener', 'tone', { canPublish: false }))
  await speaker.publishTone(440)
  await eventually(() => isTone(listener.heardHz('speaker'), 440), {
    withinMs: 10_000,
    what: 'the listener hears 440 Hz',
  })
  await speaker.close()
  await listener.close()
})
