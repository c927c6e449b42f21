import { grantCompanion, joinRoom, leaveRoom } from '../../../src/server/domain/presence.ts'
import { changesBetween } from '../../../src/server/domain/room-changes.ts'
import type { Member, Person, RoomState } from '../../../src/server/domain/room-state.ts'
import { openRoom, settleRoom } from '../../../src/server/domain/rooms.ts'

export const minute = 60_000
const start = Date.parse('2026-11-21T10:00:00Z')

export const person = (name: string, more: Partial<Person> = {}): Person => ({
  accountId: `account-${name}`,
  ownerId: null,
  kind: 'person',
  name,
  handle: name.toLowerCase(),
  sessionId: `session-${name}`,
  tokenId: null,
  ...more,
})
export const bot = (name: string, owner: Person): Person =>
  person(name, { accountId: 'account-bot', handle: 'bot', kind: 'bot', ownerId: owner.accountId, sessionId: null })

/** A room driven by rules, with the events each step caused. */
export type TestRoom = {
  state: RoomState
  now: number
  events: string[]
  step(rule: (state: RoomState, now: number) => RoomState, actorId?: string): void
  join(who: Person, more?: { seatId?: string; recording?: boolean; maxParticipants?: number }): Member
  leave(who: Person): void
  companion(who: Person): Member
  /** The live seat of a person; fails when there is none. */
  seat(who: Person): Member
}

export const startRoom = (host: Person, more: Partial<RoomState> & { cohosts?: Person[] } = {}): TestRoom => {
  const { cohosts = [], ...rest } = more
  const hosts = [host, ...cohosts].map(({ accountId, name, handle }, index) => ({
    accountId,
    name,
    handle,
    isCreator: index === 0,
  }))
  let ids = 0
  const room: TestRoom = {
    state: { ...openRoom({ title: 'A talk' }, hosts, { id: 'room', mediaName: 'media', now: start }), ...rest },
    now: start,
    events: [],
    step: (rule, actorId) => {
      const before = { ...room.state, members: room.state.members.filter((member) => member.left === null) }
      room.state = settleRoom(before, rule(before, room.now), { now: room.now, lostModeratorMs: 10 * minute })
      const changes = changesBetween(before, room.state, { actorId: actorId ?? null, now: room.now, publicUrl: '' })
      room.events = changes.map(({ event, audience }) => {
        const about =
          'participantId' in event ? event.participantId : 'participant' in event ? event.participant.id : ''
        const why = 'reason' in event ? event.reason : 'outcome' in event ? event.outcome : ''
        return [event.type, about, why, audience.to].filter(Boolean).join(' ')
      })
    },
    join: (who, { seatId = `seat-${who.name}`, recording = false, maxParticipants = 100 } = {}) => {
      const newId = `${who.name}-${++ids}`
      room.step((state, now) => joinRoom(state, who, { seatId, recording }, { now, newId, maxParticipants }))
      return room.state.members.find((member) => member.left === null && member.seatId === seatId)!
    },
    leave: (who) => room.step((state, now) => leaveRoom(state, room.seat(who).id, now)),
    companion: (who) => {
      const newId = `${who.name}-companion-${++ids}`
      room.step((state, now) => grantCompanion(state, who, { now, newId, maxCompanions: 2 }))
      return room.state.members.find((member) => member.id === newId)!
    },
    seat: (who) => {
      const found = room.state.members.find(
        (member) => member.left === null && member.kind === who.kind && member.name === who.name,
      )
      if (!found) throw new Error(`${who.name} is not in the room`)
      return found
    },
  }
  return room
}
