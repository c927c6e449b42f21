import type { RoomEvent } from '../protocol/events.ts'
import type { Playing } from '../protocol/program.ts'
import type { Invitation, Joined, Participant, Room } from '../protocol/rooms.ts'

/** A date that the server had ready, or a moment that passed before it was sent. */
const SLACK_MS = 500

/** How far the server's clock is ahead of this machine's, in ms, by the `Date` of its answers (RFC 9110, 6.6.1: whole seconds). */
export const createServerClock = () => {
  let aheadMs = 0
  return {
    aheadMs: () => aheadMs,
    /** One answer, and when by this machine's clock it was asked for and came. What is known stays while it can be true. */
    take: (date: unknown, askedAtMs: number, cameAtMs: number) => {
      const serverMs = typeof date === 'string' ? Date.parse(date) : Number.NaN
      if (Number.isNaN(serverMs)) return
      const least = serverMs - SLACK_MS - cameAtMs
      const most = serverMs + 1_000 + SLACK_MS - askedAtMs
      if (aheadMs < least || aheadMs > most) aheadMs = Math.round((least + most) / 2)
    },
  }
}

/** The answer to a join, its instants by this machine's clock: faces count by them. */
export const joinedHere = (joined: Joined, aheadMs: number): Joined => ({
  ...joined,
  room: roomHere(joined.room, aheadMs),
  participants: joined.participants.map((one) => participantHere(one, aheadMs)),
  invitation: joined.invitation && invitationHere(joined.invitation, aheadMs),
})

/** The same of an event. */
export const eventHere = (event: RoomEvent, aheadMs: number): RoomEvent => {
  if (event.type === 'room') return { ...event, room: roomHere(event.room, aheadMs) }
  if (event.type === 'participant') return { ...event, participant: participantHere(event.participant, aheadMs) }
  if (event.type === 'invited-to-speak') return { ...event, invitation: invitationHere(event.invitation, aheadMs) }
  return event
}

export const roomHere = (room: Room, aheadMs: number): Room => ({
  ...room,
  createdAt: here(room.createdAt, aheadMs),
  awaited: room.awaited && { ...room.awaited, until: here(room.awaited.until, aheadMs) },
  playing: room.playing && playingHere(room.playing, aheadMs),
})

const participantHere = (one: Participant, aheadMs: number): Participant =>
  one.playing ? { ...one, playing: playingHere(one.playing, aheadMs) } : one

const playingHere = <P extends Playing>(playing: P, aheadMs: number): P => ({
  ...playing,
  startedAt: here(playing.startedAt, aheadMs),
  until: playing.until && here(playing.until, aheadMs),
})

const invitationHere = (invitation: Invitation, aheadMs: number): Invitation => ({
  ...invitation,
  expiresAt: here(invitation.expiresAt, aheadMs),
})

const here = (instant: string, aheadMs: number): string => new Date(Date.parse(instant) - aheadMs).toISOString()
