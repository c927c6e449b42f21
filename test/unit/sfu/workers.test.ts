import { expect, test } from 'vitest'
import { placeOf, roomOfToken } from '../../../src/sfu/workers.ts'

test('a room has one place, and many rooms are spread evenly', () => {
  const places = Array.from({ length: 3000 }, (_, index) => placeOf(`room ${index}`, 3))
  expect(places).toEqual(Array.from({ length: 3000 }, (_, index) => placeOf(`room ${index}`, 3)))
  for (const place of [0, 1, 2]) expect(places.filter((one) => one === place).length).toBeGreaterThan(900)
  expect(placeOf('any', 1)).toBe(0)
})

test('the room is read from a token, and what is no token names none', () => {
  const claims = Buffer.from(JSON.stringify({ video: { room: 'r1' } })).toString('base64url')
  expect(roomOfToken(`head.${claims}.sign`)).toBe('r1')
  for (const text of ['', 'x', 'a.b.c', 'a..c', `a.${Buffer.from('null').toString('base64url')}.c`])
    expect(roomOfToken(text)).toBe('')
})
