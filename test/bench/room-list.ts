import { randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { joinRoom } from '../../src/server/domain/presence.ts'
import type { Person, RoomState } from '../../src/server/domain/room-state.ts'
import { openRoom, settleRoom } from '../../src/server/domain/rooms.ts'
import { openTopic, roomTopic } from '../../src/server/event-log.ts'
import { insertRoom, saveRoom } from '../../src/server/room-store.ts'
import { openStore } from '../../src/server/store.ts'
import { signIn } from '../support/phones.ts'
import {
  closeStores,
  makeData,
  type StoreKind,
  startTestServer,
  storeMissing,
  stores,
  type TestServerData,
} from '../support/server.ts'
import type { Bench, Print } from './run.ts'
import { inTurn, medianOf, percentileOf } from './statistics.ts'

const ROOMS = 1_000
const PEOPLE_PER_ROOM = 6
const PAGE = 50
const REQUESTS = 1_000
const SHORT_REQUESTS = 100
const WARM_UP = 50

/** The hallway's first page among many live rooms, over HTTP, beside a bare HTTP server that sends the same bytes. */
export const run: Bench = async (print, { short }) => {
  print('| store | answers | median ms | p99 ms | slowest ms | median of bare HTTP ms |')
  print('|---|---|---|---|---|---|')
  try {
    for (const store of stores) {
      const missing = storeMissing(store)
      if (missing) print(`| ${store} | not measured: ${missing} | | | | |`)
      else await measure(print, store, short ? SHORT_REQUESTS : REQUESTS)
    }
  } finally {
    await closeStores()
  }
}

const measure = async (print: Print, store: StoreKind, requests: number): Promise<void> => {
  const data = await makeData(store)
  await fill(data)
  // Nobody's seat beats: nobody shall be taken for away while this is measured.
  const server = await startTestServer({ store, data, settings: { awayAfterMs: 600_000, lostAfterMs: 700_000 } })
  const { credentials } = await signIn(server, '+12025550100', 'Ana')
  const path = `/api/rooms?limit=${PAGE}`
  const ask = (url: string) => get(url + path, credentials.accessToken)
  const page = await ask(server.url)
  const { rooms, nextCursor } = JSON.parse(page)
  if (rooms.length !== PAGE || nextCursor === null) throw new Error(`the page has ${rooms.length} rooms`)
  const bare = await startBare(page)
  try {
    const timed = (url: string) => async () => {
      const startMs = performance.now()
      await ask(url)
      return performance.now() - startMs
    }
    const takes = { ours: timed(server.url), bare: timed(bare.url) }
    await inTurn(WARM_UP, takes)
    const { ours, bare: peer } = await inTurn(requests, takes)
    const figures = [medianOf(ours), percentileOf(ours, 0.99), Math.max(...ours), medianOf(peer)]
    print(`| ${store} | ${requests} | ${figures.map((ms) => ms.toFixed(1)).join(' | ')} |`)
  } finally {
    bare.close()
    await server.close()
  }
}

const get = async (url: string, token: string): Promise<string> => {
  const response = await fetch(url, { headers: { authorization: `Bearer ${token}` } })
  const text = await response.text()
  if (!response.ok) throw new Error(`${response.status}: ${text}`)
  return text
}

const startBare = async (body: string) => {
  const bare = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json; charset=utf-8' }).end(body)
  })
  // As the server's own; the 5 s of Node would close a connection that a stall of the machine kept idle.
  bare.keepAliveTimeout = 72_000
  await new Promise<void>((resolve) => bare.listen(0, '127.0.0.1', resolve))
  return { url: `http://127.0.0.1:${(bare.address() as AddressInfo).port}`, close: () => void bare.close() }
}

/** Live rooms with the people in them, as the server stores them: it looks at all of these once a second. */
const fill = async ({ folder, databaseUrl }: TestServerData): Promise<void> => {
  const store = await openStore(databaseUrl === undefined ? { dataDir: folder } : { databaseUrl })
  try {
    for (let at = 0; at < ROOMS; at += 100)
      await store.transaction(async (trx) => {
        for (let index = at; index < at + 100; index += 1) {
          const { empty, room } = roomNumber(index)
          await insertRoom(trx, empty)
          await openTopic(trx, roomTopic(room.id))
          await saveRoom(trx, empty, room)
        }
      })
  } finally {
    await store.close()
  }
}

const roomNumber = (index: number): { empty: RoomState; room: RoomState } => {
  const people = Array.from({ length: PEOPLE_PER_ROOM }, (_, place) => personNumber(index * PEOPLE_PER_ROOM + place))
  // Half of them on stage.
  const hosts = people
    .slice(0, PEOPLE_PER_ROOM / 2)
    .map(({ accountId, name, handle }, place) => ({ accountId, name, handle, isCreator: place === 0 }))
  const now = Date.now()
  const request = { title: `Room number ${index}, about one thing and another` }
  const opened = { id: randomUUID(), mediaName: randomUUID(), now: now - (ROOMS - index) * 1_000 }
  const empty = openRoom(request, hosts, opened)
  const joined = people.reduce(
    (room, person) =>
      joinRoom(
        room,
        person,
        { seatId: randomUUID(), recording: false },
        { now, newId: randomUUID(), maxParticipants: 1_000 },
      ),
    empty,
  )
  return { empty, room: settleRoom(empty, joined, { now, lostModeratorMs: 0 }) }
}

const personNumber = (index: number): Person => ({
  accountId: randomUUID(),
  ownerId: null,
  kind: 'person',
  name: `Person ${index}`,
  handle: `person_${index}`,
  sessionId: null,
  tokenId: null,
})
