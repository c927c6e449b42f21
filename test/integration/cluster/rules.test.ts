import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually } from '../../support/eventually.ts'
import { call, type Phone, signIn } from '../../support/phones.ts'
import { noPostgres } from '../../support/postgres.ts'
import { isOut } from '../../support/put-out.ts'
import { joinWrtc } from '../../support/wrtc-client.ts'
import { botOf, enter, guest, ok, openRoom, refusal, roster, subscribe } from '../server-rooms/room-kit.ts'
import { closePostgres, type House, openHouse, type Serve } from './servers.ts'

let house: House
let first: Serve
let second: Serve
beforeAll(async () => {
  if (noPostgres) return
  house = await openHouse()
  first = await house.serve()
  second = await house.serve()
}, 90_000)
afterAll(async () => {
  await house?.close()
  await closePostgres()
})

/** The same account, called at another server. */
const at = ({ url }: Serve, phone: Phone): Phone => ({
  ...phone,
  fetch: (method, path, body) => call({ url }, method, path, body, phone.credentials.accessToken),
})

const distinct = <T>(values: T[]) => new Set(values).size

describe.skipIf(noPostgres)(`two servers on one database${noPostgres ? `: ${noPostgres}` : ''}`, () => {
  it('tell each other’s subscribers at once, each change once and in order', async () => {
    const ada = await guest(first.door, 'Ada')
    const ben = await guest(second.door, 'Ben')
    const room = await openRoom(ada)
    const host = await enter(ada, room.id)
    const seat = await enter(ben, room.id)
    const query = `?room=${room.id}`
    const streams = await Promise.all(
      [first, second].map((server) => subscribe(server, ada.credentials.accessToken, query, host.joined.eventCursor)),
    )
    const startedAt = performance.now()
    for (let index = 0; index < 12; index++) {
      await seat.post('hand', { question: `${index}?` })
      // Ben's server wrote it; Ada's has to hear of it.
      await streams[0]!.find('hand-raised', ({ hand }) => (hand as { question: string }).question === `${index}?`)
    }
    // By looking every two seconds alone this would take twelve seconds and more.
    expect(performance.now() - startedAt).toBeLessThan(9_000)
    await eventually(() => streams[1]!.events.length === streams[0]!.events.length, {
      withinMs: 5_000,
      what: 'both have all',
    })
    expect(streams[1]!.events).toEqual(streams[0]!.events)
    expect(distinct(streams[0]!.events.map(({ id }) => id))).toBe(streams[0]!.events.length)
    for (const stream of streams) stream.close()
  })

  it('take a command to a bot at one and its answer at the other', async () => {
    const ada = await guest(first.door, 'Ada')
    const bot = await botOf(second.door, at(second, ada), 'guide')
    const room = await openRoom(ada)
    await enter(ada, room.id)
    const guide = await enter(bot, room.id, { name: 'Guide' })
    const query = `?room=${room.id}&seat=${guide.seatId}`
    const heard = await subscribe(second, bot.token, query, guide.joined.eventCursor)
    const who = guide.joined.you.id
    const startedAt = performance.now()
    const asked = ada.fetch('POST', `/api/rooms/${room.id}/participants/${who}/program`, { command: { do: 'pause' } })
    const { data } = await heard.find('program-command')
    const answer = { ok: true, code: null, message: 'Paused.' }
    ok(await guide.post('program-answers', { commandId: data.id, answer }), 204)
    expect(ok(await asked)).toEqual(answer)
    // By looking every two seconds alone it would take longer.
    expect(performance.now() - startedAt).toBeLessThan(1_900)
    heard.close()
  })

  it('lose no change and make no double when people act at both at once', async () => {
    const ada = await guest(first.door, 'Ada')
    const room = await openRoom(ada)
    await enter(ada, room.id)
    const guests = await Promise.all(
      Array.from({ length: 12 }, (_, index) => guest((index % 2 ? first : second).door, `Guest ${index}`)),
    )
    const seats = await Promise.all(guests.map((one) => enter(one, room.id)))
    await Promise.all(seats.map((seat) => seat.post('hand')))
    const hands = ok(
      await at(second, ada).fetch<{ hands: { position: number }[] }>('GET', `/api/rooms/${room.id}/hands`),
    )
    expect(hands.hands.map(({ position }) => position)).toEqual(seats.map((_, index) => index + 1))
    const admitted = await Promise.all(
      seats.map(({ joined }, index) =>
        at(index % 2 ? second : first, ada).fetch('POST', `/api/rooms/${room.id}/participants/${joined.you.id}/admit`),
      ),
    )
    expect(admitted.map(({ status }) => status)).toEqual(seats.map(() => 204))
    expect((await roster(ada, room.id)).filter(({ role }) => role === 'speaker')).toHaveLength(12)
    // One seat that joins at both at once is one participant.
    const [one, other] = await Promise.all([
      enter(at(first, guests[0]!), room.id, { seatId: seats[0]!.seatId }),
      enter(at(second, guests[0]!), room.id, { seatId: seats[0]!.seatId }),
    ])
    expect(one.joined.you.id).toBe(other.joined.you.id)
    expect(await roster(at(second, ada), room.id)).toHaveLength(13)
  })

  it('bound the rooms of an account and the codes for a number together', async () => {
    const ada = await guest(first.door, 'Ada')
    const opened = await Promise.all(
      [first, second, first, second, first, second].map((server) =>
        at(server, ada).fetch('POST', '/api/rooms', { title: 'One of many' }),
      ),
    )
    expect(opened.filter(({ status }) => status === 201)).toHaveLength(3)
    const codes = await Promise.all(
      [first, second, first, second].map((server) => call(server, 'POST', '/api/logins', { phone: '+12025550188' })),
    )
    expect(codes.map(refusal).sort()).toEqual(['202', 'rate-limited', 'rate-limited', 'rate-limited'])
  })

  it('sign out everywhere: the streams at the other server end, the seat there is out', async () => {
    const ben = await guest(second.door, 'Ben')
    const room = await openRoom(ben)
    await enter(ben, room.id)
    const ada = await guest(second.door, 'Ada')
    const { joined } = await enter(ada, room.id)
    const peer = await joinWrtc(joined.media.url, joined.media.token)
    const streams = await Promise.all(
      ['', `?room=${room.id}`].map((query) => subscribe(second, ada.credentials.accessToken, query)),
    )
    const isIn = async () => (await roster(ben, room.id)).some(({ id }) => id === joined.you.id)
    expect(await isIn()).toBe(true)
    ok(await at(first, ada).fetch('DELETE', '/api/sessions'), 204)
    expect(await isIn()).toBe(false)
    await isOut(peer, 'removed')
    await peer.close()
    await eventually(() => streams.every((stream) => stream.isEnded()), {
      withinMs: 5_000,
      what: 'the streams at the other server end',
    })
    expect(refusal(await ada.fetch('GET', '/api/me'))).toBe('sign-in-needed')
  })

  it('miss nothing when the database ends the connections on which they listen, again and again', async () => {
    const ada = await guest(first.door, 'Ada')
    const room = await openRoom(ada)
    const host = await enter(ada, room.id)
    const token = ada.credentials.accessToken
    const streams = await Promise.all(
      [first, second].map((server) => subscribe(server, token, `?room=${room.id}`, host.joined.eventCursor)),
    )
    let isDone = false
    let cuts = 0
    const cutting = (async () => {
      while (!isDone) {
        const killed = await house.query(
          // They listen, and are asked every ten seconds whether they still answer.
          "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and query in ('listen roomtone', 'select 1')",
        )
        cuts += killed.length
        await new Promise((resolve) => setTimeout(resolve, 150))
      }
    })()
    const guests = await Promise.all(
      Array.from({ length: 10 }, (_, index) => guest((index % 2 ? first : second).door, `Guest ${index}`)),
    )
    const seats = await Promise.all(guests.map((one) => enter(one, room.id)))
    for (let turn = 0; turn < 8; turn++) for (const seat of seats) await seat.post('hand', { question: `${turn}?` })
    isDone = true
    await cutting
    expect(cuts).toBeGreaterThanOrEqual(2)
    const all = await house.query<{ seq: string }>('select seq from event where topic = $1 and seq > $2 order by seq', [
      `room:${room.id}`,
      Number(host.joined.eventCursor),
    ])
    for (const stream of streams) {
      await eventually(() => stream.events.length >= all.length, { withinMs: 5_000, what: 'all events came' })
      expect(stream.events.map(({ id }) => id)).toEqual(all.map(({ seq }) => Number(seq)))
      stream.close()
    }
  })

  it('refuse a third with other keys for the media plane, in one sentence', async () => {
    const third = await house.serve({ LIVEKIT_API_SECRET: 'another secret of thirty-two characters' }).then(
      () => 'listens',
      (error: Error) => error.message,
    )
    expect(third).toMatch(/serve ended with \d: .*has another media plane or other keys/)
    expect(third).not.toMatch(/\n\s+at /)
  })

  it('do timed work once: one tells that a guest is away, and the other takes over when it is stopped', async () => {
    const ada = await guest(first.door, 'Ada')
    await signIn(second.door, '+14155559990')
    const room = await openRoom(ada)
    const leader = await eventually(() => house.leader(), { withinMs: 10_000, what: 'one has the lease' })
    const [stopped, other] = leader === first.url ? [first, second] : [second, first]
    const seat = await enter(at(other, ada), room.id)
    const stream = await subscribe(other, ada.credentials.accessToken, `?room=${room.id}`, seat.joined.eventCursor)
    stopped.signal('SIGSTOP')
    try {
      await eventually(async () => (await house.leader()) === other.url, { withinMs: 12_000, what: 'the other leads' })
      const isAway = (data: Record<string, unknown>) => (data.participant as { isAway: boolean }).isAway
      await eventually(() => stream.events.some(({ type, data }) => type === 'participant' && isAway(data)), {
        withinMs: 25_000,
        what: 'the guest who does not beat is away',
      })
    } finally {
      stopped.signal('SIGCONT')
    }
    await eventually(async () => (await house.query('select id from server')).length === 2, {
      withinMs: 10_000,
      what: 'the one that was stopped is back among the servers',
    })
    expect(ok(await seat.beat())).toEqual({ status: 'away' })
    await enter(at(stopped, ada), room.id, { seatId: seat.seatId })
    const told = () =>
      stream.events
        .filter(({ type }) => type === 'participant')
        .map(({ data }) => (data.participant as { isAway: boolean }).isAway)
    await eventually(() => told().at(-1) === false, { withinMs: 5_000, what: 'the guest is back' })
    expect(told()).toEqual([true, false])
    expect((await house.query<{ holder: string }>('select holder from lease')).length).toBe(1)
    stream.close()
  })
})
