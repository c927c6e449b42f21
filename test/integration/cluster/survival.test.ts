import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import { eventually } from '../../support/eventually.ts'
import { call, type Phone } from '../../support/phones.ts'
import { noPostgres } from '../../support/postgres.ts'
import { enter, guest, openRoom, type Stream, subscribe } from '../server-rooms/room-kit.ts'
import { closePostgres, type House, openHouse, type Serve } from './servers.ts'

let house: House
let first: Serve
let second: Serve
beforeEach(async () => {
  if (noPostgres) return
  house = await openHouse()
  first = await house.serve()
  second = await house.serve()
}, 90_000)
afterEach(async () => house?.close())
afterAll(closePostgres)

const at = ({ url }: Serve, phone: Phone): Phone => ({
  ...phone,
  fetch: (method, path, body) => call({ url }, method, path, body, phone.credentials.accessToken),
})

/** A room whose guests raise their hands without end, each at one of the servers; a subscriber at each. */
const liveRoom = async () => {
  const ada = await guest(first.door, 'Ada')
  const room = await openRoom(ada)
  // The room's sound is at the second, which goes on.
  const host = await enter(at(second, ada), room.id)
  const token = ada.credentials.accessToken
  const follow = (server: Serve, cursor: number | string = host.joined.eventCursor) =>
    subscribe(server, token, `?room=${room.id}`, cursor)
  const acknowledged: string[] = []
  let isOver = false
  const raise = async (server: Serve, name: string) => {
    const seat = await enter(await guest(server.door, name), room.id)
    for (let index = 1; !isOver; index++) {
      const question = `${name} ${index}`
      const { status } = await seat.post('hand', { question })
      if (status === 204 || status === 200) acknowledged.push(question)
    }
  }
  const raising = [
    ...['A', 'B', 'C', 'D'].map((name) => raise(first, name)),
    ...['E', 'F'].map((name) => raise(second, name)),
  ].map((work) => work.catch(() => {}))
  const seats = () => distinct(acknowledged.map((question) => question.split(' ')[0]))
  await eventually(() => seats() === 6 && acknowledged.length > 30, { withinMs: 20_000, what: 'all raise hands' })
  return {
    roomId: room.id,
    follow,
    acknowledged,
    end: async () => {
      isOver = true
      await Promise.all(raising)
    },
  }
}

const distinct = (values: unknown[]): number => new Set(values).size
const questions = ({ events }: Stream): string[] =>
  events.filter(({ type }) => type === 'hand-raised').map(({ data }) => (data.hand as { question: string }).question)

const expectWhole = async (events: Stream['events'], roomId: string) => {
  const stored = await house.query<{ seq: string }>('select seq from event where topic = $1 order by seq', [
    `room:${roomId}`,
  ])
  const ids = events.map(({ id }) => id)
  expect(ids).toEqual(stored.map(({ seq }) => Number(seq)).filter((seq) => seq >= ids[0]!))
}

describe.skipIf(noPostgres)(`live updates of two servers${noPostgres ? `: ${noPostgres}` : ''}`, () => {
  it('reach the other’s subscribers whole when one is killed, and its own when they come over', async () => {
    const { roomId, follow, acknowledged, end } = await liveRoom()
    const here = await follow(second)
    const there = await follow(first)
    await eventually(() => here.events.length > 40 && there.events.length > 40, { withinMs: 10_000, what: 'updates' })
    first.signal('SIGKILL')
    await eventually(() => there.isEnded(), { withinMs: 5_000, what: 'the stream is cut' })
    const over = await follow(second, there.events.at(-1)!.id)
    const before = acknowledged.length
    await eventually(() => acknowledged.length > before + 20, { withinMs: 10_000, what: 'the other goes on' })
    await end()
    const last = acknowledged.at(-1)!
    await eventually(() => questions(here).includes(last) && questions(over).includes(last), {
      withinMs: 5_000,
      what: 'the last update is told',
    })
    await eventually(() => here.events.at(-1)!.id === over.events.at(-1)!.id, {
      withinMs: 5_000,
      what: 'both at the end',
    })
    await expectWhole(here.events, roomId)
    await expectWhole([...there.events, ...over.events], roomId)
    const told = new Set(questions(here))
    expect(acknowledged.filter((question) => !told.has(question))).toEqual([])
  })

  it('go on when one is stopped in the middle of a transaction, whose locks the database takes back', async () => {
    const { roomId, follow, acknowledged, end } = await liveRoom()
    const here = await follow(second)
    const there = await follow(first)
    const held = () =>
      house.query<{ pid: number }>(
        "select pid from pg_stat_activity where datname = current_database() and state = 'idle in transaction'",
      )
    // Until it is stopped at the right moment: between two statements, with the room's row locked.
    await eventually(
      async () => {
        first.signal('SIGSTOP')
        await new Promise((resolve) => setTimeout(resolve, 200))
        const before = new Set((await held()).map(({ pid }) => pid))
        await new Promise((resolve) => setTimeout(resolve, 200))
        if ((await held()).some(({ pid }) => before.has(pid))) return true
        first.signal('SIGCONT')
        return false
      },
      { withinMs: 30_000, what: 'it is stopped inside a transaction', everyMs: 50 },
    )
    const before = acknowledged.length
    await eventually(() => acknowledged.length > before + 20, { withinMs: 12_000, what: 'the other goes on' })
    first.signal('SIGCONT')
    const after = acknowledged.length
    await eventually(() => acknowledged.length > after + 40, { withinMs: 10_000, what: 'both go on' })
    await end()
    const last = acknowledged.at(-1)!
    await eventually(() => questions(here).includes(last), { withinMs: 5_000, what: 'the last update is told' })
    await expectWhole(here.events, roomId)
    await eventually(() => there.events.at(-1)!.id === here.events.at(-1)!.id, {
      withinMs: 5_000,
      what: 'the one that was stopped has told all, too',
    })
    await expectWhole(there.events, roomId)
    const told = new Set(questions(here))
    expect(acknowledged.filter((question) => !told.has(question))).toEqual([])
  })
})
