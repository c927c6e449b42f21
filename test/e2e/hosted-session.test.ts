import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createApi } from '../../src/client/api.ts'
import { tokenCredentials } from '../../src/client/credentials.ts'
import { newPerson, type Person } from '../integration/client/people.ts'
import { listen } from '../support/bot-room.ts'
import { eventually } from '../support/eventually.ts'
import { measureMinute, writeMinute } from '../support/hosted-minute.ts'
import { startRoomtone } from '../support/roomtone.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

// Omar listens to a session of one minute that Ana's bot hosts; all is measured from what comes out of his speaker.
const folder = mkdtempSync(join(tmpdir(), 'roomtone-minute-'))
let server: TestServer
let omar: Person

beforeAll(async () => {
  server = await startTestServer({ media: 'embedded' })
  omar = await newPerson(server, 'Omar')
})
afterAll(async () => {
  await omar?.api.close()
  await server?.close()
  rmSync(folder, { recursive: true, force: true })
})

it('a session of one minute is heard as it is written: bells, voice, bed, levels, times, and silence that is none', async () => {
  const ana = await newPerson(server, 'Ana')
  const { token } = await ana.api.call('createToken', { body: { name: 'Host' } })
  const bot = createApi({ server: server.url, credentials: tokenCredentials(token) })
  const room = await bot.call('createRoom', { body: { title: 'One minute' } })
  const ears = await listen(omar, room)
  const script = writeMinute(folder, { name: 'minute', room: room.id })
  const env = { ROOMTONE_SERVER: server.url, ROOMTONE_TOKEN: token }
  const args = ['bot', 'run', script, '--now', '--ear', '--jsonl']
  const running = startRoomtone(args, { home: folder, env, withinMs: 110_000 })
  expect(await running.ended).toMatchObject({ code: 0, stderr: '' })
  const told = running.events<{ type: string; missedMs?: number }>()
  const alarming = told.filter(({ type }) => ['dead-air', 'repair', 'restarted', 'warning'].includes(type))
  expect(alarming).toEqual([])

  // Where the machine held the bot up, and it said so, all that follows is later by as much.
  const missedS = told.reduce((sum, { missedMs = 0 }) => sum + missedMs, 0) / 1000
  const heard = measureMinute(ears.heard())
  const isAt = (atS: number, dueS: number, withinS = 0.05) => {
    expect(atS, `due at ${dueS} s`).toBeGreaterThanOrEqual(dueS - withinS)
    expect(atS, `due at ${dueS} s, ${missedS} s held up`).toBeLessThanOrEqual(dueS + withinS + missedS)
  }
  expect(heard.strokesS).toHaveLength(4)
  for (const [index, dueS] of [0, 3, 6, 52].entries()) isAt(heard.strokesS[index]!, dueS)
  for (const db of heard.strokesDb) expect(Math.abs(db - heard.strokesDb[0]!)).toBeLessThanOrEqual(1)
  isAt(heard.voice.beginsS, 13, 0.3)
  expect(heard.voice.endsS - heard.voice.beginsS).toBeGreaterThan(2)
  expect(Math.abs(heard.voice.lufs + 18)).toBeLessThan(2)
  isAt(heard.tone.beginsS, 20)
  isAt(heard.tone.endsS, 24)
  expect(Math.abs(heard.tone.lufs + 18)).toBeLessThan(1)
  expect(Math.abs(heard.bed.lufs + 32)).toBeLessThan(1)
  expect(Math.abs(heard.bed.duckedDb - 9)).toBeLessThan(1.5)
  expect(heard.silenceDb).toBeLessThan(-70)

  await eventually(() => ears.events.some((event) => event.type === 'participant-left'), {
    withinMs: 10_000,
    what: 'the bot has left',
  })
  await ears.session.close()
  await Promise.all([bot.close(), ana.api.close()])
})
