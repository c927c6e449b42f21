import { AccessToken } from 'livekit-server-sdk'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { ServerInfo } from '../../../src/protocol/server.ts'
import { eventually } from '../../support/eventually.ts'
import { type Front, startFront } from '../../support/livekit-front.ts'
import { type LivekitServer, noLivekit, startLivekitServer } from '../../support/livekit-server.ts'
import { call } from '../../support/phones.ts'
import { noPostgres } from '../../support/postgres.ts'
import { isPutOut } from '../../support/put-out.ts'
import { joinWrtc } from '../../support/wrtc-client.ts'
import { enter, newPerson, openRoom, type Stay } from '../client/people.ts'
import { closePostgres, type House, openHouse, type Serve } from './servers.ts'

const missing = noPostgres ?? noLivekit
let livekit: LivekitServer
let house: House
type Place = { server: Serve; front: Front }
const places: Place[] = []
const stays: Stay[] = []

beforeAll(async () => {
  if (missing) return
  livekit = await startLivekitServer()
  house = await openHouse()
  for (const _ of [1, 2]) {
    const front = await startFront(livekit)
    const env = { LIVEKIT_URL: front.url, LIVEKIT_API_KEY: livekit.key, LIVEKIT_API_SECRET: livekit.secret }
    places.push({ server: await house.serve(env), front })
  }
}, 120_000)
afterEach(() => Promise.all(stays.splice(0).map(({ session }) => session.close())))
afterAll(async () => {
  await house?.close()
  await closePostgres()
  for (const { front } of places) await front.close()
  await livekit?.close()
})

const lists = ({ calls }: Front, since: number) =>
  calls.filter(({ method, at }) => method === 'ListParticipants' && at > since).length

describe.skipIf(missing)(`two servers on one livekit-server without webhooks${missing ? `: ${missing}` : ''}`, () => {
  it('let one of them watch it once a second; when that is killed the other does within seconds, and each tells of its own troubles', async () => {
    const leads = await eventually(house.leader, { withinMs: 10_000, what: 'one leads' })
    const leader = places.find(({ server }) => server.url === leads)!
    const other = places.find((place) => place !== leader)!
    const ada = await newPerson(other.server.door, 'Ada')
    const room = await openRoom(ada, 'Watched once')
    const stay = await enter(ada, room)
    stays.push(stay)
    const startedAt = performance.now()
    await eventually(() => lists(leader.front, startedAt) > 0, { withinMs: 15_000, what: 'the leader looks' })
    // What the join itself made the other look at is over by now.
    const from = performance.now()
    await new Promise((resolve) => setTimeout(resolve, 4_000))
    expect(lists(leader.front, from)).toBeGreaterThan(0)
    expect(lists(leader.front, from)).toBeLessThanOrEqual(6)
    expect(lists(other.front, from)).toBe(0)

    other.front.refuseWith(429)
    const troubleOf = async ({ server }: Place) =>
      (await call<ServerInfo>(server.door, 'GET', '/api/server')).body.media.problem
    const isTroubled = async (place: Place) => (await troubleOf(place))?.includes('too often')
    await eventually(() => isTroubled(other), { withinMs: 5_000, what: 'trouble is told' })
    expect(await troubleOf(leader)).toBeNull()
    other.front.refuseWith(null)
    await eventually(async () => (await troubleOf(other)) === null, { withinMs: 10_000, what: 'no trouble any more' })

    leader.server.signal('SIGKILL')
    const killedAt = performance.now()
    await eventually(() => lists(other.front, killedAt) > 1, { withinMs: 10_000, what: 'the other looks' })
    const rows = await house.query<{ name: string }>('select media_name as name from room where id = $1', [room.id])
    const stranger = new AccessToken(livekit.key, livekit.secret, { identity: 'a stranger' })
    stranger.addGrant({ roomJoin: true, room: rows[0]!.name })
    await isPutOut(joinWrtc(livekit.url, await stranger.toJwt()), 'removed')
    expect(stay.session.state().connection.status).toBe('live')
  })
})
