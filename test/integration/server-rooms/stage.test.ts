import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Room, Rooms } from '../../../src/protocol/rooms.ts'
import { call, type Phone } from '../../support/phones.ts'
import { closeStores, startTestServer, storeMissing, stores, type TestServer } from '../../support/server.ts'
import { botOf, enter, guest, ok, openRoom, refusal, roster, subscribe } from './room-kit.ts'

describe.each(stores)('rooms on %s', (store) => {
  describe.skipIf(storeMissing(store))(storeMissing(store) ?? 'running', () => {
    let server: TestServer
    let [ada, ben, cid] = [] as unknown as [Phone, Phone, Phone]
    const token = (phone: Phone) => phone.credentials.accessToken

    beforeAll(async () => {
      server = await startTestServer({ store, media: 'embedded', settings: { roomsPerAccount: 50 } })
      ada = await guest(server, 'Ada')
      ben = await guest(server, 'Ben')
      cid = await guest(server, 'Cid')
    })
    afterAll(async () => {
      await server?.close()
    })

    it('tells the whole story of a stage, by calls and by events', async () => {
      const room = await openRoom(ada)
      const host = await enter(ada, room.id)
      expect(host.joined.you).toMatchObject({ role: 'moderator', mutedByModerator: false })
      const news = await subscribe(server, token(ada), `?room=${room.id}`, host.joined.eventCursor)
      const guestSeat = await enter(ben, room.id)
      expect(guestSeat.joined).toMatchObject({ you: { role: 'listener' }, isMuted: true, hands: [] })
      expect(guestSeat.joined.participants.map(({ name }) => name)).toEqual(['Ada', 'Ben'])
      const benId = guestSeat.joined.you.id
      const own = await subscribe(server, token(ben), `?room=${room.id}`, guestSeat.joined.eventCursor)

      ok(await guestSeat.post('hand', { question: 'May I?' }), 204)
      expect((await news.find('hand-raised')).data).toMatchObject({ hand: { question: 'May I?', position: 1 } })
      await own.find('hand-raised')
      expect(refusal(await guestSeat.stage('admit', benId))).toBe('not-allowed')
      ok(await host.stage('invite', `@${ben.account.handle}`), 204)
      await own.find('invited-to-speak')
      ok(await guestSeat.post('accept'), 204)
      await news.find('participant', (data) => (data.participant as { role: string }).role === 'speaker')
      await news.find('hand-lowered', (data) => data.reason === 'on-stage')

      ok(await host.stage('mute', benId), 204)
      await own.find('participant', (data) => (data.participant as { mutedByModerator: boolean }).mutedByModerator)
      ok(await host.stage('allow', benId), 204)
      ok(await host.stage('demote', benId), 204)
      expect((await roster(ben, room.id)).find(({ id }) => id === benId)?.role).toBe('listener')

      ok(await host.stage('kick', benId), 204)
      expect((await own.find('participant-left')).data).toMatchObject({ reason: 'kicked', by: 'Ada' })
      await expect.poll(own.isEnded).toBe(true)
      expect(refusal(await guestSeat.beat())).toBe('kicked')
      expect(refusal(await ben.fetch('POST', `/api/rooms/${room.id}/join`, { seatId: randomUUID() }))).toBe('kicked')

      ok(await ada.fetch('POST', `/api/rooms/${room.id}/end`), 204)
      await news.find('room-ended')
      await expect.poll(news.isEnded).toBe(true)
      expect(refusal(await ada.fetch('POST', `/api/rooms/${room.id}/join`, { seatId: randomUUID() }))).toBe(
        'room-ended',
      )
      expect(ok(await ada.fetch<Room>('GET', `/api/rooms/${room.id}`)).endedAt).not.toBeNull()
    })

    it('shows questions and invitations to moderators and the one concerned alone', async () => {
      const room = await openRoom(ada)
      const host = await enter(ada, room.id)
      const asker = await enter(ben, room.id)
      const other = await enter(cid, room.id)
      const bystander = await subscribe(server, token(cid), `?room=${room.id}`, host.joined.eventCursor)
      ok(await asker.post('hand', { question: 'private' }), 204)
      const handsAtReturn = async (phone: Phone, seatId: string) =>
        (await enter(phone, room.id, { seatId })).joined.hands
      expect(await handsAtReturn(ada, host.seatId)).toMatchObject([{ question: 'private', position: 1 }])
      expect(await handsAtReturn(ben, asker.seatId)).toMatchObject([{ question: 'private', position: 1 }])
      expect(await handsAtReturn(cid, other.seatId)).toEqual([])
      ok(await host.stage('invite', asker.joined.you.id), 204)
      ok(await asker.post('accept'), 204)
      await bystander.find('hand-lowered')
      expect(JSON.stringify(bystander.events)).not.toContain('private')
      expect(bystander.events.map(({ type }) => type)).not.toContain('invited-to-speak')
      expect(refusal(await cid.fetch('GET', `/api/rooms/${room.id}/hands`))).toBe('not-allowed')
      bystander.close()
    })

    it('lists, searches by title and stage, pages, and tells the hallway', async () => {
      const hall = await subscribe(server, token(cid))
      const word = randomUUID().slice(0, 8)
      const rooms = [await openRoom(ada, { title: `${word} 100%` }), await openRoom(ben, { title: `${word} one` })]
      await enter(cid, (await openRoom(cid, { title: 'Cellos' })).id)
      const search = async (text: string, more = '') =>
        ok(await ada.fetch<Rooms>('GET', `/api/rooms?search=${encodeURIComponent(text)}${more}`))
      expect((await search(word.toUpperCase())).rooms.map(({ id }) => id)).toEqual([rooms[1]!.id, rooms[0]!.id])
      expect((await search(`${word} 100%`)).rooms).toHaveLength(1)
      expect((await search(`${word}_`)).rooms).toHaveLength(0)
      expect((await search(`@${cid.account.handle}`)).rooms.some(({ title }) => title === 'Cellos')).toBe(true)
      const first = await search(word, '&limit=1')
      const second = await search(word, `&limit=1&cursor=${first.nextCursor}`)
      expect([first, second].map((page) => page.rooms[0]!.id)).toEqual([rooms[1]!.id, rooms[0]!.id])
      expect(second.nextCursor).toBeNull()
      await hall.find('room', (data) => (data.room as Room).id === rooms[1]!.id)
      ok(await ben.fetch('POST', `/api/rooms/${rooms[1]!.id}/end`), 204)
      await hall.find('room-ended', (data) => data.roomId === rooms[1]!.id)
      expect((await search(word)).rooms).toHaveLength(1)
      hall.close()
    })

    it('edits by moderators, and refuses recording unless the room allows it', async () => {
      const room = await openRoom(ada)
      const path = `/api/rooms/${room.id}`
      const seatId = randomUUID()
      expect(refusal(await ben.fetch('POST', `${path}/join`, { seatId, recording: true }))).toBe('recording-off')
      expect(refusal(await ben.fetch('PATCH', path, { title: 'Mine' }))).toBe('not-allowed')
      expect(ok(await ada.fetch<Room>('PATCH', path, { recording: 'flagged', hands: 'off' })).recording).toBe('flagged')
      const recorder = await enter(ben, room.id, { recording: true })
      expect(recorder.joined.room.isRecorded).toBe(true)
      expect(refusal(await recorder.post('hand'))).toBe('hands-off')
      expect(refusal(await ada.fetch('PATCH', path, { recording: 'off' }))).toBe('conflict')
    })

    it('lets co-hosts in as moderators and refuses strangers as co-hosts', async () => {
      const room = await openRoom(ada, { cohosts: [`@${ben.account.handle}`] })
      expect((await enter(ben, room.id)).joined.you.role).toBe('moderator')
      expect(refusal(await ada.fetch('POST', '/api/rooms', { title: 'X', cohosts: ['@nobody_here'] }))).toBe(
        'not-found',
      )
    })

    it('replaces a seat by another of the same person, for good', async () => {
      const room = await openRoom(ada)
      const first = await enter(ada, room.id)
      const stream = await subscribe(server, token(ada), `?room=${room.id}&seat=${first.seatId}`)
      const second = await enter(ada, room.id)
      expect(second.joined.you).toMatchObject({ role: 'moderator' })
      expect((await stream.find('participant-left')).data.reason).toBe('replaced')
      await expect.poll(stream.isEnded).toBe(true)
      expect(refusal(await first.beat())).toBe('seat-replaced')
      expect(refusal(await ada.fetch('POST', `/api/rooms/${room.id}/join`, { seatId: first.seatId }))).toBe(
        'seat-replaced',
      )
      expect(await roster(ada, room.id)).toHaveLength(1)
    })

    it('resumes the same seat with its mute intent', async () => {
      const room = await openRoom(ada)
      const seat = await enter(ada, room.id)
      ok(await seat.beat(false))
      const again = await enter(ada, room.id, { seatId: seat.seatId })
      expect(again.joined).toMatchObject({ you: { id: seat.joined.you.id }, isMuted: false })
    })

    it('gives each name of a bot a participant of its own, on stage where its owner moderates', async () => {
      const helper = await botOf(server, ada, `helper ${randomUUID().slice(0, 8)}`)
      const room = await openRoom(ada)
      const names = ['Bell', 'Drone', 'Voice']
      const seats = await Promise.all(names.map((name) => enter(helper, room.id, { name })))
      expect(seats.map(({ joined }) => joined.you)).toMatchObject(
        names.map((name) => ({ name, role: 'speaker', kind: 'bot' })),
      )
      expect((await enter(helper, (await openRoom(ben)).id, { name: 'Bell' })).joined.you.role).toBe('listener')
      const stream = await subscribe(server, helper.token, `?room=${room.id}&seat=${seats[0]!.seatId}`)
      ok(await seats[0]!.post('leave'), 204)
      await expect.poll(stream.isEnded).toBe(true)
      expect(refusal(await ada.fetch('POST', `/api/rooms/${room.id}/join`, { seatId: randomUUID(), name: 'X' }))).toBe(
        'bad-request',
      )
    })

    it('removes the seats and streams of a revoked session and of a revoked token', async () => {
      const dot = await guest(server, 'Dot')
      const helper = await botOf(server, dot, 'Helper')
      const room = await openRoom(ada)
      await enter(ada, room.id)
      const seat = await enter(dot, room.id)
      await enter(helper, room.id)
      const stream = await subscribe(server, token(dot), `?room=${room.id}`, seat.joined.eventCursor)
      ok(await dot.fetch('DELETE', '/api/tokens/Helper'), 204)
      await expect.poll(async () => (await roster(ada, room.id)).map(({ name }) => name)).toEqual(['Ada', 'Dot'])
      ok(await dot.fetch('DELETE', '/api/sessions/current'), 204)
      await expect.poll(async () => (await roster(ada, room.id)).map(({ name }) => name)).toEqual(['Ada'])
      await expect.poll(stream.isEnded).toBe(true)
    })

    it('leaves no seat behind when a sign-in is revoked while it joins', async () => {
      const room = await openRoom(ada)
      await enter(ada, room.id)
      const crowd = await Promise.all(Array.from({ length: 12 }, (_, index) => guest(server, `Racer ${index}`)))
      const joins = crowd.map(async (phone, index) => {
        const leaving = index % 2 === 0 ? phone.fetch('DELETE', '/api/sessions/current') : undefined
        const answer = await phone.fetch('POST', `/api/rooms/${room.id}/join`, { seatId: randomUUID() })
        await (leaving ?? phone.fetch('DELETE', '/api/sessions'))
        return refusal(answer)
      })
      for (const outcome of await Promise.all(joins)) expect(['200', 'sign-in-needed']).toContain(outcome)
      expect((await roster(ada, room.id)).map(({ name }) => name)).toEqual(['Ada'])
    })

    it('takes one seat for one name of a bot', async () => {
      const helper = await botOf(server, ada, `twin ${randomUUID().slice(0, 8)}`)
      const room = await openRoom(ada)
      const seatId = randomUUID()
      await enter(helper, room.id, { name: 'One', seatId })
      const second = await helper.fetch('POST', `/api/rooms/${room.id}/join`, { name: 'Two', seatId })
      expect(refusal(second)).toBe('conflict')
    })

    it('loses no role change and makes no double when moderators and guests act at once', async () => {
      const room = await openRoom(ada, { cohosts: [ben.account.handle] })
      const [host, cohost] = [await enter(ada, room.id), await enter(ben, room.id)]
      const helper = await botOf(server, cid, `crowd ${randomUUID().slice(0, 8)}`)
      const crowd = await Promise.all(
        Array.from({ length: 10 }, (_, index) => enter(helper, room.id, { name: `Guest ${index}` })),
      )
      await Promise.all(crowd.map((seat) => seat.post('hand')))
      const { hands } = ok(await ada.fetch<{ hands: { position: number }[] }>('GET', `/api/rooms/${room.id}/hands`))
      expect(hands.map(({ position }) => position)).toEqual(Array.from({ length: 10 }, (_, index) => index + 1))
      const answers = await Promise.all(
        crowd.flatMap(({ joined }) => [host.stage('admit', joined.you.id), cohost.stage('admit', joined.you.id)]),
      )
      expect(answers.filter(({ status }) => status === 204)).toHaveLength(10)
      expect(answers.filter((answer) => refusal(answer) === 'conflict')).toHaveLength(10)
      expect((await roster(ada, room.id)).filter(({ role }) => role === 'speaker')).toHaveLength(10)

      const tries = await Promise.allSettled(Array.from({ length: 20 }, () => enter(cid, room.id)))
      expect(tries.filter(({ status }) => status === 'fulfilled')).toHaveLength(20)
      expect((await roster(ada, room.id)).filter(({ name }) => name === 'Cid')).toHaveLength(1)
    })

    it('bounds live rooms of an account also when opened at once', async () => {
      const small = await startTestServer({ store, settings: { roomsPerAccount: 3 } })
      try {
        const eve = await guest(small, 'Eve')
        const answers = await Promise.all(
          Array.from({ length: 8 }, () => eve.fetch('POST', '/api/rooms', { title: 'Mine' })),
        )
        expect(answers.map(refusal).sort()).toEqual([...Array(3).fill('201'), ...Array(5).fill('not-allowed')])
      } finally {
        await small.close()
      }
    })

    it('says that the media server cannot be reached', async () => {
      const mute = await startTestServer({ store, media: 'none' })
      try {
        const eve = await guest(mute, 'Eve')
        const room = await openRoom(eve)
        const answer = await eve.fetch('POST', `/api/rooms/${room.id}/join`, { seatId: randomUUID() })
        expect(answer).toMatchObject({ status: 503, body: { code: 'media-unavailable' } })
      } finally {
        await mute.close()
      }
    })

    it('shows a room at its link, without running what its title says', async () => {
      const room = await openRoom(ada, { title: '<script>alert(1)</script>' })
      const page = await fetch(room.link)
      expect(page.headers.get('content-security-policy')).toContain("default-src 'none'")
      const html = await page.text()
      expect(html).toContain('&lt;script&gt;')
      expect(html).toContain(`roomtone join ${room.link}`)
      expect(html).not.toContain('<script')
      expect((await fetch(`${server.url}/r/${randomUUID()}`)).status).toBe(404)
      expect((await fetch(`${server.url}/r/nonsense`)).status).toBe(404)
    })

    it('answers strangers, wrong fields and unknown rooms with the code that says so', async () => {
      const room = await openRoom(ada)
      const path = `/api/rooms/${room.id}`
      expect(refusal(await call(server, 'GET', path))).toBe('sign-in-needed')
      expect(refusal(await ben.fetch('GET', `/api/rooms/${randomUUID()}`))).toBe('not-found')
      expect(refusal(await ben.fetch('POST', `${path}/hand`, { seatId: randomUUID() }))).toBe('not-in-room')
      expect(refusal(await ben.fetch('GET', `${path}/participants`))).toBe('not-in-room')
      expect(await ben.fetch('POST', `${path}/join`, { seatId: 'x' })).toMatchObject({ body: { field: 'seatId' } })
      expect(refusal(await ada.fetch('POST', `${path}/participants/@ben/dance`))).toBe('bad-request')
      await expect(subscribe(server, token(ben), `?room=${room.id}`)).rejects.toThrow('not-in-room')
      await expect(subscribe(server, token(ben), '', 'abc')).rejects.toThrow('cursor')
    })
  })
})
afterAll(closeStores)
