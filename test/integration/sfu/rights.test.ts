import { DisconnectReason } from '@livekit/protocol'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { eventually } from '../../support/eventually.ts'
import { buildMediaServer, startTestMediaServer, type TestMediaServer } from '../../support/media-server.ts'
import { isTone } from '../../support/media-tone.ts'
import { joinRtcNode, type RtcNodePeer } from '../../support/rtc-node.ts'
import { joinWrtc } from '../../support/wrtc-client.ts'

let server: TestMediaServer
const peers: { close(): Promise<void> }[] = []
beforeAll(async () => {
  server = await startTestMediaServer({ entry: buildMediaServer() })
})
afterAll(() => server?.close())
afterEach(async () => {
  for (const peer of peers.splice(0)) await peer.close()
})

const listenTo = async (room: string, grant = {}): Promise<RtcNodePeer> => {
  const peer = await joinRtcNode(server.url, await server.token('listener', room, { canPublish: false, ...grant }))
  peers.push(peer)
  return peer
}

const speakIn = async (room: string, identity = 'speaker', hz = 440) => {
  const peer = await joinRtcNode(server.url, await server.token(identity, room))
  peers.push(peer)
  return { peer, track: await peer.publishTone(hz) }
}

const hears = (listener: { heardHz(identity: string): number | undefined }, identity = 'speaker', hz = 440) =>
  eventually(() => isTone(listener.heardHz(identity), hz), {
    withinMs: 10_000,
    what: `${identity} is heard at ${hz} Hz`,
  })

const silent = (listener: { heardHz(identity: string): number | undefined }, identity = 'speaker') =>
  eventually(() => !listener.heardHz(identity), { withinMs: 2000, what: `${identity} is silent` })

test('a listener cannot publish', async () => {
  const listener = await listenTo('rights-listener')
  await expect(listener.publishTone(440)).rejects.toThrow()
  const info = await server.rooms.getParticipant('rights-listener', 'listener')
  expect(info.tracks).toEqual([])
})

test('a right taken away ends the sound, and given back allows to publish again', async () => {
  const listener = await listenTo('rights-taken')
  const speaker = await joinWrtc(server.url, await server.token('speaker', 'rights-taken'))
  peers.push(speaker)
  await speaker.publishTone(440)
  await hears(listener)
  await server.rooms.updateParticipant('rights-taken', 'speaker', {
    permission: { canPublish: false, canSubscribe: true },
  })
  expect((await server.rooms.getParticipant('rights-taken', 'speaker')).tracks).toEqual([])
  await silent(listener)
  await eventually(() => speaker.events.some((event) => event.type === 'permission' && !event.canPublish), {
    withinMs: 2000,
    what: 'the speaker is told',
  })
  await expect(speaker.publishTone(440)).rejects.toThrow()

  await server.rooms.updateParticipant('rights-taken', 'speaker', {
    permission: { canPublish: true, canSubscribe: true },
  })
  await eventually(() => speaker.media.you().canPublish, { withinMs: 2000, what: 'the right is back' })
  await speaker.publishTone(660)
  await hears(listener, 'speaker', 660)
})

test('a server-side mute silences a track until its owner unmutes it; a moderator cannot unmute', async () => {
  const listener = await listenTo('rights-mute')
  const speaker = await joinWrtc(server.url, await server.token('speaker', 'rights-mute'))
  peers.push(speaker)
  const publication = await speaker.publishTone(440)
  await hears(listener)
  const [track] = (await server.rooms.getParticipant('rights-mute', 'speaker')).tracks
  await server.rooms.mutePublishedTrack('rights-mute', 'speaker', track!.sid, true)
  await silent(listener)
  await expect(server.rooms.mutePublishedTrack('rights-mute', 'speaker', track!.sid, false)).rejects.toThrow(/unmute/)
  await publication.setMuted(false)
  await hears(listener)
})

test('who may not subscribe hears nothing until the right is given', async () => {
  const listener = await listenTo('rights-deaf', { canSubscribe: false })
  const { peer: other } = await speakIn('rights-deaf', 'other')
  await speakIn('rights-deaf')
  await hears(other)
  expect(listener.heardHz('speaker')).toBeUndefined()
  await server.rooms.updateParticipant('rights-deaf', 'listener', { permission: { canSubscribe: true } })
  await hears(listener)
})

test('without auto-subscribe only asked-for tracks arrive', async () => {
  const listener = await joinRtcNode(server.url, await server.token('listener', 'rights-ask'), { autoSubscribe: false })
  peers.push(listener)
  const { peer: other } = await speakIn('rights-ask', 'other')
  const { track } = await speakIn('rights-ask')
  await hears(other)
  await eventually(() => listener.room.remoteParticipants.get('speaker')?.trackPublications.get(track.sid), {
    withinMs: 5000,
    what: 'the publication is known',
  })
  expect(listener.heardHz('speaker')).toBeUndefined()
  listener.room.remoteParticipants.get('speaker')!.trackPublications.get(track.sid)!.setSubscribed(true)
  await hears(listener)
  listener.room.remoteParticipants.get('speaker')!.trackPublications.get(track.sid)!.setSubscribed(false)
  await silent(listener)
  listener.room.remoteParticipants.get('speaker')!.trackPublications.get(track.sid)!.setSubscribed(true)
  await hears(listener)
})

test('a removed participant is told and heard no more; a revoked token does not open again', async () => {
  const listener = await listenTo('rights-remove')
  const { peer } = await speakIn('rights-remove')
  const token = await server.token('speaker', 'rights-remove')
  await hears(listener)
  const inTheFuture = BigInt(Math.floor(Date.now() / 1000) + 5)
  await server.rooms.removeParticipant('rights-remove', 'speaker', { revokeTokenTs: inTheFuture } as never)
  await eventually(() => peer.events.includes(`disconnected ${DisconnectReason.PARTICIPANT_REMOVED}`), {
    withinMs: 2000,
    what: 'the speaker is told to leave',
  })
  await silent(listener)
  expect(listener.events).toContain('left speaker')
  const answer = await fetch(`${server.httpUrl}/rtc/validate`, { headers: { authorization: `Bearer ${token}` } })
  expect([answer.status, await answer.text()]).toEqual([401, 'the access token was revoked'])
  await expect(joinWrtc(server.url, token)).rejects.toMatchObject({ code: 'sign-in-needed' })
})

test('a deleted room ends for everyone', async () => {
  const listener = await listenTo('rights-delete')
  await server.rooms.deleteRoom('rights-delete')
  await eventually(() => listener.events.includes(`disconnected ${DisconnectReason.ROOM_DELETED}`), {
    withinMs: 2000,
    what: 'the listener is told',
  })
  expect(await server.rooms.listRooms(['rights-delete'])).toEqual([])
})

test('a second join with one identity ends the first', async () => {
  const listener = await listenTo('rights-twice')
  const { peer: first } = await speakIn('rights-twice')
  await hears(listener)
  await speakIn('rights-twice', 'speaker', 660)
  await eventually(() => first.events.includes(`disconnected ${DisconnectReason.DUPLICATE_IDENTITY}`), {
    withinMs: 2000,
    what: 'the first is told',
  })
  await hears(listener, 'speaker', 660)
})

test('data is not relayed', async () => {
  const listener = await listenTo('rights-data')
  const { peer } = await speakIn('rights-data')
  await hears(listener)
  await peer.room.localParticipant!.publishData(new Uint8Array([1, 2, 3]), { reliable: true }).catch(() => {})
  await expect(server.rooms.sendData('rights-data', new Uint8Array([1]), 0)).rejects.toThrow()
  await eventually(async () => (await server.metrics()).dataDropped! > 0, {
    withinMs: 5000,
    what: 'the data was dropped',
  })
  expect(listener.events).not.toContain('data')
})

test('the one who speaks is the active speaker, and no longer when silent', async () => {
  const listener = await listenTo('rights-active')
  const speaker = await joinWrtc(server.url, await server.token('speaker', 'rights-active'))
  peers.push(speaker)
  const publication = await speaker.publishTone(440)
  await eventually(() => listener.events.includes('speakers speaker'), { withinMs: 5000, what: 'speaking is told' })
  await publication.setMuted(true)
  await eventually(() => listener.events.at(-1) === 'speakers ', { withinMs: 5000, what: 'silence is told' })
})
