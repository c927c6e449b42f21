const second = 1_000
const minute = 60 * second
const hour = 60 * minute
const day = 24 * hour

/** Every limit of the house, in one place. */
export type HouseSettings = {
  /** Phone codes (R11). */
  codeTtlMs: number
  codeTries: number
  /** Between two codes to the same number. */
  resendAfterMs: number
  /** Codes per number, address, prefix (country code and the next three digits) and country (R13). */
  codesPerNumberPerHour: number
  codesPerNumberPerDay: number
  codesPerAddressPerHour: number
  codesPerPrefixPerHour: number
  codesPerCountryPerDay: number
  /** Addresses or CIDR ranges behind which many members live, e.g. a campus, and what they may ask for instead. */
  sharedAddresses: string[]
  codesPerSharedAddressPerHour: number
  /** Messages a day, for a door that costs money; the reserve is for numbers that own an account. */
  messagesPerDay: number
  messagesReserve: number
  /** ISO 3166 codes of the countries that get messages; null: all. */
  countries: string[] | null
  /** Kinds of numbers, as libphonenumber names them, that get no message. */
  refusedNumberTypes: string[]
  /** E.164 beginnings that get no message: satellite, international networks, premium. */
  refusedPrefixes: string[]
  accessTtlMs: number
  refreshTtlMs: number
  sessionsPerAccount: number
  tokensPerAccount: number
  /** Those whose token was revoked count, too: their names and handles are kept. */
  botsPerAccount: number

  /** Requests: a bucket of `burst` that refills with `perSecond`. */
  requestsPerAddress: { burst: number; perSecond: number }
  requestsPerAccount: { burst: number; perSecond: number }
  bodyBytes: number
  connections: number
  requestTimeoutMs: number

  /** Presence (R20). */
  heartbeatMs: number
  awayAfterMs: number
  lostAfterMs: number
  sweepMs: number
  /** How long a room waits for its last moderator (R19), and for its first participant. */
  moderatorAwaitedMs: number
  unjoinedRoomMs: number
  invitationMs: number
  /** How long a bot may take to answer a command to its program. */
  programAnswerMs: number
  /** Of one account: what bots say of what they play, and commands to them, as each is told to many. */
  programCallsPerRoom: { burst: number; perSecond: number }
  /** Those of scheduled sessions do not count. */
  roomsPerAccount: number
  sessionsAnnouncedPerAccount: number
  participantsPerRoom: number
  handsPerRoom: number
  subscribersPerAccount: number
  /** How long event rows can be resumed from. */
  eventRetentionMs: number
  sseHeartbeatMs: number
  /** Of a LiveKit token: the time to join with it. */
  mediaTokenTtlMs: number
}

export const defaultSettings: HouseSettings = {
  codeTtlMs: 10 * minute,
  codeTries: 5,
  resendAfterMs: 30 * second,
  codesPerNumberPerHour: 5,
  codesPerNumberPerDay: 10,
  codesPerAddressPerHour: 20,
  codesPerPrefixPerHour: 500,
  codesPerCountryPerDay: 1_000,
  // Loopback: this machine's people, or everybody behind a proxy on it.
  sharedAddresses: ['127.0.0.0/8', '::1'],
  codesPerSharedAddressPerHour: 500,
  messagesPerDay: 1_000,
  messagesReserve: 0.3,
  countries: null,
  refusedNumberTypes: ['PREMIUM_RATE', 'SHARED_COST', 'VOIP', 'UAN', 'PAGER', 'VOICEMAIL'],
  refusedPrefixes: [
    '+870',
    '+878',
    '+881',
    '+882',
    '+883',
    '+888',
    '+979',
    '+1900',
    '+1976',
    '+449',
    '+49900',
    '+49137',
  ],
  accessTtlMs: hour,
  refreshTtlMs: 30 * day,
  sessionsPerAccount: 50,
  tokensPerAccount: 20,
  botsPerAccount: 100,

  requestsPerAddress: { burst: 4_000, perSecond: 400 },
  requestsPerAccount: { burst: 2_000, perSecond: 200 },
  bodyBytes: 64 * 1024,
  connections: 10_000,
  requestTimeoutMs: 30 * second,

  heartbeatMs: 5 * second,
  awayAfterMs: 15 * second,
  lostAfterMs: 120 * second,
  sweepMs: second,
  moderatorAwaitedMs: 10 * minute,
  unjoinedRoomMs: 10 * minute,
  invitationMs: minute,
  programAnswerMs: 5 * second,
  programCallsPerRoom: { burst: 30, perSecond: 3 },
  roomsPerAccount: 3,
  sessionsAnnouncedPerAccount: 100,
  participantsPerRoom: 5_000,
  handsPerRoom: 200,
  subscribersPerAccount: 100,
  eventRetentionMs: hour,
  sseHeartbeatMs: 10 * second,
  mediaTokenTtlMs: 10 * minute,
}
