import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually } from '../../support/eventually.ts'
import { type LivekitServer, noLivekit, startLivekitServer } from '../../support/livekit-server.ts'
import { noPostgres } from '../../support/postgres.ts'
import { noRedis, startRedis, type TestRedis } from '../../support/redis.ts'
import { enter, heardFrom, hearMore, hearSilence, newPerson, openRoom, type Stay, tone } from '../client/people.ts'
import { by, mayUnmute } from './people-by.ts'
import { closePostgres, type House, openHouse, type Serve } from './servers.ts'

const missing = noPostgres ?? noRedis ?? noLivekit
let house: House
let redis: TestRedis
let nodes: LivekitServer[] = []
let first: Serve
let second: Serve
const stays: Stay[] = []

beforeAll(async () => {
  if (missing) return
  redis = await startRedis()
  nodes = [await startLivekitServer({ redis: redis.address }), await startLivekitServer({ redis: redis.address })]
  house = await openHouse()
  const at = ({ url, key, secret }: LivekitServer) =>
    house.serve({ LIVEKIT_URL: url, LIVEKIT_API_KEY: key, LIVEKIT_API_SECRET: secret })
  first = await at(nodes[0]!)
  second = await at(nodes[1]!)
}, 120_000)
afterAll(async () => {
  await Promise.all(stays.map(({ session }) => session.close()))
  await house?.close()
  await closePostgres()
  await Promise.all(nodes.map((node) => node.close()))
  await redis?.close()
})

describe.skipIf(missing)(`two servers, each with a livekit-server of a pair${missing ? `: ${missing}` : ''}`, () => {
  it('let people of both hear each other, and a moderator of one rule over a guest of the other', async () => {
    const lena = await newPerson(first.door, 'Lena')
    const omar = await newPerson(second.door, 'Omar')
    const room = await openRoom(lena, 'A pair')
    const speaker = await enter(lena, room, tone(440))
    const listener = await enter(omar, room, tone(880))
    stays.push(speaker, listener)
    await hearMore(listener, 'Lena', 1, 15_000)
    expect(heardFrom(listener, 'Lena')!.frequencyHz).toBeCloseTo(440, -1)
    const params = () => ({ roomId: room.id, who: listener.session.state().you.id })
    await omar.api.call('raiseHand', { params: { roomId: room.id }, body: { seatId: listener.session.seatId } })
    await lena.api.call('stage', { params: { ...params(), action: 'admit' } })
    await hearMore(speaker, 'Omar', 1, 15_000)
    expect(heardFrom(speaker, 'Omar')!.frequencyHz).toBeCloseTo(880, -1)
    await lena.api.call('stage', { params: { ...params(), action: 'mute' } })
    expect(await hearSilence(speaker, 'Omar', 5_000)).toBeLessThan(5_000)
    await by(second.url, lena).api.call('stage', { params: { ...params(), action: 'allow' } })
    await mayUnmute(listener)
    await listener.session.command({ verb: 'unmute' })
    await hearMore(speaker, 'Omar', 0.5, 15_000)
    await lena.api.call('stage', { params: { ...params(), action: 'kick' } })
    expect(await listener.session.done).toMatchObject({ reason: 'kicked' })
    expect(await hearSilence(speaker, 'Omar', 5_000)).toBeLessThan(5_000)
  })

  it('go on with the other server when one is killed, without moving a room', async () => {
    const lena = await newPerson(first.door, 'Lena')
    const omar = await newPerson(second.door, 'Omar')
    const room = await openRoom(omar, 'Goes on')
    const speaker = await enter(omar, room, tone(440))
    const listener = await enter(lena, room)
    stays.push(speaker, listener)
    await hearMore(listener, 'Omar', 1, 15_000)
    first.signal('SIGKILL')
    await eventually(async () => (await house.leader()) === second.url, { withinMs: 15_000, what: 'the other leads' })
    const mira = await newPerson(second.door, 'Mira')
    const late = await enter(mira, room)
    stays.push(late)
    await hearMore(late, 'Omar', 1, 15_000)
    // Lena's API is gone, her sound is not.
    await hearMore(listener, 'Omar', 1, 5_000)
  })
})
