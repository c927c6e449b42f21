import { afterAll, beforeAll, test } from 'vitest'
import { eventually } from '../../support/eventually.ts'
import { buildMediaServer, startTestMediaServer, type TestMediaServer } from '../../support/media-server.ts'
import { isTone } from '../../support/media-tone.ts'
import { joinRtcNode } from '../../support/rtc-node.ts'
import { joinWrtc } from '../../support/wrtc-client.ts'

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
  await listener.close()
  await speaker.close()
})

test('livekit-client over wrtc hears and is heard', async () => {
  const native = await joinRtcNode(server.url, await server.token('native', 'mixed'))
  const wrtc = await joinWrtc(server.url, await server.token('wrtc', 'mixed'))
  const other = await joinWrtc(server.url, await server.token('other', 'mixed'))
  const publication = await wrtc.publishTone(440)
  await native.publishTone(600)
  await eventually(() => isTone(native.heardHz('wrtc'), 440), { withinMs: 10_000, what: 'rtc-node hears wrtc' })
  await eventually(() => isTone(wrtc.heardHz('native'), 600), { withinMs: 10_000, what: 'wrtc hears rtc-node' })
  await eventually(() => isTone(other.heardHz('wrtc'), 440), { withinMs: 10_000, what: 'wrtc hears wrtc' })

  await publication.setMuted(true)
  await eventually(() => !other.heardHz('wrtc'), { withinMs: 5000, what: 'muted is silent' })
  await publication.setMuted(false)
  await eventually(() => isTone(other.heardHz('wrtc'), 440), { withinMs: 5000, what: 'unmuted is heard again' })

  await publication.close()
  await eventually(() => other.events.some(({ type }) => type === 'track-ended'), {
    withinMs: 5000,
    what: 'the track ends',
  })
  await wrtc.publishTone(880)
  await eventually(() => isTone(other.heardHz('wrtc'), 880), { withinMs: 10_000, what: 'a republished track is heard' })
  await eventually(() => isTone(native.heardHz('wrtc'), 880), { withinMs: 10_000, what: 'by rtc-node too' })
  await Promise.all([native, wrtc, other].map((peer) => peer.close()))
})

test('a stereo track arrives in stereo', async () => {
  const speaker = await joinWrtc(server.url, await server.token('speaker', 'stereo'))
  const listener = await joinWrtc(server.url, await server.token('listener', 'stereo'))
  await speaker.publishTone(440, 2)
  await eventually(() => isTone(listener.heardHz('speaker'), 440), {
    withinMs: 5000,
    what: 'the left channel is heard',
  })
  await eventually(() => listener.channelsOf('speaker') === 2, { withinMs: 5000, what: 'two channels' })
  await listener.close()
  await speaker.close()
})
