import { createHmac } from 'node:crypto'
import { expect, test } from 'vitest'
import { turnServer } from '../../../src/sfu/turn.ts'

test('credentials end, and are the HMAC of their end by the shared secret', () => {
  const nowMs = Date.UTC(2026, 10, 21)
  const { urls, username, credential } = turnServer({ url: 'turn:turn.example.org:3478', secret: 'shared' }, nowMs)
  expect(urls).toEqual(['turn:turn.example.org:3478'])
  expect(Number(username) - nowMs / 1000).toBe(12 * 3600)
  expect(credential).toBe(createHmac('sha1', 'shared').update(username).digest('base64'))
})
