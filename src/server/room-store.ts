import { type Insertable, type Selectable, sql, type Transaction } from 'kysely'
import { apiError } from '../protocol/errors.ts'
import type { Room } from '../protocol/rooms.ts'
import { linkOf, type Member, type RoomState, roomView } from './domain/room-state.ts'
import type { Db } from './store.ts'
import type { Database } from './tables.ts'

/** Reads a room and who is in it under a row lock: concurrent changes of one room follow each other (R19). */
export const loadRoomLocked = async (trx: Transaction<Database>, roomId: string): Promise<RoomState> => {
  const row = await trx.selectFrom('room').selectAll().where('id', '=', roomId).forUpdate().executeTakeFirst()
  return withMembers(trx, row)
}

export const loadRoom = async (db: Db, roomId: string): Promise<RoomState> =>
  withMembers(db, await db.selectFrom('room').selectAll().where('id', '=', roomId).executeTakeFirst())

export const insertRoom = async (trx: Transaction<Database>, state: RoomState): Promise<void> => {
  await trx
    .insertInto('room')
    .values({ id: state.id, media_name: state.mediaName, media_server: null, ...roomColumns(state) })
    .execute()
}

/** Writes what differs; members that a rule did not touch are the same objects in both states. */
export const saveRoom = async (trx: Transaction<Database>, before: RoomState, after: RoomState): Promise<void> => {
  await trx.updateTable('room').set(roomColumns(after)).where('id', '=', after.id).execute()
  const was = new Set(before.members)
  const changed = after.members.filter((member) => !was.has(member))
  // PostgreSQL takes 65,535 parameters in a statement; a member has 29.
  for (let at = 0; at < changed.length; at += 1_000) {
    await trx
      .insertInto('participant')
      .values(changed.slice(at, at + 1_000).map((member) => memberRow(after.id, member)))
      .onConflict((conflict) => conflict.column('id').doUpdateSet(excluded))
      .execute()
  }
}

/** The stored view of a room; links follow where people reach the server now. */
export const viewOf = (row: { id: string; view_json: string }, publicUrl: string): Room => ({
  ...(JSON.parse(row.view_json) as Room),
  link: linkOf(publicUrl, row.id),
})

const withMembers = async (db: Db, row: Selectable<Database['room']> | undefined): Promise<RoomState> => {
  if (!row) throw apiError('not-found', 'No such room.')
  const members = await db
    .selectFrom('participant')
    .selectAll()
    .where('room_id', '=', row.id)
    .where('left_at', 'is', null)
    .orderBy('joined_at')
    .orderBy('id')
    .execute()
  return {
    id: row.id,
    mediaName: row.media_name,
    title: row.title,
    topic: row.topic,
    language: row.language,
    sound: row.sound,
    hands: row.hands,
    handsList: JSON.parse(row.hands_list_json),
    recording: row.recording,
    createdAt: row.created_at,
    ended: row.ended_at === null ? null : { at: row.ended_at, by: row.ended_by },
    hosts: JSON.parse(row.hosts_json),
    kicked: JSON.parse(row.kicked_json),
    muted: JSON.parse(row.muted_json),
    awaited: row.awaited_json === null ? null : { people: JSON.parse(row.awaited_json), until: row.awaited_until! },
    emptySince: row.empty_since,
    session:
      row.event_id === null
        ? null
        : { eventId: row.event_id, ruled: row.ruled!, startsAt: row.starts_at!, closesAt: row.closes_at! },
    members: members.map(memberOf),
  }
}

const roomColumns = (state: RoomState): Omit<Insertable<Database['room']>, 'id' | 'media_name' | 'media_server'> => {
  const view = roomView(state, '')
  const people = view.stage.map(({ name, handle }) => `${name} @${handle}`)
  return {
    creator_id: state.hosts.find((host) => host.isCreator)!.accountId,
    title: state.title,
    topic: state.topic,
    language: state.language,
    sound: state.sound,
    hands: state.hands,
    hands_list_json: JSON.stringify(state.handsList),
    recording: state.recording,
    created_at: state.createdAt,
    ended_at: state.ended?.at ?? null,
    ended_by: state.ended?.by ?? null,
    hosts_json: JSON.stringify(state.hosts),
    kicked_json: JSON.stringify(state.kicked),
    muted_json: JSON.stringify(state.muted),
    awaited_json: state.awaited && JSON.stringify(state.awaited.people),
    awaited_until: state.awaited?.until ?? null,
    empty_since: state.emptySince,
    event_id: state.session?.eventId ?? null,
    ruled: state.session?.ruled ?? null,
    starts_at: state.session?.startsAt ?? null,
    closes_at: state.session?.closesAt ?? null,
    view_json: JSON.stringify(view),
    search: [view.title, view.topic ?? '', ...people].join('\n').toLowerCase(),
  }
}

const memberOf = (row: Selectable<Database['participant']>): Member => ({
  id: row.id,
  accountId: row.account_id,
  ownerId: row.owner_id,
  kind: row.kind,
  name: row.name,
  handle: row.handle,
  sessionId: row.session_id,
  tokenId: row.token_id,
  role: row.role,
  mutedByModerator: row.muted_by_moderator,
  seatId: row.seat_id,
  isMuted: row.is_muted,
  isRecording: row.is_recording,
  isListed: row.is_listed,
  joinedAt: row.joined_at,
  stageAt: row.stage_at,
  lastSeenAt: row.last_seen_at,
  awayAt: row.away_at,
  hand:
    row.hand_order === null
      ? null
      : { order: row.hand_order, raisedAt: row.hand_raised_at!, question: row.hand_question },
  invitation: row.invited_by === null ? null : { by: row.invited_by, expiresAt: row.invitation_expires_at! },
  playing: row.playing_json === null ? null : JSON.parse(row.playing_json),
  left: row.left_at === null ? null : { at: row.left_at, reason: row.left_reason!, by: row.left_by },
})

const memberRow = (roomId: string, member: Member): Insertable<Database['participant']> => ({
  id: member.id,
  room_id: roomId,
  account_id: member.accountId,
  owner_id: member.ownerId,
  kind: member.kind,
  name: member.name,
  handle: member.handle,
  session_id: member.sessionId,
  token_id: member.tokenId,
  role: member.role,
  muted_by_moderator: member.mutedByModerator,
  seat_id: member.seatId,
  is_muted: member.isMuted,
  is_recording: member.isRecording,
  is_listed: member.isListed,
  joined_at: member.joinedAt,
  stage_at: member.stageAt,
  last_seen_at: member.lastSeenAt,
  away_at: member.awayAt,
  hand_order: member.hand?.order ?? null,
  hand_raised_at: member.hand?.raisedAt ?? null,
  hand_question: member.hand?.question ?? null,
  invited_by: member.invitation?.by ?? null,
  invitation_expires_at: member.invitation?.expiresAt ?? null,
  playing_json: member.playing && JSON.stringify(member.playing),
  left_at: member.left?.at ?? null,
  left_reason: member.left?.reason ?? null,
  left_by: member.left?.by ?? null,
})

const changingColumns = [
  'session_id',
  'token_id',
  'role',
  'muted_by_moderator',
  'seat_id',
  'is_muted',
  'is_recording',
  'is_listed',
  'joined_at',
  'stage_at',
  'last_seen_at',
  'away_at',
  'hand_order',
  'hand_raised_at',
  'hand_question',
  'invited_by',
  'invitation_expires_at',
  'playing_json',
  'left_at',
  'left_reason',
  'left_by',
] as const
const excluded = Object.fromEntries(changingColumns.map((column) => [column, sql.ref(`excluded.${column}`)]))
