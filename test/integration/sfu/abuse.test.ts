import { createSocket } from 'node:dgram'
import {
  AddTrackRequest,
  DisconnectReason,
  LeaveRequest_Action,
  MuteTrackRequest,
  Ping,
  RequestResponse_Reason,
  SessionDescription,
  SignalRequest,
  SimulateScenario,
  SubscriptionPermission,
  SyncState,
  TrackSource,
  TrackType,
  TrickleRequest,
  UpdateParticipantMetadata,
  UpdateSubscription,
  UpdateTrackSettings,
} from '@livekit/protocol'
import { AccessToken } from 'livekit-server-sdk'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually } from '../../support/eventually.ts'
import { buildMediaServer, startTestMediaServer, type TestMediaServer } from '../../support/media-server.ts'
import { isTone } from '../../support/media-tone.ts'
import { openRawSignal, type RawSignal } from '../../support/raw-signal.ts'
import { joinRtcNode, type RtcNodePeer } from '../../support/rtc-node.ts'

// Two honest participants hear each other throughout; every test ends by asking whether they still do.
let server: TestMediaServer
let speaker: RtcNodePeer
let listener: RtcNodePeer
beforeAll(async () => {
  server = await startTestMediaServer({ entry: buildMediaServer() })
  speaker = await joinRtcNode(server.url, await server.token('speaker', 'honest'))
  listener = await joinRtcNode(server.url, await server.token('listener', 'honest'))
  await speaker.publishTone(440)
})
afterAll(async () => {
  await speaker?.close()
  await listener?.close()
  await server?.close()
})

const othersStillHear = async (): Promise<void> => {
  await eventually(() => isTone(listener.heardHz('speaker'), 440), {
    withinMs: 5000,
    what: 'the honest hear each other',
  })
}

const joinRaw = async (identity: string): Promise<RawSignal> => {
  const raw = await openRawSignal(server.url, await server.token(identity, 'honest'))
  await eventually(() => raw.received[0]?.case === 'join', { withinMs: 3000, what: 'the join response' })
  return raw
}

const endsWith = async (raw: RawSignal, reason: DisconnectReason): Promise<void> => {
  const leave = await eventually(() => raw.leave(), { withinMs: 3000, what: 'a leave with a reason' })
  expect(leave?.reason).toBe(reason)
  await eventually(() => raw.closed(), { withinMs: 3000, what: 'the socket is closed' })
}

test.each([
  ['no token', async () => '', 401],
  ['a token that is no JWT', async () => 'abc.def', 401],
  ['a token of another secret', () => jwt('testkey', 'another secret that is long enough, truly', {}), 401],
  ['a token of another key', () => jwt('otherkey', 'a secret of at least thirty-two characters', {}), 401],
  ['a token without the right to join', () => server.token('x', 'honest', { roomJoin: false }), 401],
])('%s is refused with a reason', async (_what, token, status) => {
  await expect(openRawSignal(server.url, await token())).rejects.toThrow(String(status))
  const answer = await fetch(`${server.httpUrl}/rtc/validate?access_token=${await token()}`)
  expect(answer.status).toBe(status)
  expect(await answer.text()).toMatch(/access token/)
})

const jwt = async (key: string, secret: string, grant: object): Promise<string> => {
  const token = new AccessToken(key, secret, { identity: 'x' })
  token.addGrant({ roomJoin: true, room: 'honest', ...grant })
  return token.toJwt()
}

test.each<[string, (raw: RawSignal) => void]>([
  ['bytes that are no signal message', (raw) => raw.socket.send(Buffer.from([0xff, 0xff, 0xff, 0x01]))],
  ['text instead of protobuf', (raw) => raw.socket.send('{"offer":{}}')],
  [
    'an offer that is no SDP',
    (raw) => raw.send({ case: 'offer', value: new SessionDescription({ type: 'offer', sdp: 'hello' }) }),
  ],
  [
    'an offer without transport',
    (raw) => raw.send({ case: 'offer', value: new SessionDescription({ type: 'offer', sdp: BARE_OFFER }) }),
  ],
  [
    'a candidate of the wrong form',
    (raw) => raw.send({ case: 'trickle', value: new TrickleRequest({ candidateInit: '{"candidate":"candidate:x"}' }) }),
  ],
  [
    'a candidate that is no JSON',
    (raw) => raw.send({ case: 'trickle', value: new TrickleRequest({ candidateInit: '{' }) }),
  ],
  [
    'thousands of messages at once',
    (raw) => {
      for (let i = 0; i < 3000; i += 1) raw.send({ case: 'ping', value: 1n })
    },
  ],
])('%s ends that connection with a reason', async (_what, misbehave) => {
  const raw = await joinRaw('rascal')
  misbehave(raw)
  await endsWith(raw, DisconnectReason.STATE_MISMATCH)
  await othersStillHear()
})

test('a message larger than allowed closes the socket', async () => {
  const raw = await joinRaw('rascal')
  raw.socket.send(Buffer.alloc(400 * 1024))
  await eventually(() => raw.closed(), { withinMs: 3000, what: 'the socket is closed' })
  await othersStillHear()
})

test('a broken answer to the offer ends that connection', async () => {
  const raw = await joinRaw('rascal')
  await eventually(() => raw.received.some((message) => message.case === 'offer'), { withinMs: 3000, what: 'an offer' })
  raw.send({ case: 'answer', value: new SessionDescription({ type: 'answer', sdp: BARE_OFFER }) })
  await endsWith(raw, DisconnectReason.STATE_MISMATCH)
  await othersStillHear()
})

test.each([
  ['video', TrackType.VIDEO, TrackSource.CAMERA],
  ['a screen', TrackType.VIDEO, TrackSource.SCREEN_SHARE],
  ['the sound of a screen', TrackType.AUDIO, TrackSource.SCREEN_SHARE_AUDIO],
])('publishing %s is refused with a reason', async (_what, type, source) => {
  const raw = await joinRaw('rascal')
  raw.send({ case: 'addTrack', value: new AddTrackRequest({ cid: 'c', name: 'n', type, source }) })
  const answer = await eventually(() => raw.received.find((message) => message.case === 'requestResponse'), {
    withinMs: 3000,
    what: 'an answer',
  })
  expect(answer?.value).toMatchObject({
    reason: RequestResponse_Reason.UNSUPPORTED_TYPE,
    message: expect.stringMatching(/audio only/),
  })
  expect((await server.rooms.getParticipant('honest', 'rascal')).tracks).toEqual([])
  await raw.close()
})

test('more tracks than allowed are refused with a reason', async () => {
  const raw = await joinRaw('hoarder')
  for (let i = 0; i < 6; i += 1)
    raw.send({
      case: 'addTrack',
      value: new AddTrackRequest({ cid: `c${i}`, type: TrackType.AUDIO, source: TrackSource.MICROPHONE }),
    })
  const refused = await eventually(() => raw.received.find((message) => message.case === 'requestResponse'), {
    withinMs: 3000,
    what: 'a refusal',
  })
  expect(refused?.value).toMatchObject({ reason: RequestResponse_Reason.LIMIT_EXCEEDED })
  await raw.close()
})

test('who asks to resume is told to join anew, and gets the old place even while the dead socket looks open', async () => {
  const dead = await joinRaw('back')
  const { sid } = await server.rooms.getParticipant('honest', 'back')
  const token = await server.token('back', 'honest')
  const raw = await openRawSignal(server.url, token, `&reconnect=1&sid=${sid}`)
  const leave = await eventually(() => raw.leave(), { withinMs: 3000, what: 'a leave' })
  expect(leave).toMatchObject({ reason: DisconnectReason.STATE_MISMATCH, action: LeaveRequest_Action.RECONNECT })
  const again = await joinRaw('back')
  expect((await server.rooms.getParticipant('honest', 'back')).sid).toBe(sid)
  expect(dead.leave()).toBeUndefined()
  await again.close()
})

test('a socket that drops leaves its place for a while, and the same person gets it back', async () => {
  const first = await joinRaw('dropper')
  const { sid } = await server.rooms.getParticipant('honest', 'dropper')
  await first.drop()
  await eventually(async () => (await server.metrics()).detached === 1, { withinMs: 3000, what: 'the drop is noticed' })
  const second = await joinRaw('dropper')
  expect((await server.rooms.getParticipant('honest', 'dropper')).sid).toBe(sid)
  expect(listener.events).not.toContain('left dropper')
  await second.close()
  await eventually(() => listener.events.includes('left dropper') || !listener.room.remoteParticipants.has('dropper'), {
    withinMs: 3000,
    what: 'a real leave is seen',
  })
})

test('garbage on the UDP port changes nothing', async () => {
  const before = await server.metrics()
  const socket = createSocket('udp4')
  const send = (data: Buffer): Promise<unknown> =>
    new Promise((resolve) => socket.send(data, server.media.port, '127.0.0.1', resolve))
  for (let i = 0; i < 500; i += 1)
    await send(Buffer.from(Array.from({ length: 1 + ((i * 7) % 200) }, (_, j) => (i * 31 + j * 17) & 0xff)))
  await send(stunRequest('nobody:home'))
  await eventually(async () => (await server.metrics()).strayRequests! > before.strayRequests!, {
    withinMs: 3000,
    what: 'the stray request is counted',
  })
  socket.close()
  await othersStillHear()
})

test('signal messages of every kind with bytes gone wrong never end the process', async () => {
  const deaths: unknown[] = []
  server.media.onExit((info) => deaths.push(info))
  for (let i = 0; i < 48; i += 1) {
    const raw = await joinRaw(`fuzz${i}`)
    const message = new SignalRequest({ message: MESSAGES[i % MESSAGES.length]! }).toBinary()
    const count = 1 + (i % 8)
    for (let j = 0; j < count; j += 1) message[(i * 13 + j * 29) % message.length] = (i * 7 + j * 11) & 0xff
    raw.socket.send(message)
    await raw.close()
  }
  // The process takes one message after the other: who gets an answer now comes after all of them.
  await (await joinRaw('after')).close()
  expect(deaths).toEqual([])
  await othersStillHear()
}, 60_000)

/** A STUN binding request (RFC 8489) for a user name that no connection has. */
const stunRequest = (userName: string): Buffer => {
  const attribute = Buffer.alloc(4 + Math.ceil(userName.length / 4) * 4)
  attribute.writeUInt16BE(0x0006, 0)
  attribute.writeUInt16BE(userName.length, 2)
  attribute.write(userName, 4)
  const header = Buffer.alloc(20, 7)
  header.writeUInt16BE(0x0001, 0)
  header.writeUInt16BE(attribute.length + 24, 2)
  header.writeUInt32BE(0x2112a442, 4)
  const integrity = Buffer.alloc(24, 1)
  integrity.writeUInt16BE(0x0008, 0)
  integrity.writeUInt16BE(20, 2)
  return Buffer.concat([header, attribute, integrity])
}

const BARE_OFFER =
  'v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\na=rtpmap:111 opus/48000/2\r\na=sendonly\r\n'

const MESSAGES: SignalRequest['message'][] = [
  { case: 'offer', value: new SessionDescription({ type: 'offer', sdp: BARE_OFFER }) },
  { case: 'answer', value: new SessionDescription({ type: 'answer', sdp: BARE_OFFER }) },
  { case: 'trickle', value: new TrickleRequest({ candidateInit: '{"candidate":"","sdpMid":"0"}' }) },
  { case: 'addTrack', value: new AddTrackRequest({ cid: 'c', type: TrackType.AUDIO }) },
  { case: 'mute', value: new MuteTrackRequest({ sid: 'TR_x', muted: true }) },
  { case: 'subscription', value: new UpdateSubscription({ trackSids: ['TR_x'], subscribe: true }) },
  { case: 'trackSetting', value: new UpdateTrackSettings({ trackSids: ['TR_x'], disabled: true }) },
  { case: 'subscriptionPermission', value: new SubscriptionPermission({ allParticipants: true }) },
  { case: 'updateMetadata', value: new UpdateParticipantMetadata({ name: 'n', attributes: { a: 'b' } }) },
  { case: 'syncState', value: new SyncState({ offer: new SessionDescription({ type: 'offer', sdp: BARE_OFFER }) }) },
  { case: 'simulate', value: new SimulateScenario({ scenario: { case: 'nodeFailure', value: true } }) },
  { case: 'pingReq', value: new Ping({ timestamp: 1n, rtt: 2n }) },
]
