import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import type { SeatEvent } from '../../../src/protocol/seat.ts'
import { eventually } from '../../support/eventually.ts'
import { readWav, secondsOf } from '../../support/heard-sound.ts'
import { type House, openHouse } from '../../support/house.ts'
import { mountSmallDisk, type SmallDisk } from '../../support/small-disk.ts'

// Ana speaks a tone; Omar records it on a disk that has room for less than three seconds.
let house: House
let disk: SmallDisk | null = null
beforeAll(async () => {
  house = await openHouse(['Ana', 'Omar'])
})
afterEach(async () => {
  await house.leaveAll()
  disk?.close()
})
afterAll(() => house?.close())

const speak = async () => {
  const room = await house.createRoom('Tone', '--recording', 'flagged')
  const ana = await house.join('ana', room, '--microphone', 'tone:440', '--speaker', 'none')
  await ana.tells('unmuted', { where: ({ isYou }) => isYou })
  return room
}
const isWhole = (path: string) => {
  const bytes = readFileSync(path)
  expect(bytes.readUInt32LE(4)).toBe(bytes.length - 8)
  expect(bytes.readUInt32LE(40)).toBe(bytes.length - 44)
  expect(bytes.readUInt32LE(40) % 2).toBe(0)
}
const onSmallDisk = (name: string, work: (disk: SmallDisk) => Promise<void>) =>
  it(`${name} (needs the right to mount)`, async ({ skip }) => {
    disk = mountSmallDisk('256k')
    if (!disk) return skip()
    await work(disk)
  })

onSmallDisk('warns once when the disk is full, stays in the room, keeps what fits, ends with 1', async ({ folder }) => {
  const room = await speak()
  const path = join(folder, 'out.wav')
  const args = ['--jsonl', '--microphone', 'none', '--speaker', `file:${path}`, '--for', '7s']
  const omar = house.start(['join', room.id, '--profile', 'omar', ...args])
  const { code, stderr } = await omar.ended
  expect({ code, stderr }).toEqual({ code: 1, stderr: '' })
  expect(omar.told('warning').map(({ message }) => message)).toEqual([`${path} cannot be written: the disk is full.`])
  expect(omar.told('heard').at(-1)).toMatchObject({ who: 'Ana', isFinal: true })
  expect(omar.told('heard').at(-1)!.seconds).toBeGreaterThan(4.5)
  expect(omar.events<SeatEvent>().at(-1)).toMatchObject({ type: 'left', reason: 'done' })
  isWhole(path)
  const seconds = secondsOf(readWav(path))
  expect(seconds.length).toBeGreaterThanOrEqual(1)
  for (const { hz } of seconds) expect(Math.abs(hz - 440)).toBeLessThanOrEqual(1)
})

onSmallDisk('says so in lines, too, also when only its last second finds no room', async ({ folder, fill }) => {
  const room = await speak()
  const path = join(folder, 'last.wav')
  const omar = house.start(['join', room.id, '--profile', 'omar', '--microphone', 'none', '--speaker', `file:${path}`])
  const said = () => `${omar.stdout()}${omar.stderr()}`
  await eventually(() => statSync(path).size > 44, { withinMs: 20_000, what: 'the first sound on the disk' })
  fill()
  // More sound than fits behind what is written already.
  await sleep(300)
  omar.write('leave\n')
  expect((await omar.ended).code).toBe(1)
  expect(said().match(/last\.wav cannot be written: the disk is full/g)).toHaveLength(1)
  isWhole(path)
})
