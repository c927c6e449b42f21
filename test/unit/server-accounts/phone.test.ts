import { expect, test } from 'vitest'
import { readPhone } from '../../../src/server/domain/phone.ts'
import { defaultSettings } from '../../../src/server/settings.ts'

const read = (text: string, settings = {}) => readPhone(text, { ...defaultSettings, ...settings })
const refusal = (text: string, settings = {}) => {
  try {
    read(text, settings)
  } catch (error) {
    return (error as { code: string }).code
  }
}

test('a number is read with its country and prefix', () => {
  expect(read('+4915123456789')).toEqual({ e164: '+4915123456789', country: 'DE', prefix: '+49151' })
})

test('spaces, dots, dashes and brackets are dropped', () => {
  expect(read('+49 (151) 234-567.89').e164).toBe('+4915123456789')
})

test('a number need only be possible, not in use', () => {
  expect(read('+15555550100').e164).toBe('+15555550100')
})

test.each(['', 'hello', '015123456789', '+49', '+4915', '+12345678901234567', '+49151234567x9', '+000000000000'])(
  '%j is no number',
  (text) => {
    expect(refusal(text)).toBe('bad-request')
  },
)

test.each([
  ['premium', '+499001234567'],
  ['premium by prefix', '+19005551234'],
  ['satellite', '+881612345678'],
  ['VoIP', '+445612345678'],
  ['universal access', '+448431234567'],
])('a %s number gets no codes', (_kind, text) => {
  expect(refusal(text)).toBe('not-allowed')
})

test('with a list of countries, others get no codes', () => {
  expect(refusal('+4915123456789', { countries: ['FR', 'DE'] })).toBeUndefined()
  expect(refusal('+447400123456', { countries: ['FR', 'DE'] })).toBe('not-allowed')
})
