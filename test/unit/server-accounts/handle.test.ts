import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { handleSchema } from '../../../src/protocol/accounts.ts'
import { handlesFor, randomName } from '../../../src/server/domain/handle.ts'

const first = (name: string, count = 1) => {
  const handles = handlesFor(name, randomBytes)
  return Array.from({ length: count }, () => handles.next().value)
}

test.each([
  ['Alice', 'alice'],
  ['Ann Lee', 'ann_lee'],
  ['José Ñandú', 'jose_nandu'],
  ['Jürgen Groß', 'jurgen_gross'],
  ['Łukasz Ørsted', 'lukasz_orsted'],
  ['Наталья Щукина', 'natalya_shchukina'],
  ['Αλέξης', 'alexis'],
  ['  @@ Bob!! ', 'bob'],
])('the handle of %s is %s', (name, handle) => {
  expect(first(name)).toEqual([handle])
})

test('a name that is taken goes on with numbers', () => {
  expect(first('Alice', 4)).toEqual(['alice', 'alice2', 'alice3', 'alice4'])
  expect(first('Alice', 12).at(-1)).toMatch(/^alice\d{5}$/)
})

test.each(['山田太郎', 'محمد', '🎧', 'X', 'a'.repeat(60), 'a b'.repeat(20)])(
  'every handle of %s is a valid one',
  (name) => {
    for (const handle of first(name, 30)) expect(handleSchema.safeParse(handle).success, handle).toBe(true)
  },
)

test('one who gives no name gets two words', () => {
  expect(randomName(randomBytes)).toMatch(/^[A-Z][a-z]+ [A-Z][a-z]+$/)
})
