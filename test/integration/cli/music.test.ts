import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { peakDb } from '../../../src/audio/level.ts'
import { readWav, sideOf } from '../../support/heard-sound.ts'
import { type House, openHouse } from '../../support/house.ts'
import { energyDb, music, octaveEnergiesDb } from '../../support/music.ts'
import { wavBytes } from '../../support/wav-bytes.ts'

const SECONDS = 6
const PEAK_DB = -1.6

// Ana plays music in stereo from a file; Omar records what comes out of his seat, in stereo.
let house: House
beforeAll(async () => {
  house = await openHouse(['Ana', 'Omar'])
})
afterAll(() => house?.close())

it('in stereo just under -1.5 dBFS keeps its sides, its level within 0.5 dB and its tone within 1 dB', async () => {
  const played = music({ seconds: SECONDS, peakDb: PEAK_DB })
  expect(peakDb(played)).toBeCloseTo(PEAK_DB, 1)
  const path = join(house.home, 'music.wav')
  // Who comes into a room hears of its sound after a moment.
  const ahead = Buffer.alloc(2 * 48_000 * 2 * 2)
  writeFileSync(path, wavBytes(Buffer.concat([ahead, Buffer.from(played.buffer)]), { channels: 2 }))
  const room = await house.createRoom('Concert', '--recording', 'flagged')
  const out = join(house.home, 'heard.wav')
  const omar = await house.join('omar', room, '--microphone', 'none', '--speaker', `file:${out}`, '--stereo')
  const ana = await house.join('ana', room, '--microphone', `file:${path}`, '--speaker', 'none')
  await ana.tells('muted', { where: ({ isYou }) => isYou })
  await omar.verb('leave')
  await omar.ended

  expect(readFileSync(out).readUInt16LE(22)).toBe(2)
  const heard = readWav(out)
  const changes = ([0, 1] as const).map((side) => {
    const [was, is] = [sideOf(played, side), sideOf(heard, side)]
    const before = octaveEnergiesDb(was)
    return {
      levelDb: energyDb(is) - energyDb(was),
      octavesDb: octaveEnergiesDb(is).map(({ hz, db }, i) => ({ hz, db: db - before[i]!.db })),
      peakDb: peakDb(is),
    }
  })
  console.log(JSON.stringify(changes))
  for (const { levelDb, octavesDb } of changes) {
    expect(Math.abs(levelDb)).toBeLessThanOrEqual(0.5)
    for (const { hz, db } of octavesDb) expect(Math.abs(db), `around ${hz} Hz`).toBeLessThanOrEqual(1)
  }
})
