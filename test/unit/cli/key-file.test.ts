import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readKeyFile } from '../../../src/cli/key-file.ts'
import { keyTable } from '../../../src/tui/keys.ts'

let folder: string
let file: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'rt-keys-'))
  file = join(folder, 'keys.yaml')
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

describe('a key file', () => {
  it('that is not there changes nothing', async () => {
    expect(await readKeyFile(file)).toEqual({ table: keyTable })
  })

  it('binds its keys', async () => {
    writeFileSync(file, 'hand: H\n')
    const { table, problem } = await readKeyFile(file)
    expect(problem).toBeUndefined()
    expect(table.find(({ action }) => action === 'hand')?.keys).toEqual(['H'])
  })

  it.each([
    ['random bytes', Buffer.from(Array.from({ length: 4_096 }, (_, index) => (index * 7_919) % 256))],
    ['half a line', 'hand: [h'],
    ['a list', '- hand\n- leave\n'],
    ['a word', 'hand'],
    ['an action that there is not', 'fly: f\n'],
    ['a key that there is not', 'hand: hyper+h\n'],
    ['no key', 'hand: []\n'],
    ['values that are no keys', 'hand: {a: 1}\n'],
    ['one key for two', 'hand: L\n'],
    ['no way out', 'interrupt: x\n'],
    [
      'a bomb of references',
      `a: &a [x,x]\n${'bcdefghij'
        .split('')
        .map((name, index) => `${name}: &${name} [*${'abcdefghi'[index]},*${'abcdefghi'[index]}]`)
        .join('\n')}\n`,
    ],
  ])('of %s is one sentence, and the keys are as usual', async (_, text) => {
    writeFileSync(file, text)
    const { table, problem } = await readKeyFile(file)
    expect(table).toBe(keyTable)
    expect(problem).toMatch(/^keys\.yaml: [^\n]+; the keys are as usual\.$/)
  })

  it('that is a folder is one sentence, too', async () => {
    mkdirSync(file)
    expect(await readKeyFile(file)).toEqual({ table: keyTable, problem: expect.stringMatching(/as usual\.$/) })
  })
})
