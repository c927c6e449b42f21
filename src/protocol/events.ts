import { z } from 'zod'
import { instantSchema } from './accounts.ts'
import { programCommandSchema } from './program.ts'
import { handSchema, invitationSchema, participantSchema, roomSchema } from './rooms.ts'

export const leaveReasonSchema = z.enum(['left', 'kicked', 'lost', 'replaced', 'room-ended', 'signed-out'])
export type LeaveReason = z.infer<typeof leaveReasonSchema>

const session = { eventId: z.uuid(), name: z.string(), title: z.string(), ruled: z.string(), startsAt: instantSchema }
/** To the owner of a scheduled session and their bots: no host opened it in the first 60 s. */
const sessionUnhosted = z.object({ type: z.literal('session-unhosted'), ...session })
/** The same session has been opened after all. */
const sessionHosted = z.object({ type: z.literal('session-hosted'), ...session, roomId: z.uuid() })

/**
 * One change, as SSE: `id` is its cursor, `event` its `type`, `data` the rest as JSON. Subscribe with
 * `GET /api/events?room=ID` (being in the room) or `GET /api/events` (the hallway); `Last-Event-ID` or `?cursor=`
 * resumes after that event: nothing missed, nothing doubled. A cursor too old answers one `reset` event: fetch anew.
 */
export const roomEventSchema = z.discriminatedUnion('type', [
  /** Somebody joined, or something about them changed: replace by `participant.id`. */
  z.object({ type: z.literal('participant'), participant: participantSchema, isNew: z.boolean() }),
  z.object({
    type: z.literal('participant-left'),
    participantId: z.string(),
    reason: leaveReasonSchema,
    by: z.string().nullable(),
  }),
  /** To moderators and the asker. Raising again replaces the question, keeps the place. */
  z.object({ type: z.literal('hand-raised'), hand: handSchema }),
  z.object({
    type: z.literal('hand-lowered'),
    participantId: z.string(),
    reason: z.enum(['self', 'moderator', 'on-stage', 'left']),
  }),
  /** To moderators and the invitee. */
  z.object({ type: z.literal('invited-to-speak'), participantId: z.string(), invitation: invitationSchema }),
  z.object({
    type: z.literal('invitation-closed'),
    participantId: z.string(),
    outcome: z.enum(['accepted', 'declined', 'expired', 'withdrawn']),
  }),
  z.object({ type: z.literal('room'), room: roomSchema }),
  z.object({ type: z.literal('room-ended'), roomId: z.uuid(), by: z.string().nullable(), at: instantSchema }),
  /** To that bot alone, which answers by `answerProgramCommand`; not delivered any more after `until`. */
  z.object({
    type: z.literal('program-command'),
    id: z.uuid(),
    participantId: z.string(),
    command: programCommandSchema,
    /** The moderator's name. */
    by: z.string(),
    until: instantSchema,
  }),
  // Of the hallway alone, whose events are all among these.
  sessionUnhosted,
  sessionHosted,
  z.object({ type: z.literal('reset') }),
])
export type RoomEvent = z.infer<typeof roomEventSchema>

export const hallwayEventSchema = z.discriminatedUnion('type', [
  /** A room opened or changed: replace by `room.id`. */
  z.object({ type: z.literal('room'), room: roomSchema }),
  z.object({ type: z.literal('room-ended'), roomId: z.uuid(), by: z.string().nullable(), at: instantSchema }),
  sessionUnhosted,
  sessionHosted,
  z.object({ type: z.literal('reset') }),
])
export type HallwayEvent = z.infer<typeof hallwayEventSchema>
