import type { CalendarTables } from './tables-calendar.ts'
import type { ClusterTables } from './tables-cluster.ts'
import type { RoomTables } from './tables-rooms.ts'

/**
 * Instants are milliseconds since 1970 in bigint columns: the same number on both stores. Hashes are base64url;
 * `phone_hash` and `address_hash` are keyed by the server's key file, so that a dump alone gives no number (R15).
 */
type AccountTables = {
  house: { id: 1; key_check: string; created_at: number }
  account: {
    id: string
    handle: string
    name: string
    kind: 'person' | 'bot'
    is_operator: boolean
    /** A bot's maker. */
    owner_id: string | null
    /** A person's number. */
    phone_hash: string | null
    /** Reads the calendar without a sign-in, in the address that calendar programs keep. */
    feed_key: string | null
    created_at: number
  }
  login: {
    id: string
    phone_hash: string
    address_hash: string
    /** Keyed hash of the leading digits of the number. */
    prefix_hash: string
    country: string
    code_hash: string
    tries: number
    /** False when the answer was given but no message was sent (the reserve of R13). */
    was_sent: boolean
    created_at: number
    expires_at: number
    used_at: number | null
  }
  session: {
    id: string
    account_id: string
    client: string
    refresh_hash: string
    refresh_expires_at: number
    created_at: number
    last_used_at: number
  }
  /** Kept some time after expiry, to tell an expired token from a foreign one. */
  session_access: { hash: string; session_id: string; expires_at: number }
  /** Refresh tokens already traded: showing one again revokes its session. */
  session_spent: {
    refresh_hash: string
    session_id: string
    spent_at: number
    /** Of the trade's id, if it had one, and of the refresh token that it gave. */
    trade_hash: string | null
    next_hash: string | null
  }
  bot_token: {
    account_id: string
    owner_id: string
    name: string
    hash: string
    created_at: number
    last_used_at: number | null
  }
}

export type Database = AccountTables & RoomTables & CalendarTables & ClusterTables
