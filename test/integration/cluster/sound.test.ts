import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import { eventually } from '../../support/eventually.ts'
import { noPostgres } from '../../support/postgres.ts'
import { enter, heardFrom, hearMore, hearSilence, newPerson, openRoom, type Stay, tone } from '../client/people.ts'
import { by, mayUnmute } from './people-by.ts'
import { closePostgres, type House, openHouse, type Serve, startFrontDoor } from './servers.ts'

let house: House
let first: Serve
let second: Serve
let doors: { close(): void }[] = []
let stays: Stay[] = []
beforeEach(async () => {
  if (noPostgres) return
  house = await openHouse()
  first = await house.serve()
  second = await house.serve()
}, 90_000)
afterEach(async () => {
  await Promise.all(stays.map(({ session }) => session.close()))
  for (const door of doors) door.close()
  await house?.close()
  stays = []
  doors = []
})
afterAll(closePostgres)

const homeOf = async (roomId: string): Promise<string | null> => {
  const [row] = await house.query<{ url: string }>(
    'select url from room join server on server.id = room.media_server where room.id = $1',
    [roomId],
  )
  return row?.url ?? null
}

const isLive = ({ session }: Stay) => session.state().connection.status === 'live'

/** Lena speaks by the first server, where the room lives; Omar listens by the second. */
const begin = async (lenasDoor = first.url) => {
  const lena = by(lenasDoor, await newPerson(first.door, 'Lena'))
  const omar = await newPerson(second.door, 'Omar')
  const room = await openRoom(lena, 'Two houses')
  const speaker = await enter(lena, room, tone(440))
  const listener = await enter(omar, room, tone(880))
  stays.push(speaker, listener)
  expect(await homeOf(room.id)).toBe(first.url)
  await hearMore(listener, 'Lena', 1, 10_000)
  return { lena, omar, room, speaker, listener }
}

describe.skipIf(noPostgres)(`two servers with a media server each${noPostgres ? `: ${noPostgres}` : ''}`, () => {
  it('send people to the one where the room lives, and a moderator of one rules over a guest of the other', async () => {
    const { lena, omar, room, speaker, listener } = await begin()
    // By the second server to the first's media server: admitted, heard, muted, removed.
    const there = by(second.url, lena)
    const you = () => ({ roomId: room.id, who: listener.session.state().you.id })
    await omar.api.call('raiseHand', { params: { roomId: room.id }, body: { seatId: listener.session.seatId } })
    await there.api.call('stage', { params: { ...you(), action: 'admit' } })
    await hearMore(speaker, 'Omar', 1, 10_000)
    expect(heardFrom(speaker, 'Omar')!.frequencyHz).toBeCloseTo(880, -1)
    await there.api.call('stage', { params: { ...you(), action: 'mute' } })
    expect(await hearSilence(speaker, 'Omar', 3_000)).toBeLessThan(3_000)
    await lena.api.call('stage', { params: { ...you(), action: 'allow' } })
    await mayUnmute(listener)
    await listener.session.command({ verb: 'unmute' })
    await hearMore(speaker, 'Omar', 0.5, 10_000)
    await there.api.call('stage', { params: { ...you(), action: 'kick' } })
    expect(await listener.session.done).toMatchObject({ reason: 'kicked' })
    expect(await hearSilence(speaker, 'Omar', 3_000)).toBeLessThan(3_000)
  })

  it('have everybody back within 10 s when the one where the room lives is killed', async () => {
    const door = await startFrontDoor([first.url, second.url])
    doors.push(door)
    const { room, speaker, listener } = await begin(door.url)
    first.signal('SIGKILL')
    const killedAt = performance.now()
    await eventually(() => !isLive(listener), { withinMs: 5_000, what: 'the cut shows' })
    await eventually(async () => (await homeOf(room.id)) === second.url, { withinMs: 12_000, what: 'the room moves' })
    await hearMore(listener, 'Lena', 0.5, 12_000)
    const backMs = performance.now() - killedAt
    console.info(`everybody is back after ${Math.round(backMs)} ms`)
    expect(backMs).toBeLessThan(10_000)
    expect(speaker.session.state().you).toMatchObject({ role: 'moderator', isMuted: false })
    expect(speaker.session.state().participants.filter(({ isAway }) => !isAway)).toHaveLength(2)
  })

  it('are one room again after the one where it lives was stopped for a while', async () => {
    const { lena, room, speaker, listener } = await begin()
    first.signal('SIGSTOP')
    try {
      await eventually(async () => (await house.query('select id from server')).length === 1, {
        withinMs: 15_000,
        what: 'it is taken for dead',
      })
      await eventually(async () => (await homeOf(room.id)) === second.url, { withinMs: 15_000, what: 'the room moves' })
      const third = await enter(by(second.url, await newPerson(second.door, 'Mira')), room, null)
      stays.push(third)
      await eventually(() => isLive(listener), { withinMs: 10_000, what: 'the guest of the other is back' })
    } finally {
      first.signal('SIGCONT')
    }
    // Who came by the stopped one is sent over when it wakes, and heard where the room is now.
    await hearMore(listener, 'Lena', 1, 30_000)
    await hearMore(stays.at(-1)!, 'Lena', 1, 10_000)
    expect(await homeOf(room.id)).toBe(second.url)
    expect(speaker.session.state().you).toMatchObject({ role: 'moderator' })
    const { participants } = await lena.api.call('listParticipants', { params: { roomId: room.id } })
    expect(participants.filter(({ isAway }) => !isAway)).toHaveLength(3)
  })
})
