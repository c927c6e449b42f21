import {
  AudioStream,
  ContinualGatheringPolicy,
  IceTransportType,
  type RemoteTrack,
  Room,
  RoomEvent,
} from '@livekit/rtc-node'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { loadWebRtc } from '../../../src/client/webrtc.ts'
import { startMediaEngine } from '../../../src/sfu/media.ts'
import { coturnMissing, startCoturn } from '../../support/coturn.ts'
import { eventually } from '../../support/eventually.ts'
import { buildMediaServer, startTestMediaServer } from '../../support/media-server.ts'
import { createToneMeter, isTone } from '../../support/media-tone.ts'
import { joinWrtc } from '../../support/wrtc-client.ts'

const entry = buildMediaServer()
const skipped = coturnMissing !== undefined
const why = skipped ? ` (${coturnMissing})` : ''
const open: { close(): unknown }[] = []
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close()
})

type Connection = new (config: object, ...rest: unknown[]) => object
const globals = globalThis as unknown as { RTCPeerConnection: Connection }
let anyPath: Connection

// What a network without any other way leaves: every connection of this process may use relays alone.
beforeAll(async () => {
  await loadWebRtc()
  anyPath = globals.RTCPeerConnection
  globals.RTCPeerConnection = class extends anyPath {
    constructor(config: object, ...rest: unknown[]) {
      super({ ...config, iceTransportPolicy: 'relay' }, ...rest)
    }
  }
})
afterAll(() => {
  globals.RTCPeerConnection = anyPath
})

/** LiveKit's own client, relays alone, hearing one track. */
const hearByRelay = async (url: string, token: string) => {
  const room = new Room()
  const meter = createToneMeter()
  room.on(RoomEvent.TrackSubscribed, (track: RemoteTrack) => {
    const reader = new AudioStream(track, 48_000, 1).getReader()
    void (async () => {
      for (;;) {
        const { done, value } = await reader.read().catch(() => ({ done: true, value: undefined }))
        if (done || !value) return
        meter.add(value.data)
      }
    })()
  })
  const rtcConfig = {
    iceTransportType: IceTransportType.TRANSPORT_RELAY,
    continualGatheringPolicy: ContinualGatheringPolicy.GATHER_ONCE,
    iceServers: [],
  }
  await room.connect(url, token, { autoSubscribe: true, dynacast: false, rtcConfig })
  open.push({ close: () => room.disconnect() })
  return meter
}

test.skipIf(skipped)(`two clients that may use relays alone hear each other through coturn${why}`, async () => {
  const coturn = await startCoturn()
  open.push(coturn)
  const server = await startTestMediaServer({ entry, turn: { url: coturn.url, secret: coturn.secret } })
  open.push(server)
  const speaker = await joinWrtc(server.url, await server.token('speaker', 'relay'))
  open.push(speaker)
  await speaker.publishTone(440)
  const listener = await joinWrtc(server.url, await server.token('listener', 'relay'))
  open.push(listener)
  const meter = await hearByRelay(server.url, await server.token('native', 'relay'))
  await eventually(() => isTone(listener.heardHz('speaker'), 440), {
    withinMs: 8000,
    what: '440 Hz by relay in livekit-client',
  })
  await eventually(() => isTone(meter.hz(), 440), { withinMs: 8000, what: '440 Hz by relay in rtc-node' })
  // Each client has at least one connection of its own, and none without an allocation.
  const allocations = coturn.log().match(/ALLOCATE processed, success/g) ?? []
  expect(allocations.length).toBeGreaterThanOrEqual(3)
  expect(coturn.log()).toMatch(/user <\d{10}>/)
})

// Each takes as long as a client waits for a path: both at once.
test
  .skipIf(skipped)
  .concurrent(`credentials of another secret open nothing at the TURN server${why}`, async ({ onTestFinished }) => {
    const coturn = await startCoturn()
    onTestFinished(coturn.close)
    const server = await startTestMediaServer({ entry, turn: { url: coturn.url, secret: 'not the one it has' } })
    onTestFinished(server.close)
    await expect(joinWrtc(server.url, await server.token('speaker', 'relay'))).rejects.toMatchObject({
      code: 'media-unavailable',
    })
    expect(coturn.log()).not.toMatch(/ALLOCATE processed, success/)
  })

test.concurrent('without a TURN server who has no other path is told so within ten seconds', async ({
  onTestFinished,
}) => {
  const server = await startTestMediaServer({ entry })
  onTestFinished(server.close)
  const startedMs = performance.now()
  await expect(joinWrtc(server.url, await server.token('speaker', 'relay'))).rejects.toMatchObject({
    code: 'media-unavailable',
    message: expect.stringMatching(/no network path for sound/),
  })
  expect(performance.now() - startedMs).toBeLessThan(10_000)
})

test('behind a router the announced address alone is told, with the port that is listened on', async () => {
  const engine = await startMediaEngine({ address: '0.0.0.0', announcedAddress: '192.0.2.7', port: 0 })
  open.push(engine)
  const candidates: string[] = []
  const peer = engine.createSubscriber({
    onCandidate: ({ candidate }) => candidates.push(candidate),
    onState: () => {},
  })
  open.push(peer)
  peer.offer()
  await eventually(() => candidates.length > 0, { withinMs: 5000, what: 'a candidate' })
  expect(candidates).toEqual([`candidate:1 1 UDP 2122317823 192.0.2.7 ${engine.port} typ host`])
})
