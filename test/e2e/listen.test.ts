import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { seatEventSchema } from '../support/cli-schema.ts'
import { eventually } from '../support/eventually.ts'
import { readWav, secondsOf } from '../support/heard-sound.ts'
import { type House, openHouse } from '../support/house.ts'

// Two accounts, one room: the first speaks a tone, the second listens into a file.
let house: House
beforeAll(async () => {
  house = await openHouse(['Ana', 'Omar'])
})
afterEach(() => house.leaveAll())
afterAll(() => house?.close())

it('writes the tone that another speaks into a file, second by second at its pitch and level, and says the same', async () => {
  const room = await house.createRoom('Tone', '--recording', 'flagged')
  const ana = await house.join('ana', room, '--microphone', 'tone:440', '--speaker', 'none')
  // A tone is open as soon as one may speak, and that is told.
  await ana.tells('unmuted', { where: ({ isYou, byModerator }) => isYou && !byModerator })
  const args = ['--jsonl', '--microphone', 'none', '--speaker', 'file:out.wav', '--for', '10s']
  const omar = house.start(['join', room.id, '--profile', 'omar', ...args])
  await ana.tells('recording', { where: ({ isRecorded }) => isRecorded })
  const { code, stderr } = await omar.ended
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })

  const seconds = secondsOf(readWav(join(house.home, 'out.wav')))
  // Ten seconds less the time until the first packet, and the last piece of a second.
  expect(seconds.length).toBeGreaterThanOrEqual(8)
  for (const { hz, levelDb } of seconds) {
    expect(Math.abs(hz - 440)).toBeLessThanOrEqual(1)
    expect(Math.abs(levelDb + 20)).toBeLessThanOrEqual(1)
  }
  const events = omar.events().map((event) => seatEventSchema.parse(event))
  const heard = events.find((event) => event.type === 'heard' && event.isFinal)
  if (heard?.type !== 'heard') throw new Error('nothing heard')
  expect(heard).toMatchObject({ who: 'Ana', handle: 'ana' })
  expect(Math.abs(heard.frequencyHz - 440)).toBeLessThanOrEqual(1)
  expect(Math.abs(heard.levelDb + 20)).toBeLessThanOrEqual(1)
  expect(heard.seconds).toBeGreaterThanOrEqual(seconds.length - 0.5)
  expect(heard.seconds).toBeLessThanOrEqual(10.5)
})

it('leaves when nobody reads any more what is heard', async () => {
  const room = await house.createRoom('Pipe')
  const ana = await house.join('ana', room, '--microphone', 'tone:440', '--speaker', 'none')
  const omar = house.start(['join', room.id, '--profile', 'omar', '--microphone', 'none', '--speaker', 'stdout'])
  await eventually(() => omar.stdout().length > 48_000, { withinMs: 30_000, what: 'sound comes out' })
  omar.child.stdout!.destroy()
  await ana.tells('participant-left', { where: ({ name }) => name === 'Omar' })
  expect(await omar.ended).toMatchObject({ code: 0 })
})

it('refuses (5) to write voices to disk where the room does not allow it, and makes no file', async () => {
  const room = await house.createRoom('Off the record')
  await house.join('ana', room, '--microphone', 'tone:440', '--speaker', 'none')
  const refused = await house.run('join', room.id, '--profile', 'omar', '--speaker', 'file:no.wav', '--for', '3s')
  expect(refused.code).toBe(5)
  expect(refused.stderr.trim().split('\n')).toHaveLength(1)
  expect(existsSync(join(house.home, 'no.wav'))).toBe(false)
})
