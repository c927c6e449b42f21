import { randomBytes } from 'node:crypto'
import { DisconnectReason } from '@livekit/protocol'
import { AccessToken, RoomServiceClient } from 'livekit-server-sdk'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { createApi } from '../../../src/client/api.ts'
import { tokenCredentials } from '../../../src/client/credentials.ts'
import { startSession } from '../../../src/client/session.ts'
import type { Companion } from '../../../src/protocol/rooms.ts'
import type { ServerInfo } from '../../../src/protocol/server.ts'
import { randomId } from '../../../src/server/domain/random.ts'
import { eventually } from '../../support/eventually.ts'
import { freePort } from '../../support/free-port.ts'
import { type Front, startFront } from '../../support/livekit-front.ts'
import { type LivekitServer, noLivekit, startLivekitServer } from '../../support/livekit-server.ts'
import { call, type Phone } from '../../support/phones.ts'
import { endOf, isOut, isPutOut } from '../../support/put-out.ts'
import { joinRtcNode } from '../../support/rtc-node.ts'
import { startTestServer, type TestServer } from '../../support/server.ts'
import { enter, guest, ok, openRoom, roster } from '../server-rooms/room-kit.ts'
import { claimsOf, createPeople, hears, isSilent, staysIn } from './talks.ts'

const modes: { watch: ServerInfo['media']['watch']; autoCreate: boolean }[] = [
  { watch: 'polling', autoCreate: true },
  { watch: 'webhooks', autoCreate: false },
]
const skipped = noLivekit ? ` (${noLivekit})` : ''

describe.skipIf(noLivekit).each(modes)(
  `rooms on a livekit-server, watched by $watch, auto_create $autoCreate${skipped}`,
  ({ watch, autoCreate }) => {
    let [livekit, front, server] = [] as unknown as [LivekitServer, Front, TestServer]
    let [ada, ben] = [] as unknown as [Phone, Phone]
    const people = createPeople()
    // The name of a room at the media server is the last random thing that opening it takes.
    const minted: Buffer[] = []
    const info = async () => ok(await call<ServerInfo>(server, 'GET', '/api/server')).media
    const service = () => new RoomServiceClient(livekit.httpUrl, livekit.key, livekit.secret)
    const roomNames = async () => (await service().listRooms()).map(({ name }) => name)

    beforeAll(async () => {
      const port = await freePort()
      const webhookUrls = watch === 'webhooks' ? [`http://127.0.0.1:${port}/api/webhooks/livekit`] : undefined
      livekit = await startLivekitServer({ autoCreate, webhookUrls })
      front = await startFront(livekit)
      server = await startTestServer({
        port,
        media: { url: front.url, apiKey: livekit.key, apiSecret: livekit.secret },
        settings: { roomsPerAccount: 50, awayAfterMs: 120_000 },
        randomBytes: (count) => {
          const bytes = randomBytes(count)
          minted.push(Buffer.from(bytes))
          return bytes
        },
      })
      ada = await guest(server, 'Ada')
      ben = await guest(server, 'Ben')
    }, 120_000)
    afterAll(async () => {
      await server?.close()
      await front?.close()
      await livekit?.close()
    })
    afterEach(() => people.closeAll())

    it('a speaker is heard until muted, and again when allowed; the server says how it watches', async () => {
      const { host, seat, ear, mouth } = await people.talk(ada, ben)
      ok(await host.stage('mute', seat.joined.you.id), 204)
      await isSilent(ear, seat.joined.you.id)
      ok(await host.stage('allow', seat.joined.you.id), 204)
      await eventually(() => mouth.media.you().canPublish, { withinMs: 3_000, what: 'the right to publish is back' })
      await mouth.publishTone(440)
      await hears(ear, seat.joined.you.id)
      expect(await info()).toMatchObject({ url: front.url, isEmbedded: false, watch, problem: null })
    })

    it('one who was kicked is out at once, and out again each time with the old token', async () => {
      const { host, seat, ear, mouth } = await people.talk(ada, ben)
      ok(await host.stage('kick', seat.joined.you.id), 204)
      await isSilent(ear, seat.joined.you.id)
      await isOut(mouth, 'removed')
      for (let again = 0; again < 2; again += 1) await people.isTurnedAway(server, seat.joined.media)
      await people.isTurnedAway(server, seat.joined.media, async () => {
        // While it still comes in it says nothing of why; the server's word is awaited in any case.
        const native = await joinRtcNode(seat.joined.media.url, seat.joined.media.token).catch(() => null)
        if (!native) return
        await eventually(() => native.events.includes(`disconnected ${DisconnectReason.PARTICIPANT_REMOVED}`), {
          withinMs: 4_000,
          what: 'rtc-node with the old token is removed',
        })
        await native.close()
      })
      expect(endOf(ear)).toBeUndefined()
    })

    it('one who is kicked while still coming in is told so at once', async () => {
      const room = await openRoom(ada)
      const host = await enter(ada, room.id)
      front.refuseJoinsWith(503)
      const api = createApi({ server: server.url, credentials: tokenCredentials(ben.credentials.accessToken) })
      const session = startSession({ target: { api, roomId: room.id }, source: null, sink: null, isDevice: false })
      const id = await eventually(
        async () => (await roster(ada, room.id)).find(({ handle }) => handle === ben.account.handle)?.id,
        { withinMs: 5_000, what: 'in the roster' },
      )
      const kickedAt = performance.now()
      ok(await host.stage('kick', id!), 204)
      await expect(session.joined).rejects.toMatchObject({ code: 'kicked' })
      expect(performance.now() - kickedAt).toBeLessThan(3_000)
      front.refuseJoinsWith(null)
    })

    it('the end of a room puts all out, and an old token revives neither it nor a way in', async () => {
      const { room, host, seat, ear, mouth } = await people.talk(ada, ben)
      const name = claimsOf(host.joined.media.token).video.room
      ok(await ada.fetch('POST', `/api/rooms/${room.id}/end`), 204)
      await Promise.all([isOut(ear, 'room-ended'), isOut(mouth, 'room-ended')])
      const again = people.connect(seat.joined.media)
      // Let in for a moment, or told that there is no such room.
      if (autoCreate) await isPutOut(again, 'removed', 'room-ended')
      else await expect(again).rejects.toMatchObject({ code: 'sign-in-needed' })
      await eventually(async () => !(await roomNames()).includes(name), {
        withinMs: 3_000,
        what: 'the room is gone at the media server',
      })
    })

    it('strangers are put out of our rooms, also with a token of another room of ours; rooms of others stay', async () => {
      const { seat } = await people.talk(ada, ben)
      const other = await enter(ada, (await openRoom(ada)).id)
      const name = claimsOf(other.joined.media.token).video.room
      await service().createRoom({ name: 'their room' })
      const theirs = await people.connect({ url: front.url, token: await foreignToken(livekit, 'their room') })
      await people.isTurnedAway(server, { url: front.url, token: await foreignToken(livekit, name) })
      // The identity of one who is in another room of ours.
      await people.isTurnedAway(server, {
        url: front.url,
        token: await foreignToken(livekit, name, seat.joined.you.id),
      })
      const target = { url: front.url, token: await foreignToken(livekit, name, 'a second stranger') }
      const session = startSession({ target, source: null, sink: null, isDevice: false })
      expect(await session.done).toMatchObject({ reason: 'kicked' })
      expect(endOf(theirs)).toBeUndefined()
    })

    it('a companion is in the roster while it is connected', async () => {
      const { room, seat } = await people.talk(ada, ben)
      const companion = ok(await ben.fetch<Companion>('POST', `/api/rooms/${room.id}/companion`))
      const peer = await people.connect(companion)
      const entry = async () => (await roster(ada, room.id)).find(({ id }) => id === companion.identity)
      await expect.poll(entry, { timeout: 4_000 }).toMatchObject({ kind: 'companion', role: 'speaker' })
      await hears(peer, seat.joined.you.id)
      await peer.close()
      await expect.poll(entry, { timeout: 4_000 }).toBeUndefined()
    })

    it('a room that somebody made before under the same name, with a bound of one, lets all in', async () => {
      const room = await openRoom(ada)
      const name = randomId(() => minted.at(-1)!)
      await service().createRoom({ name, maxParticipants: 1 })
      const theirs = people.connect({ url: front.url, token: await foreignToken(livekit, name) })
      // In, or put out while coming in by a look at that moment.
      await Promise.allSettled([theirs])
      const ear = await people.connect((await enter(ada, room.id)).joined.media)
      await isPutOut(theirs, 'removed', 'room-ended')
      await people.connect((await enter(ben, room.id)).joined.media)
      await staysIn(ear, 500)
    })

    it('is asked for a list of a room once a second at most, and a few things at once', async () => {
      const guests = await Promise.all(Array.from({ length: 8 }, (_, index) => guest(server, `Guest ${index}`)))
      const room = await openRoom(ada)
      await enter(ada, room.id)
      const from = front.calls.length
      const startedAt = performance.now()
      while (performance.now() - startedAt < 3_000)
        await Promise.all(
          guests.map(async (phone) => {
            const seat = await enter(phone, room.id)
            ok(await seat.post('leave'), 204)
          }),
        )
      const seconds = (performance.now() - startedAt) / 1_000
      const live = (await roomNames()).length
      const lists = front.calls.slice(from).filter(({ method }) => method === 'ListParticipants')
      expect(lists.length).toBeLessThanOrEqual((seconds + 1) * live)
      expect(front.mostAtOnce()).toBeLessThanOrEqual(12)
    })

    it('after the livekit-server was killed, rooms come back: the server tells it, and seats and companions hear again', async () => {
      const { room, seat } = await people.talk(ada, ben)
      const companion = ok(await ben.fetch<Companion>('POST', `/api/rooms/${room.id}/companion`))
      await livekit.kill()
      await people.closeAll()
      await eventually(async () => (await info()).problem?.includes(front.url), {
        withinMs: 15_000,
        what: 'the server says what ails the media server',
      })
      expect(await refused(ada, room.id)).toMatchObject({ status: 503, code: 'media-unavailable' })
      await livekit.restart()
      await eventually(async () => (await info()).problem === null, { withinMs: 10_000, what: 'no trouble any more' })
      // With the token it had: nobody asked our server to make the room again.
      const ear = await eventually(() => people.connect(companion), { withinMs: 5_000, what: 'the room is there' })
      const { joined } = await enter(ben, room.id, { seatId: seat.seatId })
      await (await people.connect(joined.media)).publishTone(440)
      await hears(ear, joined.you.id)
      const told = server.logs.filter(({ event }) => event === 'media-trouble' || event === 'media-back')
      expect(told.map(({ event }) => event)).toEqual(['media-trouble', 'media-back'])
    })
  },
)

const foreignToken = async ({ key, secret }: LivekitServer, room: string, identity = 'a stranger'): Promise<string> => {
  const token = new AccessToken(key, secret, { identity })
  token.addGrant({ roomJoin: true, room, canSubscribe: true })
  return token.toJwt()
}

const refused = async (phone: Phone, roomId: string) => {
  const { status, body } = await phone.fetch<{ code: string }>('POST', `/api/rooms/${roomId}/join`, {
    seatId: crypto.randomUUID(),
  })
  return { status, code: body.code }
}
