import { randomUUID } from 'node:crypto'
import { rmSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { OccurrenceLease, OccurrenceView, RegisteredSession } from '../../../src/protocol/calendar.ts'
import type { Room } from '../../../src/protocol/rooms.ts'
import { columnsOf, fillCalendar, purgeCalendar, writeOccurrences } from '../../../src/server/calendar-store.ts'
import { openStore } from '../../../src/server/store.ts'
import type { UnhostedAlert } from '../../../src/server/unhosted.ts'
import { eventually } from '../../support/eventually.ts'
import type { Phone } from '../../support/phones.ts'
import { makeData, startTestServer, storeMissing, stores, type TestServer } from '../../support/server.ts'
import { botOf, enter, guest, ok, refusal, subscribe, useMediaServer } from './room-kit.ts'

const plane = useMediaServer()

const [second, minute, hour, day] = [1_000, 60_000, 3_600_000, 86_400_000]

describe.each(stores)('the calendar on %s', (store) => {
  describe.skipIf(storeMissing(store))(storeMissing(store) ?? 'running', () => {
    let server: TestServer
    let [ada, ben] = [] as unknown as [Phone, Phone]
    let bot: Awaited<ReturnType<typeof botOf>>
    let aheadMs = 0
    const alerts: UnhostedAlert[] = []
    const now = () => Date.now() + aheadMs
    const pass = (ms: number) => {
      aheadMs += ms
    }

    beforeAll(async () => {
      server = await startTestServer({
        store,
        media: plane(),
        now,
        settings: {
          ...{ sweepMs: 50, awayAfterMs: 600, lostAfterMs: 3_000 },
          ...{ accessTtlMs: 400 * day, unjoinedRoomMs: 2 * minute, moderatorAwaitedMs: minute },
        },
        onUnhosted: (alert) => alerts.push(alert),
      })
      ada = await guest(server, 'Ada')
      ben = await guest(server, 'Ben')
      bot = await botOf(server, ada, 'guide')
    })
    afterAll(() => server?.close())

    /** A session that starts in so long, in whole seconds of UTC. */
    const announcement = (inMs: number, more: object = {}) => ({
      title: 'Morning sit',
      schedule: {
        start: new Date(Math.ceil((now() + inMs) / second) * second).toISOString().slice(0, 19),
        zone: 'UTC',
      },
      durationMs: 30 * minute,
      closesAfterMs: 10 * minute,
      ...more,
    })
    const announce = async (body: object, name = `sit-${randomUUID()}`, by: Pick<Phone, 'fetch'> = bot) =>
      ok(await by.fetch<RegisteredSession>('PUT', `/api/calendar/${name}`, body))
    const events = async (query = '') =>
      ok(
        await ben.fetch<{ events: OccurrenceView[]; nextCursor: string | null }>(
          'GET',
          `/api/calendar?limit=100${query}`,
        ),
      )
    const occurrencesIn = async ({ id }: RegisteredSession) =>
      (await events()).events.filter(({ eventId }) => eventId === id)
    const scene = async (inMs: number, more: object = {}) => {
      const session = await announce(announcement(inMs, more))
      const { ruled } = (await occurrencesIn(session))[0]!
      const path = `/api/calendar/${session.id}/occurrences/${ruled}`
      const lease = (holder: string, rest: object = {}) =>
        bot.fetch<OccurrenceLease>('POST', `${path}/lease`, { holder, ...rest })
      const open = (fence: number) =>
        bot.fetch<Room>('POST', '/api/rooms', {
          title: 'Morning sit',
          occurrence: { eventId: session.id, ruled, fence },
        })
      return { session, ruled, path, lease, open }
    }
    const shown = async (id: string) => ok(await ben.fetch<Room>('GET', `/api/rooms/${id}`))

    it('a session is announced once for its name, changed with a growing sequence, cancelled and taken up again', async () => {
      const body = announcement(hour, {
        schedule: { start: '2031-03-01T07:00', zone: 'Europe/Berlin', rule: 'FREQ=DAILY' },
      })
      const first = await announce(body, 'sit')
      expect(first).toMatchObject({ name: 'sit', sequence: 0, isCancelled: false, host: { name: 'Ada' }, topic: null })
      // Far away, but the next one.
      expect(await occurrencesIn(first)).toMatchObject([
        { local: '2031-03-01T07:00:00', startsAt: '2031-03-01T06:00:00.000Z', zone: 'Europe/Berlin', room: null },
      ])
      expect(await announce(body, 'sit', ada)).toEqual(first)
      const changed = await announce({ ...body, topic: 'silence' }, 'sit')
      expect(changed).toMatchObject({ id: first.id, sequence: 1, topic: 'silence' })
      ok(await ada.fetch('DELETE', '/api/calendar/sit'), 204)
      expect(await occurrencesIn(first)).toEqual([])
      expect(await announce(body, 'sit')).toMatchObject({ id: first.id, sequence: 3, isCancelled: false })
      expect(await occurrencesIn(first)).toHaveLength(1)
      ok(await bot.fetch('DELETE', '/api/calendar/sit'), 204)
      expect(refusal(await ben.fetch('DELETE', '/api/calendar/sit'))).toBe('not-found')
    })

    it('occurrences are listed by time, two months ahead, page by page', async () => {
      const daily = await announce(
        announcement(hour, { schedule: { ...announcement(hour).schedule, rule: 'FREQ=DAILY' } }),
      )
      const hourly = await announce(
        announcement(2 * hour, { schedule: { ...announcement(2 * hour).schedule, rule: 'FREQ=HOURLY' } }),
      )
      const own = [daily.id, hourly.id]
      const seen: OccurrenceView[] = []
      let cursor = ''
      do {
        const page = await events(cursor && `&cursor=${cursor}`)
        seen.push(...page.events)
        cursor = page.nextCursor ?? ''
      } while (cursor)
      const mine = seen.filter(({ eventId }) => own.includes(eventId))
      expect(mine.map(({ startsAt }) => startsAt)).toEqual(mine.map(({ startsAt }) => startsAt).sort())
      expect(mine.filter(({ eventId }) => eventId === daily.id)).toHaveLength(62)
      expect(mine.filter(({ eventId }) => eventId === hourly.id)).toHaveLength(200)
      expect(new Set(mine.map(({ eventId, ruled }) => eventId + ruled)).size).toBe(262)
      for (const { name } of [daily, hourly]) ok(await ada.fetch('DELETE', `/api/calendar/${name}`), 204)
    })

    it('of two hosts one holds a session, and whoever takes over gets its one room', async () => {
      const { lease, open, path } = await scene(-minute)
      const [one, two] = [randomUUID(), randomUUID()]
      const both = await Promise.all([lease(one), lease(two)])
      expect(both.map(({ status }) => status).sort()).toEqual([200, 409])
      const [winner, loser] = both[0]!.status === 200 ? [one, two] : [two, one]
      const first = ok(await lease(winner))
      expect(first).toMatchObject({ fence: 1, roomId: null })
      const opened = await Promise.all([open(1), open(1)])
      const ids = opened.map((answer) => ok(answer, 201).id)
      expect(new Set(ids).size).toBe(1)
      expect(ok(await lease(winner)).roomId).toBe(ids[0])

      pass(16 * second)
      expect(ok(await lease(loser))).toMatchObject({ fence: 2, roomId: ids[0] })
      expect(refusal(await lease(winner))).toBe('conflict')
      expect(refusal(await open(1))).toBe('conflict')
      expect(ok(await open(2), 201).id).toBe(ids[0])
      ok(await bot.fetch('POST', `${path}/release`, { holder: loser }), 204)
      expect(ok(await lease(winner)).fence).toBe(3)

      // A human who ended it has ended it.
      ok(await ada.fetch('POST', `/api/rooms/${ids[0]}/end`), 204)
      expect(refusal(await open(3))).toBe('room-ended')
    })

    it('its room outlives a lost host and an hour of silence, and closes when the session does', async () => {
      const { lease, open } = await scene(-minute, { durationMs: 90 * minute })
      const room = ok(await open(ok(await lease(randomUUID())).fence), 201)
      expect(room.session).toMatchObject({ closesAt: expect.any(String) })
      const host = await enter(bot, room.id, { name: 'Guide' })
      expect(host.joined.you.role).toBe('moderator')
      pass(80 * minute)
      await eventually(async () => (await shown(room.id)).awaited !== null, {
        withinMs: 5_000,
        what: 'the lost host is awaited',
      })
      expect((await shown(room.id)).awaited).toEqual({ names: ['Guide'], until: room.session!.closesAt })
      const back = await enter(bot, room.id, { name: 'Guide' })
      expect(back.joined.room.awaited).toBeNull()
      ok(await back.post('leave'), 204)
      pass(10 * minute)
      expect((await shown(room.id)).endedAt).toBeNull()
      pass(11 * minute)
      await eventually(async () => (await shown(room.id)).endedAt !== null, { withinMs: 5_000, what: 'closed in time' })
    })

    it('a human moderator may come and go without ending it, and a host may make it last longer', async () => {
      const { lease, open } = await scene(-minute)
      const holder = randomUUID()
      const room = ok(await open(ok(await lease(holder)).fence), 201)
      await enter(bot, room.id, { name: 'Guide' })
      const owner = await enter(ada, room.id)
      expect(owner.joined.you.role).toBe('moderator')
      ok(await owner.post('leave'), 204)
      expect((await shown(room.id)).endedAt).toBeNull()
      const closesAt = new Date(Date.parse(room.session!.closesAt) + hour).toISOString()
      expect(ok(await lease(holder, { closesAt })).closesAt).toBe(closesAt)
      expect((await shown(room.id)).session?.closesAt).toBe(closesAt)
      const tooLate = new Date(now() + 20 * day).toISOString()
      expect(refusal(await lease(holder, { closesAt: tooLate }))).toBe('bad-request')
      ok(await ada.fetch('POST', `/api/rooms/${room.id}/end`), 204)
    })

    it('that nobody opened it is told once, to its owner alone, and once that somebody did', async () => {
      const [own, others] = await Promise.all([
        subscribe(server, bot.token),
        subscribe(server, ben.credentials.accessToken),
      ])
      const { session, ruled, lease, open } = await scene(2 * minute)
      const mine = () => alerts.filter(({ eventId }) => eventId === session.id).map(({ state }) => state)
      pass(2 * minute + 50 * second)
      ok(await lease(randomUUID()))
      expect(mine()).toEqual([])
      pass(20 * second)
      const { data } = await own.find('session-unhosted', ({ eventId }) => eventId === session.id)
      expect(data).toEqual({
        ...{ eventId: session.id, name: session.name, title: 'Morning sit', ruled },
        startsAt: expect.any(String),
      })
      pass(minute)
      const room = ok(await open(ok(await lease(randomUUID())).fence), 201)
      expect((await own.find('session-hosted')).data).toMatchObject({ eventId: session.id, roomId: room.id })
      expect(mine()).toEqual(['began', 'over'])
      expect(
        server.logs.filter(({ event, eventId }) => event === 'session-unhosted' && eventId === session.id),
      ).toHaveLength(1)
      const metrics = await (await fetch(`${server.url}/metrics`)).text()
      expect(metrics).toContain('roomtone_unhosted_sessions_total{state="over"} 1')
      expect((await occurrencesIn(session))[0]!.room).toMatchObject({ id: room.id, isLive: true })
      await others.find('room', (news) => (news.room as Room).id === room.id)
      expect(others.events.map(({ type }) => type)).not.toContain('session-unhosted')
      for (const stream of [own, others]) stream.close()
    })

    it('calendar programs read it by a secret address that can be made void', async () => {
      const body = announcement(hour, {
        title: 'Feed sit',
        schedule: { start: '2027-03-01T07:00', zone: 'Europe/Berlin', rule: 'FREQ=WEEKLY;BYDAY=MO,WE' },
      })
      const session = await announce(body)
      const { url } = ok(await ben.fetch<{ url: string }>('POST', '/api/calendar-feed'))
      expect(ok(await ben.fetch<{ url: string }>('POST', '/api/calendar-feed')).url).toBe(url)
      const read = async (address: string) => {
        const answer = await fetch(address)
        return { status: answer.status, type: answer.headers.get('content-type'), text: await answer.text() }
      }
      const feed = await read(url)
      expect(feed).toMatchObject({ status: 200, type: 'text/calendar; charset=utf-8' })
      const own = url.replace('/calendar.ics', `/calendar/${session.id}.ics`)
      const { text } = await read(own)
      for (const part of [
        `UID:${session.id}@roomtone`,
        'TZID=Europe/Berlin:20270301T070000',
        'SEQUENCE:0',
        'SUMMARY:Feed sit',
      ])
        expect([feed.text, text].filter((one) => one.includes(part))).toHaveLength(2)
      expect(text.match(/BEGIN:VEVENT/g)).toHaveLength(1)
      ok(await ada.fetch('DELETE', `/api/calendar/${session.name}`), 204)
      const cancelled = (await read(own)).text
      for (const part of ['STATUS:CANCELLED', 'SEQUENCE:1']) expect(cancelled).toContain(part)

      const renewed = ok(await ben.fetch<{ url: string }>('POST', '/api/calendar-feed/renew')).url
      expect((await read(url)).status).toBe(404)
      expect((await read(renewed)).status).toBe(200)
      expect((await read(`${server.url}/calendar.ics`)).status).toBe(401)
      expect((await read(renewed.replace('/calendar.ics', `/calendar/${randomUUID()}.ics`))).status).toBe(404)
    })

    it('refuses what is no schedule, another’s session, and what does not happen', async () => {
      const put = async (body: object, name = 'bad') => bot.fetch('PUT', `/api/calendar/${name}`, body)
      const zone = await put(announcement(hour, { schedule: { start: '2027-03-01T07:00', zone: 'Europe/Berlim' } }))
      expect(zone).toMatchObject({ status: 400, body: { field: 'schedule.zone' } })
      expect((zone.body as { detail: string }).detail).toContain('Europe/Berlin')
      expect(refusal(await put(announcement(hour, { durationMs: 0 })))).toBe('bad-request')
      expect(refusal(await put(announcement(hour), 'with%20space'))).toBe('bad-request')
      const { session, ruled, path, lease } = await scene(hour)
      const holder = randomUUID()
      expect(refusal(await ben.fetch('POST', `${path}/lease`, { holder }))).toBe('not-found')
      expect(refusal(await bot.fetch('POST', path.replace(ruled, '2020-01-01T00:00:00/lease'), { holder }))).toBe(
        'not-found',
      )
      ok(await lease(holder))
      expect(refusal(await scene(3 * day).then((far) => far.lease(holder)))).toBe('conflict')
      ok(await ada.fetch('DELETE', `/api/calendar/${session.name}`), 204)
      expect(refusal(await lease(holder))).toBe('conflict')
    })

    it('is written on as time passes, and forgets what is long over', async () => {
      const { folder, databaseUrl } = await makeData(store)
      const calendar = await openStore(databaseUrl ? { databaseUrl } : { dataDir: folder })
      try {
        const start = Date.parse('2027-03-01T07:00:00Z')
        const schedule = { start: '2027-03-01T07:00', zone: 'UTC', rule: 'FREQ=DAILY' }
        const timing = { schedule, durationMs: hour, opensBeforeMs: 0, closesAfterMs: 0 }
        const [owner, id] = [randomUUID(), randomUUID()]
        const account = {
          id: owner,
          handle: 'ada',
          name: 'Ada',
          kind: 'person' as const,
          is_operator: false,
          created_at: 0,
        }
        await calendar.db.insertInto('account').values(account).execute()
        const columns = columnsOf({ ...timing, title: 'Sit', topic: null, language: null, description: null })
        const event = { ...columns, id, owner_id: owner, name: 'sit', sequence: 0, created_at: 0, updated_at: 0 }
        await calendar.db
          .insertInto('calendar_event')
          .values({ ...event, filled_until: 0 })
          .execute()
        await calendar.transaction((trx) => writeOccurrences(trx, id, timing, start - hour))
        const days = async () => {
          const rows = await calendar.db
            .selectFrom('calendar_occurrence')
            .select('starts_at')
            .orderBy('starts_at')
            .execute()
          return rows.map((row) => (row.starts_at - start) / day)
        }
        const upTo = (count: number, first = 0) => [...Array(count).keys()].map((index) => index + first)
        expect(await days()).toEqual(upTo(62))
        await fillCalendar(calendar, start + 20 * day)
        expect(await days()).toEqual(upTo(62))
        await fillCalendar(calendar, start + 40 * day)
        expect(await days()).toEqual(upTo(124))
        await purgeCalendar(calendar.db, start + 40 * day)
        expect(await days()).toEqual(upTo(91, 33))
        await calendar.db.updateTable('calendar_event').set({ cancelled_at: start }).execute()
        await purgeCalendar(calendar.db, start + 91 * day)
        expect(await days()).toEqual([])
      } finally {
        await calendar.close()
        rmSync(folder, { recursive: true, force: true })
      }
    })
  })
})
