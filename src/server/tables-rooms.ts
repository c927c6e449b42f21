import type { Room } from '../protocol/rooms.ts'
import type { LeftReason, Member } from './domain/room-state.ts'

/**
 * What rooms, stages and events keep in the store. Columns named `…_json` are JSON text; instants are milliseconds
 * since 1970. No foreign keys to accounts: a record of who was on stage outlives a revoked bot.
 */
export type RoomTables = {
  room: {
    id: string
    media_name: string
    creator_id: string
    title: string
    topic: string | null
    language: string | null
    sound: Room['sound']
    hands: Room['hands']
    hands_list_json: string
    recording: Room['recording']
    /** The occurrence of a scheduled session that it is for. */
    event_id: string | null
    ruled: string | null
    starts_at: number | null
    closes_at: number | null
    created_at: number
    ended_at: number | null
    ended_by: string | null
    hosts_json: string
    kicked_json: string
    muted_json: string
    awaited_json: string | null
    awaited_until: number | null
    empty_since: number | null
    /** The public view, as it was after the last change, so that a list is one query. */
    view_json: string
    /** Lower case: title, topic, names and handles of the stage. */
    search: string
    /** Whose media server it lives on, where servers have their own; see cluster. */
    media_server: string | null
  }
  /** One seat in a room, live or left. */
  participant: {
    id: string
    room_id: string
    account_id: string
    owner_id: string | null
    kind: Member['kind']
    name: string
    handle: string
    session_id: string | null
    token_id: string | null
    role: Member['role']
    muted_by_moderator: boolean
    seat_id: string | null
    is_muted: boolean
    is_recording: boolean
    is_listed: boolean
    joined_at: number
    stage_at: number | null
    last_seen_at: number
    away_at: number | null
    hand_order: number | null
    hand_raised_at: number | null
    hand_question: string | null
    invited_by: string | null
    invitation_expires_at: number | null
    playing_json: string | null
    left_at: number | null
    left_reason: LeftReason | null
    left_by: string | null
  }
  /** The last sequence number of each topic, and the highest that is no longer kept. */
  event_topic: { topic: string; seq: number; floor: number }
  event: {
    topic: string
    seq: number
    type: string
    data_json: string
    /** Only for moderators, and for `to_participant` if named. */
    to_moderators: boolean
    /** Without `to_moderators`: for this participant alone. */
    to_participant: string | null
    created_at: number
  }
}
