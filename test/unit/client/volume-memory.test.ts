import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openVolumeMemory } from '../../../src/client/volume-memory.ts'

let folder: string
let file: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'rt-volumes-'))
  file = join(folder, 'deeper', 'volumes.json')
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const at = (volume: number, isSilenced = false) => ({ volume, isSilenced })
const remembered = async () => Object.fromEntries((await openVolumeMemory(file)).tunings)

describe('volumes in a file', () => {
  it('are those of the last time, for their owner alone, with nothing left beside it', async () => {
    const memory = await openVolumeMemory(file)
    expect(memory.tunings.size).toBe(0)
    await memory.remember('@ana', at(30))
    await memory.remember('@omar', at(100, true))
    expect(await remembered()).toEqual({ '@ana': at(30), '@omar': at(100, true) })
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(readdirSync(join(folder, 'deeper'))).toEqual(['volumes.json'])
  })

  it('forget who is as usual again', async () => {
    const memory = await openVolumeMemory(file)
    await memory.remember('@ana', at(30))
    await memory.remember('@ana', at(100))
    expect(await remembered()).toEqual({})
  })

  it('lose nothing of each other when several seats write at once', async () => {
    const seats = await Promise.all(Array.from({ length: 8 }, () => openVolumeMemory(file)))
    await Promise.all(seats.map((seat, i) => seat.remember(`@p${i}`, at(i))))
    expect(Object.keys(await remembered()).sort()).toEqual(seats.map((_, i) => `@p${i}`))
  })

  it('are of so many people, those changed last', async () => {
    mkdirSync(join(folder, 'deeper'))
    const many = Array.from({ length: 500 }, (_, i) => ({ who: String(i), ...at(50) }))
    writeFileSync(file, JSON.stringify(many))
    const memory = await openVolumeMemory(file)
    await memory.remember('0', at(60))
    await memory.remember('new', at(70))
    const people = await remembered()
    expect(Object.keys(people)).toHaveLength(500)
    expect(people).toMatchObject({ 0: at(60), new: at(70), 2: at(50) })
    expect(people).not.toHaveProperty('1')
  })

  it.each(['{"who": 1}', '[{"who":"@ana","volume":900,"isSilenced":false}]', '[{"who":"@a', '[null]'])(
    'are as usual, with one sentence, where the file holds %s, which stays',
    async (text) => {
      mkdirSync(join(folder, 'deeper'))
      writeFileSync(file, text)
      const memory = await openVolumeMemory(file)
      expect(memory.tunings.size).toBe(0)
      expect(memory.problem).toBe(`The file ${file} is damaged: mend it or delete it. Nobody's volume is remembered.`)
      await memory.remember('@ana', at(30))
      expect(readFileSync(file, 'utf8')).toBe(text)
    },
  )

  it('that cannot be written are told in one sentence', async () => {
    const memory = await openVolumeMemory(file)
    writeFileSync(join(folder, 'deeper'), '')
    await expect(memory.remember('@ana', at(30))).rejects.toThrow(
      /^This volume holds for now, but is not remembered: The file .* cannot be used: \w+\.$/,
    )
  })
})
