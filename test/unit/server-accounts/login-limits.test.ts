import { describe, expect, test } from 'vitest'
import { decideLogin, type LoginCounts } from '../../../src/server/domain/login-limits.ts'
import { defaultSettings } from '../../../src/server/settings.ts'

const now = 1_000_000_000
const none: LoginCounts = {
  numberLastAt: null,
  numberHour: 0,
  numberDay: 0,
  addressHour: 0,
  prefixHour: 0,
  countryDay: 0,
  messagesDay: 0,
}
const decide = (counts: Partial<LoginCounts>, who: { isKnown?: boolean; isSharedAddress?: boolean } = {}) =>
  decideLogin({ ...none, ...counts }, { now, isKnown: false, isSharedAddress: false, ...who }, defaultSettings)

test('a first code is sent', () => {
  expect(decide({})).toEqual({ outcome: 'send' })
})

test('a second code waits for the cool-down', () => {
  expect(decide({ numberLastAt: now - 10_000 })).toEqual({ outcome: 'refuse', limit: 'resend', retryAfterMs: 20_000 })
  expect(decide({ numberLastAt: now - 30_000 })).toEqual({ outcome: 'send' })
})

describe.each([
  ['number-hour', { numberHour: 5 }],
  ['number-day', { numberDay: 10 }],
  ['address-hour', { addressHour: 20 }],
  ['prefix-hour', { prefixHour: 500 }],
  ['country-day', { countryDay: 1_000 }],
  ['messages-day', { messagesDay: 1_000 }],
])('the limit %s', (limit, counts) => {
  test('refuses known and unknown numbers alike', () => {
    const refusal = decide(counts)
    expect(refusal).toMatchObject({ outcome: 'refuse', limit })
    expect(decide(counts, { isKnown: true })).toEqual(refusal)
  })
})

test('a listed address may ask for 200 codes in an hour', () => {
  expect(decide({ addressHour: 199 }, { isSharedAddress: true })).toEqual({ outcome: 'send' })
  expect(decide({ addressHour: 199 })).toMatchObject({ outcome: 'refuse' })
})

test('the last 30 % of the day go to numbers with an account; others get no message and the same answer', () => {
  expect(decide({ messagesDay: 699 })).toEqual({ outcome: 'send' })
  expect(decide({ messagesDay: 700 })).toEqual({ outcome: 'withhold' })
  expect(decide({ messagesDay: 999 }, { isKnown: true })).toEqual({ outcome: 'send' })
})
