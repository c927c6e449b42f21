import type { HouseSettings } from '../settings.ts'

/** Logins asked for before this one; instants in ms, null where there was none. */
export type LoginCounts = {
  numberLastAt: number | null
  numberHour: number
  numberDay: number
  addressHour: number
  prefixHour: number
  countryDay: number
  /** Messages that left, of everybody. */
  messagesDay: number
}
export type LoginLimits = Pick<
  HouseSettings,
  | 'resendAfterMs'
  | 'codesPerNumberPerHour'
  | 'codesPerNumberPerDay'
  | 'codesPerAddressPerHour'
  | 'codesPerSharedAddressPerHour'
  | 'codesPerPrefixPerHour'
  | 'codesPerCountryPerDay'
  | 'messagesPerDay'
  | 'messagesReserve'
>

export type LoginDecision =
  | { outcome: 'send' }
  /** Answered like any other, without a message: what is left of the day belongs to numbers with an account. */
  | { outcome: 'withhold' }
  | { outcome: 'refuse'; limit: string; retryAfterMs: number }

/** May this number get a code now (R13)? Only `withhold` depends on whether the number owns an account, and it does not show. */
export const decideLogin = (
  counts: LoginCounts,
  { now, isKnown, isSharedAddress }: { now: number; isKnown: boolean; isSharedAddress: boolean },
  limits: LoginLimits,
): LoginDecision => {
  const waitMs = counts.numberLastAt === null ? 0 : counts.numberLastAt + limits.resendAfterMs - now
  if (waitMs > 0) return { outcome: 'refuse', limit: 'resend', retryAfterMs: waitMs }
  const perAddress = isSharedAddress ? limits.codesPerSharedAddressPerHour : limits.codesPerAddressPerHour
  const bounds: [string, number, number, number][] = [
    ['number-hour', counts.numberHour, limits.codesPerNumberPerHour, hourMs],
    ['number-day', counts.numberDay, limits.codesPerNumberPerDay, dayMs],
    ['address-hour', counts.addressHour, perAddress, hourMs],
    ['prefix-hour', counts.prefixHour, limits.codesPerPrefixPerHour, hourMs],
    ['country-day', counts.countryDay, limits.codesPerCountryPerDay, dayMs],
    ['messages-day', counts.messagesDay, limits.messagesPerDay, dayMs],
  ]
  for (const [limit, count, most, retryAfterMs] of bounds) {
    if (count >= most) return { outcome: 'refuse', limit, retryAfterMs }
  }
  const forEverybody = Math.floor(limits.messagesPerDay * (1 - limits.messagesReserve))
  if (!isKnown && counts.messagesDay >= forEverybody) return { outcome: 'withhold' }
  return { outcome: 'send' }
}

const hourMs = 3_600_000
const dayMs = 24 * hourMs
