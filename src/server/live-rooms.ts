import type { Transaction } from 'kysely'
import { apiError } from '../protocol/errors.ts'
import type { Deps } from './deps.ts'
import { changesBetween, type RoomChange } from './domain/room-changes.ts'
import { isHere, isOnStage, type Member, type RoomState, roomView } from './domain/room-state.ts'
import { settleRoom } from './domain/rooms.ts'
import { appendEvents, type EventDraft, hallway, openTopic, roomTopic, topicState } from './event-log.ts'
import type { EventFeeds } from './events.ts'
import { insertRoom, loadRoomLocked, saveRoom } from './room-store.ts'
import type { Database } from './tables.ts'

/** A rule's answer: the next state, and which participant did it, if any. */
type Step = { next: RoomState; actorId?: string }
/** `cursor` is where a subscription to the room continues. */
type Changed = { before: RoomState; after: RoomState; cursor: number }

export type LiveRooms = {
  /**
   * Runs a rule on a locked room, stores what changed with its events, then tells subscribers and the media plane.
   * `first` comes before the rule in the same transaction; what it throws undoes all.
   */
  change(
    roomId: string,
    rule: (state: RoomState, now: number) => Step,
    first?: (trx: Transaction<Database>) => Promise<void>,
  ): Promise<Changed>
  /** Appends an event to a room that changes nothing of it; gives its cursor. */
  tell(roomId: string, draft: (state: RoomState, now: number) => EventDraft): Promise<number>
  /** `claim`: for a scheduled session, in the same transaction; a room that it gives is there already. Gives the room's id. */
  open(
    state: RoomState,
    allowed: (liveRooms: number) => void,
    claim?: (trx: Transaction<Database>) => Promise<string | null>,
  ): Promise<string>
  counts(): { liveRooms: number; seats: number }
  /** Counts anew what the store has, as after a start, or because other servers change it, too. */
  count(): Promise<void>
}

export const createLiveRooms = (
  deps: Pick<Deps, 'store' | 'now' | 'settings' | 'publicUrl'>,
  feeds: EventFeeds,
  /** The rights of these changed, or they have to go, or the room ended. */
  onMediaChange: (roomId: string, identities: string[]) => void,
): LiveRooms => {
  const { store, now, settings, publicUrl } = deps
  const seats = new Map<string, number>()
  const remember = (state: RoomState) => {
    if (state.ended) seats.delete(state.id)
    else seats.set(state.id, state.members.filter(isHere).length)
  }

  const change: LiveRooms['change'] = async (roomId, rule, first) => {
    const changed = await store.transaction(async (trx) => {
      const before = await loadRoomLocked(trx, roomId)
      await first?.(trx)
      const at = now()
      const { next, actorId = null } = rule(before, at)
      const after = settleRoom(before, next, { now: at, lostModeratorMs: settings.moderatorAwaitedMs })
      if (isSame(before, after)) return { before, after, cursor: await cursorOf(trx, roomTopic(roomId)) }
      await saveRoom(trx, before, after)
      const own = changesBetween(before, after, { actorId, now: at, publicUrl: publicUrl() }).map(draftOf)
      const cursor = await (own.length > 0
        ? appendEvents(trx, roomTopic(roomId), own, at)
        : cursorOf(trx, roomTopic(roomId)))
      const news = hallwayNews(before, after, publicUrl())
      if (news) await appendEvents(trx, hallway, [news], at)
      return { before, after, cursor }
    })
    remember(changed.after)
    feeds.notify(roomTopic(roomId))
    feeds.notify(hallway)
    const identities = changedRights(changed.before, changed.after)
    if (identities.length > 0 || (changed.after.ended && !changed.before.ended)) onMediaChange(roomId, identities)
    return changed
  }

  const tell: LiveRooms['tell'] = async (roomId, draft) => {
    const cursor = await store.transaction(async (trx) => {
      const state = await loadRoomLocked(trx, roomId)
      const at = now()
      return appendEvents(trx, roomTopic(roomId), [draft(state, at)], at)
    })
    feeds.notify(roomTopic(roomId))
    return cursor
  }

  const open: LiveRooms['open'] = async (state, allowed, claim) => {
    const creatorId = state.hosts.find((host) => host.isCreator)!.accountId
    const known = await store.transaction(async (trx) => {
      const known = await claim?.(trx)
      if (known) return known
      // Locks the account, so that rooms opened at once are counted one after another.
      await trx.selectFrom('account').select('id').where('id', '=', creatorId).forUpdate().execute()
      const { live } = await trx
        .selectFrom('room')
        .select(({ fn }) => fn.countAll<number>().as('live'))
        .where('creator_id', '=', creatorId)
        .where('ended_at', 'is', null)
        .where('event_id', 'is', null)
        .executeTakeFirstOrThrow()
      if (!claim) allowed(live)
      await insertRoom(trx, state)
      await openTopic(trx, roomTopic(state.id))
      await appendEvents(
        trx,
        hallway,
        [toEverybody({ type: 'room', room: roomView(state, publicUrl()) })],
        state.createdAt,
      )
      return null
    })
    if (known) return known
    remember(state)
    feeds.notify(hallway)
    return state.id
  }

  return {
    change,
    tell,
    open,
    counts: () => ({ liveRooms: seats.size, seats: [...seats.values()].reduce((sum, count) => sum + count, 0) }),
    count: async () => {
      const rows = await store.db
        .selectFrom('room')
        .leftJoin('participant', (join) =>
          join
            .onRef('participant.room_id', '=', 'room.id')
            .on('participant.left_at', 'is', null)
            .on('participant.is_listed', '=', true),
        )
        .select(({ fn }) => ['room.id', fn.count<number>('participant.id').as('count')])
        .where('ended_at', 'is', null)
        .groupBy('room.id')
        .execute()
      seats.clear()
      for (const row of rows) seats.set(row.id, row.count)
    },
  }
}

/** The seat that a call speaks for; who was thrown out is told so. */
export const seatOf = (state: RoomState, accountId: string, seatId: string): Member => {
  if (state.ended) throw apiError('room-ended', 'This room has ended.')
  const member = state.members.find(
    (candidate) => isHere(candidate) && candidate.seatId === seatId && candidate.accountId === accountId,
  )
  if (!member) throw notInRoom()
  return member
}

export const notInRoom = () => apiError('not-in-room', 'You are not in this room.')

/** Who `:who` means: a participant id, or `@handle` where it is unambiguous. */
export const participantNamed = (state: RoomState, who: string): Member => {
  const here = state.members.filter(isHere)
  const byId = here.find((member) => member.id === who)
  if (byId) return byId
  const handle = who.startsWith('@') ? who.slice(1).toLowerCase() : null
  const found = here.filter((member) => member.handle === handle && member.kind !== 'companion')
  if (found.length > 1)
    throw apiError('conflict', `${found.length} participants are ${who}: ${found.map(({ name }) => name).join(', ')}.`)
  if (!found[0]) throw apiError('not-found', 'No such participant in this room.')
  return found[0]
}

// Whoever appends to a room's topic holds the room's lock, as the caller does.
const cursorOf = async (trx: Transaction<Database>, topic: string) => (await topicState(trx, topic))!.seq

const isSame = (before: RoomState, after: RoomState) =>
  before === after ||
  (JSON.stringify({ ...before, members: null }) === JSON.stringify({ ...after, members: null }) &&
    before.members.length === after.members.length &&
    after.members.every((member, index) => member === before.members[index]))

const draftOf = ({ event, audience }: RoomChange): EventDraft => ({
  ...toEverybody(event),
  toModerators: audience.to === 'moderators',
  toParticipant: audience.to === 'moderators' ? audience.and : audience.to === 'participant' ? audience.id : null,
})

const toEverybody = <E extends { type: string }>({ type, ...data }: E): EventDraft => ({
  type,
  data,
  toModerators: false,
  toParticipant: null,
})

const hallwayNews = (before: RoomState, after: RoomState, publicUrl: string): EventDraft | null => {
  if (after.ended) {
    const at = new Date(after.ended.at).toISOString()
    return before.ended ? null : toEverybody({ type: 'room-ended', roomId: after.id, by: after.ended.by, at })
  }
  const room = roomView(after, publicUrl)
  if (JSON.stringify(roomView(before, publicUrl)) === JSON.stringify(room)) return null
  return toEverybody({ type: 'room', room })
}

const changedRights = (before: RoomState, after: RoomState): string[] => {
  const was = new Map(before.members.map((member) => [member.id, member]))
  const changed = after.members.filter((member) => {
    const old = was.get(member.id)
    return old !== undefined && old !== member && rights(old) !== rights(member)
  })
  return changed.map(({ id }) => id)
}

const rights = (member: Member) =>
  JSON.stringify([member.left === null, member.awayAt === null, isOnStage(member), member.mutedByModerator])
