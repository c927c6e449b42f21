import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Playing, ProgramAnswer } from '../../../src/protocol/program.ts'
import type { Participant, Room, Rooms } from '../../../src/protocol/rooms.ts'
import type { Answer, Phone } from '../../support/phones.ts'
import { startTestServer, storeMissing, stores, type TestServer } from '../../support/server.ts'
import { botOf, enter, guest, ok, openRoom, refusal, roster, subscribe, useMediaServer } from './room-kit.ts'

const plane = useMediaServer()

const playing: Playing = {
  kind: 'silence',
  title: 'Silence',
  artist: null,
  startedAt: '2026-11-22T07:32:00.000Z',
  until: '2026-11-22T07:52:00.000Z',
  isPaused: false,
}

describe.each(stores)('what a room is for, and what a bot plays there, on %s', (store) => {
  describe.skipIf(storeMissing(store))(storeMissing(store) ?? 'running', () => {
    let server: TestServer
    let [ada, ben, cid] = [] as unknown as [Phone, Phone, Phone]
    beforeAll(async () => {
      server = await startTestServer({
        store,
        media: plane(),
        settings: { roomsPerAccount: 50, programAnswerMs: 1_500, programCallsPerRoom: { burst: 10, perSecond: 0.1 } },
      })
      ada = await guest(server, 'Ada')
      ben = await guest(server, 'Ben')
      cid = await guest(server, 'Cid')
    })
    afterAll(() => server?.close())

    /** Ada's room with her bot on stage, which reads its own events. */
    const scene = async () => {
      const bot = await botOf(server, ada, `bot ${randomUUID().slice(0, 8)}`)
      const room = await openRoom(ada)
      const host = await enter(ada, room.id)
      const guide = await enter(bot, room.id, { name: 'Guide' })
      const query = `?room=${room.id}&seat=${guide.seatId}`
      const heard = await subscribe(server, bot.token, query, guide.joined.eventCursor)
      const command = (phone: Phone, sent: object, who = guide.joined.you.id) =>
        phone.fetch<ProgramAnswer>('POST', `/api/rooms/${room.id}/participants/${who}/program`, { command: sent })
      return { bot, room, host, guide, heard, command }
    }
    const shown = async (phone: Phone, id: string) => ok(await phone.fetch<Room>('GET', `/api/rooms/${id}`)).playing

    it('what a bot plays is told to room, list and hallway, cleaned, until it leaves', async () => {
      const { room, guide, bot } = await scene()
      const hall = await subscribe(server, ben.credentials.accessToken)
      const startedAt = performance.now()
      ok(await guide.post('playing', { playing: { ...playing, title: '\u001b[31mSilence\u202e' } }), 204)
      const told = await hall.find('room', (data) => (data.room as Room).playing !== null)
      expect(performance.now() - startedAt).toBeLessThan(1_000)
      expect((told.data.room as Room).playing).toMatchObject({ ...playing, by: { name: 'Guide' } })
      const { rooms } = ok(await ben.fetch<Rooms>('GET', '/api/rooms'))
      expect(rooms.find(({ id }) => id === room.id)?.playing).toMatchObject(playing)
      expect((await roster(ada, room.id)).find(({ name }) => name === 'Guide')?.playing).toEqual(playing)

      // The same seat keeps it over a cut; another one says it anew.
      await enter(bot, room.id, { name: 'Guide', seatId: guide.seatId })
      expect(await shown(ben, room.id)).not.toBeNull()
      const other = await enter(bot, room.id, { name: 'Guide' })
      expect(await shown(ben, room.id)).toBeNull()
      ok(await other.post('playing', { playing }), 204)
      ok(await other.post('leave'), 204)
      expect(await shown(ben, room.id)).toBeNull()
      hall.close()
    })

    it('what changes too often is not told to all', async () => {
      const { guide } = await scene()
      const titles = [...Array(11).keys()].map((index) => ({ playing: { ...playing, title: `${index}` } }))
      const answers = await Promise.all(titles.map((title) => guide.post('playing', title)))
      expect(answers.map(({ status }) => status).filter((status) => status !== 204)).toEqual([429])
    })

    it('only a bot plays, and only on stage for all to see', async () => {
      const { room, host, guide } = await scene()
      expect(refusal(await host.post('playing', { playing }))).toBe('not-allowed')
      ok(await guide.post('playing', { playing }), 204)
      ok(await host.stage('demote', guide.joined.you.id), 204)
      expect(await shown(ben, room.id)).toBeNull()
      expect(refusal(await guide.post('playing', { playing: { ...playing, kind: 'noise' } }))).toBe('bad-request')
    })

    it('a command goes to that bot alone, and its answer to the moderator who waits for it', async () => {
      const { room, host, guide, heard, command } = await scene()
      const others = await subscribe(server, ada.credentials.accessToken, `?room=${room.id}`, host.joined.eventCursor)
      const startedAt = performance.now()
      const asked = command(ada, { do: 'level', of: 'bed', db: -6 })
      const { data } = await heard.find('program-command')
      const heardAfterMs = performance.now() - startedAt
      expect(data).toMatchObject({ command: { do: 'level', of: 'bed', db: -6 }, by: 'Ada' })
      const answer = { ok: false, code: 'conflict', message: 'No bed sounds now.' }
      ok(await guide.post('program-answers', { commandId: data.id, answer }), 204)
      expect(ok(await asked)).toEqual(answer)
      const answeredAfterMs = performance.now() - startedAt
      console.info(`command heard after ${heardAfterMs.toFixed(1)} ms, answered after ${answeredAfterMs.toFixed(1)} ms`)
      expect(answeredAfterMs).toBeLessThan(1_000)
      ok(await guide.post('playing', { playing }), 204)
      await others.find('participant', ({ participant }) => (participant as Participant).playing !== null)
      expect(others.events.map(({ type }) => type)).not.toContain('program-command')
      expect(others.events.map(({ type }) => type)).not.toContain('program-answer')
      others.close()
    })

    it('says that no answer came, and tells the bot nothing late', async () => {
      const { room, bot, guide, heard, command } = await scene()
      expect(refusal(await command(ada, { do: 'pause' }))).toBe('unavailable')
      expect((await heard.find('program-command')).data).toMatchObject({ command: { do: 'pause' } })
      heard.close()
      const query = `?room=${room.id}&seat=${guide.seatId}`
      const again = await subscribe(server, bot.token, query, guide.joined.eventCursor)
      ok(await guide.post('playing', { playing }), 204)
      await again.find('participant', ({ participant }) => (participant as Participant).playing !== null)
      expect(again.events.map(({ type }) => type)).not.toContain('program-command')
      again.close()
    })

    it('refuses who may not command, what is no bot, and what is no command', async () => {
      const { room, host, command } = await scene()
      await enter(ben, room.id)
      expect(refusal(await command(ben, { do: 'pause' }))).toBe('not-allowed')
      expect(refusal(await command(ada, { do: 'pause' }, host.joined.you.id))).toBe('conflict')
      expect(refusal(await command(ada, { do: 'pause' }, 'nobody'))).toBe('not-found')
      expect(refusal(await command(ada, { do: 'dance' }))).toBe('bad-request')
      expect(refusal(await command(ada, { do: 'level', of: 'bed', db: 99 }))).toBe('bad-request')
    })

    it('a forged answer to a command of another bot counts for nothing', async () => {
      const { room, guide, heard, command } = await scene()
      const person = await enter(ben, room.id)
      const stranger = await enter(await botOf(server, ben, `bot ${randomUUID().slice(0, 8)}`), room.id)
      const asked = command(ada, { do: 'resume' })
      const { id: commandId } = (await heard.find('program-command')).data
      const forged = { commandId, answer: { ok: true, code: null, message: 'forged' } }
      expect(refusal(await person.post('program-answers', forged))).toBe('not-allowed')
      ok(await stranger.post('program-answers', forged), 204)
      ok(await guide.post('program-answers', { ...forged, answer: { ...forged.answer, message: 'Plays.' } }), 204)
      expect(ok(await asked).message).toBe('Plays.')
    })

    const listed = async (query: string) =>
      ok(await ben.fetch<Rooms>('GET', `/api/rooms?${query}`)).rooms.map(({ title }) => title)

    it('topic, language and sound are kept, changed, searched and filtered by', async () => {
      const room = await openRoom(ada, { title: 'Sit', topic: 'Meditation', language: 'de-at', sound: 'music' })
      expect(room).toMatchObject({ topic: 'Meditation', language: 'de-AT', sound: 'music', hands: 'everyone' })
      await openRoom(ada, { title: 'Other' })
      expect(await listed('search=medit')).toEqual(['Sit'])
      expect(await listed('topic=meditation')).toEqual(['Sit'])
      expect(await listed('topic=medit')).toEqual([])
      expect(await listed('language=DE')).toEqual(['Sit'])
      expect(await listed('language=da')).toEqual([])
      const edit = { topic: null, language: null, sound: 'voice' }
      expect(ok(await ada.fetch<Room>('PATCH', `/api/rooms/${room.id}`, edit))).toMatchObject(edit)
      expect(refusal(await ada.fetch('POST', '/api/rooms', { title: 'x', language: 'not a tag' }))).toBe('bad-request')
    })

    it('a list of hands says who may raise a hand', async () => {
      const room = await openRoom(ada, { hands: 'list', handsList: [`@${ben.account.handle.toUpperCase()}`] })
      expect(room).toMatchObject({ hands: 'list', handsList: [ben.account.handle] })
      const [first, second] = [await enter(ben, room.id), await enter(cid, room.id)]
      ok(await first.post('hand'), 204)
      const refused: Answer = await second.post('hand')
      expect(refusal(refused)).toBe('hands-off')
      ok(await ada.fetch('PATCH', `/api/rooms/${room.id}`, { handsList: [cid.account.handle] }))
      ok(await second.post('hand'), 204)
      expect(refusal(await ada.fetch('POST', '/api/rooms', { title: 'x', handsList: ['nobody_here'] }))).toBe(
        'not-found',
      )
    })
  })
})
