import { parsePhoneNumberFromString } from 'libphonenumber-js/max'
import { apiError } from '../../protocol/errors.ts'
import type { HouseSettings } from '../settings.ts'

export type Phone = {
  e164: string
  /** ISO 3166, or the calling code (`+44`) where several countries share it and the number does not tell. */
  country: string
  /** Country code and the next three digits: the numbers that one fraud scheme sells. */
  prefix: string
}

type PhoneRules = Pick<HouseSettings, 'countries' | 'refusedNumberTypes' | 'refusedPrefixes'>

/**
 * Reads an E.164 number that is *possible* (its length fits its country; no claim that it exists) and that this house
 * sends messages to. Throws `bad-request` or `not-allowed`, by the number alone: never by who owns it (R12).
 */
export const readPhone = (text: string, rules: PhoneRules): Phone => {
  const compact = text.normalize('NFKC').replace(/[\s.()\-/\u2010-\u2015]/gu, '')
  const number = /^\+\d{6,15}$/.test(compact) ? parsePhoneNumberFromString(compact) : undefined
  if (!number?.isPossible()) {
    throw apiError('bad-request', 'This is not a phone number: give it with its country code, like +49 151 23456789.', {
      field: 'phone',
    })
  }
  const e164 = number.number as string
  const country = number.country ?? `+${number.countryCallingCode}`
  const type = number.getType()
  const isRefused =
    (type !== undefined && rules.refusedNumberTypes.includes(type)) ||
    rules.refusedPrefixes.some((prefix) => e164.startsWith(prefix))
  if (isRefused)
    throw apiError('not-allowed', 'This kind of number gets no codes; use a mobile number.', { field: 'phone' })
  if (rules.countries && !rules.countries.includes(country)) {
    throw apiError('not-allowed', `This server sends no codes to ${country} numbers.`, { field: 'phone' })
  }
  return { e164, country, prefix: e164.slice(0, 1 + number.countryCallingCode.length + 3) }
}
