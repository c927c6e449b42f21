import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually } from '../../support/eventually.ts'
import { freePort } from '../../support/free-port.ts'
import { API_KEY, API_SECRET } from '../../support/media-server.ts'
import { makeData, startTestServer, storeMissing, stores, type TestServer } from '../../support/server.ts'
import { botOf, enter, guest, ok, openRoom, subscribe, useMediaServer } from './room-kit.ts'

const plane = useMediaServer()
let childFile: { entry: string; close(): void }
beforeAll(async () => {
  childFile = await buildChild()
})
afterAll(() => childFile?.close())

describe.each(stores)('live events on %s', (store) => {
  describe.skipIf(storeMissing(store))(storeMissing(store) ?? 'running', () => {
    it('resume after any event, nothing missed and nothing doubled, while the room goes on', async () => {
      const server = await startTestServer({ store, media: plane() })
      try {
        const ada = await guest(server, 'Ada')
        const helper = await botOf(server, ada, 'Crowd')
        const room = await openRoom(ada)
        const host = await enter(ada, room.id)
        const query = `?room=${room.id}`
        const token = ada.credentials.accessToken
        const whole = await subscribe(server, token, query, host.joined.eventCursor)
        const busy = (async () => {
          for (let index = 0; index < 8; index++) {
            const seat = await enter(helper, room.id, { name: `Guest ${index}` })
            await host.stage('demote', seat.joined.you.id)
            await seat.post('hand', { question: `${index}?` })
          }
        })()
        // Cuts itself off after every few events and comes back where it was.
        const pieces: number[] = []
        let cursor = host.joined.eventCursor
        const isDone = { value: false }
        void busy.finally(() => {
          isDone.value = true
        })
        while (!isDone.value) {
          const piece = await subscribe(server, token, query, cursor)
          await eventually(() => piece.events.length >= 2 || isDone.value, { withinMs: 10_000, what: 'two events' })
          piece.close()
          const got = piece.events.map(({ id }) => id)
          pieces.push(...got)
          cursor = String(got.at(-1) ?? cursor)
        }
        await busy
        const rest = await subscribe(server, token, query, cursor)
        const complete = () => whole.events.at(-1)?.id
        await whole.find('hand-raised', (data) => (data.hand as { question: string }).question === '7?')
        await eventually(() => [...pieces, ...rest.events.map(({ id }) => id)].at(-1) === complete(), {
          withinMs: 5_000,
          what: 'the pieces reach the end',
        })
        expect([...pieces, ...rest.events.map(({ id }) => id)]).toEqual(whole.events.map(({ id }) => id))
        expect(new Set(whole.events.map(({ id }) => id)).size).toBe(whole.events.length)
      } finally {
        await server.close()
      }
    })

    it('answer a cursor that is too old, or of another server, with one reset', async () => {
      let now = Date.now()
      const server = await startTestServer({
        store,
        media: plane(),
        now: () => now,
        settings: { sweepMs: 50, eventRetentionMs: 1_000 },
      })
      try {
        const ada = await guest(server, 'Ada')
        const token = ada.credentials.accessToken
        await openRoom(ada)
        const foreign = await subscribe(server, token, '', 999)
        expect((await foreign.find('reset')).id).toBe(1)
        now += 61_000
        await openRoom(ada)
        await server.stop()
        const later = await startTestServer({
          store,
          data: server.data,
          media: plane(),
          settings: { eventRetentionMs: 1 },
        })
        try {
          const again = await guest(later, 'Ada')
          await eventually(
            async () => {
              const old = await subscribe(later, again.credentials.accessToken, '?cursor=0')
              const reset = await old.find('reset').finally(old.close)
              return reset.id === 2
            },
            { withinMs: 10_000, what: 'a reset for cursor 0' },
          )
        } finally {
          await later.stop()
        }
      } finally {
        await server.close()
      }
    })

    // The embedded store has one process.
    if (store === 'postgresql')
      it('reach a subscriber of another server on the same database', async () => {
        const first = await startTestServer({ store, media: plane() })
        const second = await startTestServer({ store, media: plane(), data: first.data })
        try {
          const ada = await guest(first, 'Ada')
          const stream = await subscribe(second, ada.credentials.accessToken)
          const room = await openRoom(ada)
          await stream.find('room', (data) => (data.room as { id: string }).id === room.id)
          stream.close()
        } finally {
          await second.stop()
          await first.close()
        }
      })

    it('give a bot one stream for each of its seats, and bound those of an account', async () => {
      const server = await startTestServer({ store, media: plane(), settings: { subscribersPerAccount: 1 } })
      try {
        const ada = await guest(server, 'Ada')
        const helper = await botOf(server, ada, 'Crowd')
        const room = await openRoom(ada)
        const seats = await Promise.all(['One', 'Two'].map((name) => enter(helper, room.id, { name })))
        const open = () => subscribe(server, helper.token, `?room=${room.id}&seat=${seats[0]!.seatId}`)
        const streams = [await open(), await open(), await open()]
        await expect(open()).rejects.toThrow('rate-limited')
        for (const stream of streams) stream.close()
        await eventually(() => server.stats().subscribers === 0, { withinMs: 5_000, what: 'no stream is left' })
      } finally {
        await server.close()
      }
    })

    it('keep no stream of a client that hung up before it was answered', async () => {
      const server = await startTestServer({ store, media: plane() })
      try {
        const ada = await guest(server, 'Ada')
        for (let index = 0; index < 10; index++) await hangUpAtOnce(server, ada.credentials.accessToken)
        const stays = await subscribe(server, ada.credentials.accessToken)
        await eventually(() => server.stats().subscribers === 1, { withinMs: 5_000, what: 'only the last one stays' })
        stays.close()
      } finally {
        await server.close()
      }
    })

    it('lead somebody who was put out up to there and no further, from whatever cursor', async () => {
      const server = await startTestServer({ store, media: plane() })
      try {
        const ada = await guest(server, 'Ada')
        const ben = await guest(server, 'Ben')
        const room = await openRoom(ada)
        const host = await enter(ada, room.id)
        const { joined } = await enter(ben, room.id)
        ok(await host.stage('kick', joined.you.id), 204)
        const after = await enter(await guest(server, 'Cleo'), room.id)
        const query = `?room=${room.id}`
        const seen = await subscribe(server, ben.credentials.accessToken, query, joined.eventCursor)
        await eventually(() => seen.isEnded(), { withinMs: 5_000, what: 'the end of his stream' })
        expect(seen.events.at(-1)).toMatchObject({ type: 'participant-left', data: { participantId: joined.you.id } })
        await expect(subscribe(server, ben.credentials.accessToken, query, after.joined.eventCursor)).rejects.toThrow(
          'kicked',
        )
      } finally {
        await server.close()
      }
    })

    // Its tables can be reached past the server.
    if (store === 'postgresql')
      it('end when what is in them cannot be read, so that the client comes back', async () => {
        const server = await startTestServer({ store, media: plane() })
        const database = new pg.Client({ connectionString: server.data.databaseUrl })
        try {
          const ada = await guest(server, 'Ada')
          await database.connect()
          await database.query('alter table event rename to event_elsewhere')
          const stream = await subscribe(server, ada.credentials.accessToken)
          await eventually(() => stream.isEnded(), { withinMs: 5_000, what: 'the end of the stream' })
          expect(server.stats().subscribers).toBe(0)
          expect(server.logs.map(({ event }) => event)).toContain('events-not-read')
        } finally {
          await database.end()
          await server.close()
        }
      })

    it('survive kill -9 of the server: what was acknowledged is told after the restart, once', async () => {
      const data = await makeData(store)
      const port = await freePort()
      let child = await startChild(childFile.entry, data, port, plane().url)
      try {
        const server = outboxServer(`http://127.0.0.1:${port}`, data.folder)
        const ada = await guest(server, 'Ada')
        const ben = await guest(server, 'Ben')
        const room = await openRoom(ada)
        const host = await enter(ada, room.id)
        const seat = await enter(ben, room.id)
        const token = ada.credentials.accessToken
        const before = await subscribe(server, token, `?room=${room.id}`, host.joined.eventCursor)
        let acknowledged = 0
        const raising = (async () => {
          for (;;) {
            await seat.post('hand', { question: `${acknowledged + 1}` })
            acknowledged++
          }
        })().catch(() => {})
        await eventually(() => acknowledged >= 5, { withinMs: 10_000, what: 'some hands' })
        child.kill('SIGKILL')
        await raising
        await eventually(() => before.isEnded(), { withinMs: 5_000, what: 'the stream is cut' })
        child = await startChild(childFile.entry, data, port, plane().url)
        const after = await subscribe(server, token, `?room=${room.id}`, before.events.at(-1)!.id)
        await seat.post('hand', { question: 'last' })
        await after.find('hand-raised', ({ hand }) => (hand as { question: string }).question === 'last')
        const all = [...before.events, ...after.events]
        const ids = all.map(({ id }) => id)
        expect(ids).toEqual(ids.map((_, index) => ids[0]! + index))
        const questions = all.flatMap(({ data: { hand } }) => (hand ? [(hand as { question: string }).question] : []))
        const told = questions.filter((question) => question !== 'last').map(Number)
        expect(told).toEqual(told.map((_, index) => index + 1))
        expect(told.length).toBeGreaterThanOrEqual(acknowledged)
        expect((await enter(ben, room.id, { seatId: seat.seatId })).joined.you.id).toBe(seat.joined.you.id)
        expect(ok(await seat.beat())).toEqual({ status: 'present' })
      } finally {
        child.kill('SIGKILL')
        await eventually(() => child.exitCode !== null || child.signalCode !== null, {
          withinMs: 5_000,
          what: 'its end',
        })
        rmSync(data.folder, { recursive: true, force: true })
      }
    })
  })
})

const hangUpAtOnce = async (server: TestServer, token: string): Promise<void> => {
  const socket = connect(server.port, '127.0.0.1')
  await once(socket, 'connect')
  const head = `GET /api/events HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${token}\r\n\r\n`
  await new Promise((resolve) => socket.write(head, resolve))
  socket.destroy()
}

const buildChild = async (): Promise<{ entry: string; close(): void }> => {
  const root = fileURLToPath(new URL('../../..', import.meta.url))
  const folder = mkdtempSync(join(tmpdir(), 'roomtone-server-child-'))
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}\n')
  const entry = join(folder, 'server-child.js')
  const source = fileURLToPath(new URL('./server-child.ts', import.meta.url))
  await build({
    entryPoints: [source],
    outfile: entry,
    bundle: true,
    format: 'esm',
    platform: 'node',
    packages: 'external',
  })
  return { entry, close: () => rmSync(folder, { recursive: true, force: true }) }
}

const startChild = async (
  entry: string,
  data: { folder: string; databaseUrl: string | undefined },
  port: number,
  mediaUrl: string,
): Promise<ChildProcess> => {
  const child = spawn(
    process.execPath,
    [entry, data.folder, data.databaseUrl ?? '', String(port), mediaUrl, API_KEY, API_SECRET],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  )
  let complaints = ''
  child.stderr!.on('data', (text) => {
    complaints += text
  })
  const said = await Promise.race([once(child.stdout!, 'data'), once(child, 'exit').then(() => null)])
  if (!said) throw new Error(`the server did not start: ${complaints}`)
  return child
}

const outboxServer = (url: string, folder: string) =>
  ({
    url,
    outbox: () => {
      const path = join(folder, 'outbox.jsonl')
      const text = existsSync(path) ? readFileSync(path, 'utf8') : ''
      return text
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line))
    },
  }) as unknown as TestServer
