import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { peakDb, SILENCE_DB } from '../../../src/audio/level.ts'
import { eventually } from '../../support/eventually.ts'
import { readWav, secondsOf } from '../../support/heard-sound.ts'
import { type House, type HouseSeat, openHouse } from '../../support/house.ts'

let house: House
beforeAll(async () => {
  house = await openHouse(['Ana', 'Omar'])
})
afterEach(() => house.leaveAll())
afterAll(() => house?.close())

const quiet = ['--microphone', 'none', '--speaker', 'none']
const ofAna = async (seat: HouseSeat) => {
  const { volume, isSilenced } = (await seat.state()).participants.find(({ handle }) => handle === 'ana')!
  return { volume, isSilenced }
}

/** On a busy machine sound is torn, and then less loud. */
const loudestSecondDb = (path: string) => Math.max(...secondsOf(readWav(path)).map(({ levelDb }) => levelDb))

describe('how loud somebody is', () => {
  it('is remembered for seats to come, and heard so; a damaged file is one sentence', async () => {
    const room = await house.createRoom('Loud', '--recording', 'flagged')
    const ana = await house.join('ana', room, '--microphone', 'tone:440', '--speaker', 'none')
    await ana.tells('unmuted')
    const first = await house.join('omar', room, ...quiet)
    expect((await first.verb('volume', '@ana', '30')).code).toBe(0)
    expect(await first.verb('silence', '@ana')).toMatchObject({
      code: 0,
      stdout: '',
      stderr: expect.stringMatching(/not hear @ana/),
    })
    expect(await ofAna(first)).toEqual({ volume: 30, isSilenced: true })
    expect((await first.verb('hear', '@ana')).code).toBe(0)
    expect((await first.verb('silence', '@nobody')).code).toBe(6)
    expect((await first.verb('volume', '60')).code).toBe(0)
    first.kill('SIGINT')
    await first.ended

    const lines = house.start(['join', room.id, '--profile', 'omar', '--plain', ...quiet])
    const says = (text: RegExp) => eventually(() => text.exec(lines.stdout()), { withinMs: 15_000, what: String(text) })
    await says(/You are in Loud .* Volume 60 %\./)
    lines.write('volume 100\n')
    await says(/^Volume 100 %\./m)
    lines.write('who ana\n')
    await says(/Ana, @ana: on stage, (moderator, )?\w+, 30 % for you\./)
    lines.write('silence @ana\n')
    await says(/You do not hear Ana any more; nobody is told\./)
    lines.write('who ana\n')
    await says(/, silenced for you\./)
    lines.write('hear @ana\n')
    await says(/You hear Ana again\./)
    lines.write('set cue-open off\n')
    await says(/cue-open is off now\./)
    lines.write('leave\n')
    expect((await lines.ended).code).toBe(0)
    expect(await house.must('config', 'get', 'cues')).toBe('closed,invited,reconnecting,back,removed\n')
    await house.must('config', 'set', 'cues', 'all')

    const path = join(house.home, 'out.wav')
    const recording = ['--microphone', 'none', '--speaker', `file:${path}`, '--for', '3s']
    const second = await house.join('omar', room, ...recording)
    expect(await ofAna(second)).toEqual({ volume: 30, isSilenced: false })
    expect((await second.ended).code).toBe(0)
    // 30 % of the amplitude: 10.5 dB less than -20 dBFS.
    expect(Math.abs(loudestSecondDb(path) + 30.5)).toBeLessThan(1)

    const folder = join(house.home, 'state', 'volumes', 'omar')
    const found = join(folder, readdirSync(folder)[0]!)
    expect(JSON.parse(readFileSync(found, 'utf8'))).toEqual([{ who: '@ana', volume: 30, isSilenced: false }])
    writeFileSync(found, '{')
    const third = await house.join('omar', room, ...quiet)
    expect((await third.tells('warning')).message).toMatch(/^The file .* is damaged: mend it or delete it\./)
    expect(await ofAna(third)).toEqual({ volume: 100, isSilenced: false })
    expect((await third.verb('volume', '@ana', '40')).code).toBe(0)
    expect(readFileSync(found, 'utf8')).toBe('{')
  })
})

describe('cues', () => {
  it('go into a recording where they were asked for, and else never', async () => {
    const record = async (name: string, ...args: string[]) => {
      // It ends when its only moderator leaves.
      const room = await house.createRoom(name, '--recording', 'flagged')
      const path = join(house.home, name)
      const recording = ['--microphone', 'tone:440', '--speaker', `file:${path}`]
      const ana = await house.join('ana', room, ...recording, ...args)
      await ana.tells('unmuted')
      // Who leaves hears a cue to its end.
      await house.leaveAll()
      // Without any sound there is no file.
      return existsSync(path) ? peakDb(readWav(path)) : SILENCE_DB
    }
    expect(await record('without.wav')).toBe(SILENCE_DB)
    const peak = await record('with.wav', '--cues', 'open')
    expect(Math.abs(peak + 24)).toBeLessThan(1)
    expect(await house.run('join', 'Any', '--cues', 'bells')).toMatchObject({
      code: 2,
      stderr:
        'roomtone: --cues must be all, none, or some of open,closed,invited,reconnecting,back,removed, not "bells"\n',
    })
  })
})
