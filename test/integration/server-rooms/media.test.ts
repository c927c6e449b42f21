import { randomUUID } from 'node:crypto'
import { AddTrackRequest, DisconnectReason, SessionDescription, TrackSource, TrackType } from '@livekit/protocol'
import { AccessToken, RoomServiceClient } from 'livekit-server-sdk'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import type { Companion } from '../../../src/protocol/rooms.ts'
import { eventually } from '../../support/eventually.ts'
import { API_KEY, API_SECRET } from '../../support/media-server.ts'
import { isTone } from '../../support/media-tone.ts'
import type { Phone } from '../../support/phones.ts'
import { endOf, isOut, isPutOut } from '../../support/put-out.ts'
import { openRawSignal } from '../../support/raw-signal.ts'
import { startTestServer, type TestServer } from '../../support/server.ts'
import { joinWrtc, type WrtcPeer } from '../../support/wrtc-client.ts'
import { enter, guest, ok, openRoom, roster, type Seat } from './room-kit.ts'

let server: TestServer
let [ada, ben] = [] as unknown as [Phone, Phone]
const peers: WrtcPeer[] = []
const rooms = () => new RoomServiceClient(server.url, API_KEY, API_SECRET)

beforeAll(async () => {
  server = await startTestServer({ media: 'embedded', settings: { roomsPerAccount: 50, awayAfterMs: 120_000 } })
  ada = await guest(server, 'Ada')
  ben = await guest(server, 'Ben')
})
afterAll(() => server?.close())
afterEach(async () => {
  for (const peer of peers.splice(0)) await peer.close()
})

const connect = async ({ url, token }: { url: string; token: string }): Promise<WrtcPeer> => {
  const peer = await joinWrtc(url, token)
  peers.push(peer)
  return peer
}
const hears = (peer: WrtcPeer, identity: string) =>
  eventually(() => isTone(peer.heardHz(identity), 440), { withinMs: 10_000, what: '440 Hz is heard' })
const isSilent = (peer: WrtcPeer, identity: string) =>
  eventually(() => !peer.heardHz(identity), { withinMs: 2_000, what: 'the sound has ended' })
const speak = async (peer: WrtcPeer) => {
  await eventually(() => peer.media.you().canPublish, { withinMs: 3_000, what: 'the right to publish has come' })
  await peer.publishTone(440)
}

/** Ada hosts and Ben is on stage, both connected. */
const talk = async (): Promise<{
  room: { id: string }
  host: Seat
  seat: Seat
  ear: WrtcPeer
  mouth: WrtcPeer
}> => {
  const room = await openRoom(ada)
  const host = await enter(ada, room.id)
  const ear = await connect(host.joined.media)
  const seat = await enter(ben, room.id)
  const mouth = await connect(seat.joined.media)
  await expect(mouth.publishTone(440)).rejects.toThrow()
  ok(await seat.post('hand'), 204)
  ok(await host.stage('admit', seat.joined.you.id), 204)
  await speak(mouth)
  await hears(ear, seat.joined.you.id)
  return { room, host, seat, ear, mouth }
}

it('a listener cannot publish, a speaker is heard until muted, and again when allowed', async () => {
  const { host, seat, ear, mouth } = await talk()
  ok(await host.stage('mute', seat.joined.you.id), 204)
  await isSilent(ear, seat.joined.you.id)
  await expect(mouth.publishTone(440)).rejects.toThrow()
  ok(await host.stage('allow', seat.joined.you.id), 204)
  await speak(mouth)
  await hears(ear, seat.joined.you.id)
  ok(await host.stage('demote', seat.joined.you.id), 204)
  await isSilent(ear, seat.joined.you.id)
})

it('one who is removed is disconnected, and the old token opens nothing more', async () => {
  const { host, seat, ear, mouth } = await talk()
  ok(await host.stage('kick', seat.joined.you.id), 204)
  await isSilent(ear, seat.joined.you.id)
  await isOut(mouth, 'removed')
  const { url, token } = seat.joined.media
  await expect(openRawSignal(url, token)).rejects.toThrow('401 the access token was revoked')
})

it('a removed speaker who publishes without ever taking the sound is put out, and the token opens nothing more', async () => {
  const { host, seat, mouth } = await talk()
  const { url, token } = await refreshed(seat)
  ok(await host.stage('kick', seat.joined.you.id), 204)
  await isOut(mouth, 'removed')
  // The media server forgets what it was told about tokens when it dies.
  process.kill(server.media!.pid, 'SIGKILL')
  const raw = await eventually(() => openRawSignal(url, token), {
    withinMs: 10_000,
    what: 'a media server',
    everyMs: 100,
  })
  await eventually(() => raw.received[0]?.case === 'join', { withinMs: 3_000, what: 'the join response' })
  raw.send({ case: 'addTrack', value: microphoneTrack })
  raw.send({ case: 'offer', value: new SessionDescription({ type: 'offer', sdp: microphoneOffer }) })
  const leave = await eventually(() => raw.leave(), { withinMs: 2_000, what: 'a leave' })
  expect(leave?.reason).toBe(DisconnectReason.PARTICIPANT_REMOVED)
  expect(server.logs.some(({ event }) => event === 'media-join-without-grant')).toBe(true)
  await expect(openRawSignal(url, token)).rejects.toThrow('401 the access token was revoked')
})

it('the end of a room disconnects all, and an old token does not revive it', async () => {
  const { room, host, seat, ear, mouth } = await talk()
  ok(await ada.fetch('POST', `/api/rooms/${room.id}/end`), 204)
  await Promise.all([isOut(ear, 'room-ended'), isOut(mouth, 'room-ended')])
  await isPutOut(connect(seat.joined.media), 'removed', 'room-ended')
  const { room: mediaName } = claimsOf(host.joined.media.token).video
  await eventually(async () => (await rooms().listRooms([mediaName])).length === 0, {
    withinMs: 3_000,
    what: 'the room is gone at the media server',
  })
})

it('leaving and replacing a seat disconnect it', async () => {
  const { room, seat, mouth, ear } = await talk()
  const other = await enter(ada, room.id)
  await isOut(ear, 'removed')
  const next = await connect(other.joined.media)
  ok(await seat.post('leave'), 204)
  await isOut(mouth, 'removed')
  expect(endOf(next)).toBeUndefined()
})

it('an identity that was never granted is evicted from our rooms, and rooms of others are left alone', async () => {
  const { host } = await talk()
  const { room: mediaName } = claimsOf(host.joined.media.token).video
  const theirs = await connect({ url: host.joined.media.url, token: await foreignToken('their room') })
  await isPutOut(connect({ url: host.joined.media.url, token: await foreignToken(mediaName) }), 'removed')
  expect(endOf(theirs)).toBeUndefined()
})

it('a companion hears, is in the roster, publishes only while its owner is on stage, and leaves it again', async () => {
  const { room, host, seat } = await talk()
  const companion = ok(await ben.fetch<Companion>('POST', `/api/rooms/${room.id}/companion`))
  expect((await roster(ada, room.id)).map(({ kind }) => kind)).not.toContain('companion')
  const peer = await connect(companion)
  const entry = async () => (await roster(ada, room.id)).find(({ id }) => id === companion.identity)
  await expect.poll(entry).toMatchObject({ kind: 'companion', name: 'Ben (companion)', role: 'speaker' })
  await hears(peer, seat.joined.you.id)
  await peer.publishTone(440)
  ok(await host.stage('demote', seat.joined.you.id), 204)
  await expect.poll(entry).toMatchObject({ role: 'listener' })
  await eventually(() => !peer.media.you().canPublish, { withinMs: 3_000, what: 'the right to publish is gone' })
  await peer.close()
  await expect.poll(entry, { timeout: 5_000 }).toBeUndefined()
})

it('what the media server is told holds no title and no account', async () => {
  const room = await openRoom(ada, { title: 'A secret talk' })
  const { joined } = await enter(ada, room.id)
  const claims = JSON.stringify(claimsOf(joined.media.token))
  for (const secret of ['secret', room.id, ada.account.id]) expect(claims).not.toContain(secret)
  expect(claimsOf(joined.media.token).video).toMatchObject({ canPublishSources: ['microphone'], canPublishData: false })
})

it('after the media server was killed, a seat joins again and is heard', async () => {
  const { room, seat, ear, mouth } = await talk()
  process.kill(server.media!.pid, 'SIGKILL')
  await Promise.all([mouth.close(), ear.close()])
  peers.length = 0
  const again = async (phone: Phone, seatId: string) => {
    const { joined } = await enter(phone, room.id, { seatId })
    return connect(joined.media)
  }
  const tone = await eventually(() => again(ben, seat.seatId), { withinMs: 10_000, what: 'a join again', everyMs: 200 })
  const listener = await again(ada, randomUUID())
  await tone.publishTone(440)
  await hears(listener, seat.joined.you.id)
})

/** The same seat again, with a token that lets a speaker publish. */
const refreshed = async (seat: Seat) => (await enter(ben, seat.joined.room.id, { seatId: seat.seatId })).joined.media

const microphoneTrack = new AddTrackRequest({
  cid: 'mic',
  type: TrackType.AUDIO,
  source: TrackSource.MICROPHONE,
})
const microphoneOffer = [
  'v=0',
  'o=- 1 2 IN IP4 127.0.0.1',
  's=-',
  't=0 0',
  'a=group:BUNDLE 0',
  'm=audio 9 UDP/TLS/RTP/SAVPF 111',
  'c=IN IP4 0.0.0.0',
  'a=mid:0',
  'a=msid:- mic',
  'a=sendonly',
  'a=rtcp-mux',
  'a=ice-ufrag:abcd',
  'a=ice-pwd:abcdefghijklmnopqrstuvwx',
  `a=fingerprint:sha-256 ${Array(32).fill('AB').join(':')}`,
  'a=setup:actpass',
  'a=rtpmap:111 opus/48000/2',
  'a=ssrc:1 cname:mic',
  '',
].join('\r\n')

const claimsOf = (token: string): { video: { room: string } } =>
  JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString())

const foreignToken = async (room: string): Promise<string> => {
  const token = new AccessToken(API_KEY, API_SECRET, { identity: `stranger ${randomUUID()}` })
  token.addGrant({ roomJoin: true, room, canSubscribe: true })
  return token.toJwt()
}
