import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { Room } from '../../../src/protocol/rooms.ts'
import { eventually } from '../../support/eventually.ts'
import {
  API_KEY,
  API_SECRET,
  buildMediaServer,
  startTestMediaServer,
  type TestMediaServer,
} from '../../support/media-server.ts'
import { call } from '../../support/phones.ts'
import { openRawSignal } from '../../support/raw-signal.ts'
import { closeStores, startTestServer, storeMissing, stores, type TestServer } from '../../support/server.ts'
import { enter, guest, ok, openRoom, refusal, roster, type Seat, subscribe } from './room-kit.ts'

let media: TestMediaServer
beforeAll(async () => {
  media = await startTestMediaServer({ entry: buildMediaServer() })
})
afterAll(async () => {
  await media?.close()
  await closeStores()
})

const settings = {
  sweepMs: 50,
  awayAfterMs: 1_000,
  lostAfterMs: 2_000,
  moderatorAwaitedMs: 4_000,
  unjoinedRoomMs: 3_000,
}

describe.each(stores)('presence on %s', (store) => {
  describe.skipIf(storeMissing(store))(storeMissing(store) ?? 'running', () => {
    let server: TestServer
    const hearts: NodeJS.Timeout[] = []
    beforeAll(async () => {
      server = await startTestServer({
        store,
        media: { url: media.url, apiKey: API_KEY, apiSecret: API_SECRET },
        settings,
      })
    })
    afterEach(() => hearts.splice(0).forEach(clearInterval))
    afterAll(() => server?.close())

    /** Heartbeats until the test's end, or until stopped. */
    const alive = (seat: Seat) => {
      const timer = setInterval(() => void seat.beat().catch(() => {}), 150)
      hearts.push(timer)
      return () => clearInterval(timer)
    }
    const scene = async () => {
      const [ada, ben] = [await guest(server, 'Ada'), await guest(server, 'Ben')]
      const room = await openRoom(ada)
      const [host, seat] = [await enter(ada, room.id), await enter(ben, room.id)]
      return { ada, ben, room, host, seat }
    }

    it('a silent seat is away without its media, comes back with role and hand, and is lost in the end', async () => {
      const { ada, ben, room, host, seat } = await scene()
      alive(host)
      const stop = alive(seat)
      const news = await subscribe(server, ada.credentials.accessToken, `?room=${room.id}`)
      ok(await seat.post('hand'), 204)
      const signal = await openRawSignal(seat.joined.media.url, seat.joined.media.token)
      stop()
      await news.find('participant', (data) => (data.participant as { isAway: boolean }).isAway)
      expect(ok(await seat.beat())).toEqual({ status: 'away' })
      const again = await enter(ben, room.id, { seatId: seat.seatId })
      expect(again.joined.you).toMatchObject({ id: seat.joined.you.id, isAway: false, hasHandUp: true })
      await eventually(() => signal.leave(), { withinMs: 3_000, what: 'the media server has let go' })
      const resumed = await openRawSignal(again.joined.media.url, again.joined.media.token)
      await resumed.close()
      await news.find('participant-left', (data) => data.reason === 'lost')
      expect(refusal(await seat.beat())).toBe('not-in-room')
      expect((await enter(ben, room.id)).joined.you).toMatchObject({ role: 'listener', hasHandUp: false })
      news.close()
    })

    it('a lost last moderator is awaited, told by name, and is moderator again', async () => {
      const { ada, ben, room, seat } = await scene()
      alive(seat)
      const show = async () => ok(await ben.fetch<Room>('GET', `/api/rooms/${room.id}`))
      const awaited = await eventually(async () => (await show()).awaited, { withinMs: 5_000, what: 'Ada is awaited' })
      expect(awaited!.names).toEqual(['Ada'])
      await eventually(async () => (await roster(ben, room.id)).length === 1, { withinMs: 5_000, what: 'Ada is lost' })
      expect((await enter(ada, room.id)).joined).toMatchObject({ you: { role: 'moderator' }, room: { awaited: null } })
    })

    it('a room ends when its moderator does not come back, and when nobody ever came', async () => {
      const { ben, room, seat } = await scene()
      alive(seat)
      const empty = await openRoom(ben, { title: 'Nobody' })
      const hall = await subscribe(server, ben.credentials.accessToken)
      await hall.find('room-ended', (data) => data.roomId === empty.id)
      const news = await eventually(
        async () => ok(await ben.fetch<Room>('GET', `/api/rooms/${room.id}`)).endedAt !== null,
        { withinMs: 10_000, what: 'the room has ended' },
      )
      expect(news).toBe(true)
      expect(refusal(await seat.beat())).toBe('room-ended')
      hall.close()
    })

    it('a last moderator who leaves on purpose ends the room at once', async () => {
      const { ben, room, host, seat } = await scene()
      const news = await subscribe(server, ben.credentials.accessToken, `?room=${room.id}`, seat.joined.eventCursor)
      ok(await host.post('leave'), 204)
      expect((await news.find('room-ended')).data).toMatchObject({ by: 'Ada' })
    })

    it('an invitation that nobody answers expires', async () => {
      const brief = await startTestServer({
        store,
        media: { url: media.url, apiKey: API_KEY, apiSecret: API_SECRET },
        settings: { sweepMs: 50, invitationMs: 300 },
      })
      try {
        const [ada, ben] = [await guest(brief, 'Ada'), await guest(brief, 'Ben')]
        const room = await openRoom(ada)
        const [host, seat] = [await enter(ada, room.id), await enter(ben, room.id)]
        const news = await subscribe(brief, ben.credentials.accessToken, `?room=${room.id}`, seat.joined.eventCursor)
        ok(await seat.post('hand'), 204)
        ok(await host.stage('invite', seat.joined.you.id), 204)
        expect((await news.find('invitation-closed')).data.outcome).toBe('expired')
        expect(refusal(await seat.post('accept'))).toBe('conflict')
        expect((await roster(ben, room.id))[1]).toMatchObject({ role: 'listener', hasHandUp: true })
      } finally {
        await brief.close()
      }
    })

    it('forgets a room seven days after its end, and sign-ins after their time', async () => {
      const plane = { url: media.url, apiKey: API_KEY, apiSecret: API_SECRET }
      const dayMs = 86_400_000
      const past = await startTestServer({ store, media: plane, now: () => Date.now() - 40 * dayMs })
      try {
        const ada = await guest(past, 'Ada')
        const room = await openRoom(ada)
        ok(await ada.fetch('POST', `/api/rooms/${room.id}/end`), 204)
        await past.stop()
        const present = await startTestServer({ store, data: past.data, media: plane })
        try {
          const { refreshToken } = ada.credentials
          const forgotten = async () => refusal(await call(present, 'POST', '/api/sessions/refresh', { refreshToken }))
          await eventually(async () => (await forgotten()) === 'sign-in-needed', {
            withinMs: 10_000,
            what: 'the sign-in is forgotten',
          })
          const ben = await guest(present, 'Ben')
          await eventually(async () => (await ben.fetch('GET', `/api/rooms/${room.id}`)).status === 404, {
            withinMs: 10_000,
            what: 'the room is forgotten',
          })
        } finally {
          await present.stop()
        }
      } finally {
        await past.close()
      }
    })

    it('counts rooms, seats and subscribers', async () => {
      const { ben, room, host } = await scene()
      const before = server.stats()
      const other = await guest(server, 'Cid')
      const seat = await enter(other, room.id)
      const stream = await subscribe(server, ben.credentials.accessToken)
      expect(server.stats()).toEqual({ ...before, seats: before.seats + 1, subscribers: before.subscribers + 1 })
      ok(await seat.post('leave'), 204)
      stream.close()
      await expect.poll(server.stats).toEqual(before)
      ok(await host.post('leave'), 204)
      expect(server.stats().liveRooms).toBe(before.liveRooms - 1)
    })
  })
})
