import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { randomId, randomInt } from '../../../src/server/domain/random.ts'

test('ids are version 4 UUIDs', () => {
  for (let i = 0; i < 100; i++) expect(z.uuidv4().safeParse(randomId(randomBytes)).success).toBe(true)
})

test('values that would favour small numbers are drawn again', () => {
  const draws = [0xffff_ffff, 7]
  const scripted = () => {
    const bytes = Buffer.alloc(4)
    bytes.writeUInt32BE(draws.shift() as number)
    return bytes
  }
  expect(randomInt(10, scripted)).toBe(7)
  expect(draws).toEqual([])
})
