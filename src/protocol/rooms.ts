import { z } from 'zod'
import { handleSchema, instantSchema, nameSchema } from './accounts.ts'
import { lineSchema } from './line.ts'
import { playingSchema } from './program.ts'
import type { stageActions } from './stage-actions.ts'

/** A moderator is on stage too: `moderator` and `speaker` may publish, unless `mutedByModerator`. */
export const roleSchema = z.enum(['listener', 'speaker', 'moderator'])
export type Role = z.infer<typeof roleSchema>

const titleSchema = lineSchema(80)
const topicSchema = lineSchema(60)
/** A BCP 47 tag in its canonical form, `de` or `pt-BR`. */
const languageSchema = z
  .string()
  .max(35)
  .refine((tag) => canonicalTag(tag) !== null, 'must be a language tag such as de or pt-BR')
  .transform((tag) => canonicalTag(tag)!)
/** `list`: those of `handsList` alone. */
export const handsPolicySchema = z.enum(['everyone', 'list', 'off'])
/** Handles, with or without @. */
const handlesSchema = z.array(z.string().min(1).max(40))
/** What its microphones are for: `music` is stereo, without gate, suppression or gain control, unless a seat says otherwise. */
export const soundSchema = z.enum(['voice', 'music'])
const recordingPolicySchema = z.enum(['off', 'flagged'])

const stagePersonSchema = z.object({
  name: z.string(),
  handle: handleSchema,
  kind: z.enum(['person', 'bot', 'companion']),
  role: roleSchema,
})

export const roomSchema = z.object({
  id: z.uuid(),
  title: z.string(),
  /** `https://HOST/r/ID` */
  link: z.string(),
  host: z.object({ name: z.string(), handle: handleSchema }),
  topic: z.string().nullable(),
  language: z.string().nullable(),
  sound: soundSchema,
  hands: handsPolicySchema,
  /** Who may raise a hand where `hands` is `list`; else empty. */
  handsList: z.array(handleSchema),
  recording: recordingPolicySchema,
  /** True while at least one participant records (R16). */
  isRecorded: z.boolean(),
  createdAt: instantSchema,
  endedAt: instantSchema.nullable(),
  /** Present and away people on stage, moderators first, then in order of coming on stage. */
  stage: z.array(stagePersonSchema),
  /** All who are in the room: speakers + listeners = everyone in the roster. */
  counts: z.object({ speakers: z.number().int(), listeners: z.number().int() }),
  /** Names of moderators the room waits for after the last one was lost (R19), with the instant it would end. */
  awaited: z.object({ names: z.array(z.string()), until: instantSchema }).nullable(),
  /** What the first bot on stage that plays something plays now. */
  playing: playingSchema.extend({ by: z.object({ name: z.string(), handle: handleSchema }) }).nullable(),
  /** The scheduled session that it is for: until `closesAt` it stays, whoever is lost or leaves (R19). */
  session: z
    .object({
      eventId: z.uuid(),
      /** See `Occurrence.ruled`. */
      ruled: z.string(),
      startsAt: instantSchema,
      closesAt: instantSchema,
    })
    .nullable(),
})
export type Room = z.infer<typeof roomSchema>

export const createRoomSchema = z.strictObject({
  title: titleSchema,
  topic: topicSchema.nullable().optional(),
  language: languageSchema.nullable().optional(),
  sound: soundSchema.optional(),
  hands: handsPolicySchema.optional(),
  handsList: handlesSchema.max(100).optional(),
  recording: recordingPolicySchema.optional(),
  /** They join straight as moderators (F15). */
  cohosts: handlesSchema.max(20).optional(),
  /** For one occurrence there is one room: a second call gives the first one's. `fence` is of the caller's lease. */
  occurrence: z.strictObject({ eventId: z.uuid(), ruled: z.string().max(40), fence: z.number().int() }).optional(),
})
export type CreateRoom = z.infer<typeof createRoomSchema>

export const editRoomSchema = z
  .strictObject({
    title: titleSchema.optional(),
    topic: topicSchema.nullable().optional(),
    language: languageSchema.nullable().optional(),
    sound: soundSchema.optional(),
    hands: handsPolicySchema.optional(),
    handsList: handlesSchema.max(100).optional(),
    recording: recordingPolicySchema.optional(),
  })
  .refine((edit) => Object.keys(edit).length > 0, 'nothing to change')
export type EditRoom = z.infer<typeof editRoomSchema>

export const listRoomsSchema = z.strictObject({
  /** In titles, topics and names on stage. */
  search: z.string().max(80).optional(),
  /** The very topic, whatever the case of its letters. */
  topic: z.string().max(80).optional(),
  /** A language tag; `de` takes `de-AT`, too. */
  language: languageSchema.optional(),
  limit: z.coerce.number().int().min(1).max(100).optional(),
  cursor: z.string().max(200).optional(),
})
export type ListRooms = z.infer<typeof listRoomsSchema>
/** Newest first. `nextCursor` is null on the last page; `eventCursor` is where a live subscription continues. */
export const roomsSchema = z.object({
  rooms: z.array(roomSchema),
  nextCursor: z.string().nullable(),
  eventCursor: z.string(),
})
export type Rooms = z.infer<typeof roomsSchema>

/** One who is in a room. `id` is the media identity: random, its own for each person and room (F37). */
export const participantSchema = z.object({
  id: z.string(),
  name: z.string(),
  handle: handleSchema,
  kind: z.enum(['person', 'bot', 'companion']),
  role: roleSchema,
  /** The publish right was taken by a moderator (R6). */
  mutedByModerator: z.boolean(),
  hasHandUp: z.boolean(),
  isRecording: z.boolean(),
  /** No heartbeat for 15 s; held for 120 s (R20). */
  isAway: z.boolean(),
  joinedAt: instantSchema,
  /** Of a bot that has said so. */
  playing: playingSchema.nullable(),
})
export type Participant = z.infer<typeof participantSchema>

/** First come, first served. `question` reaches moderators and the asker alone (F20). */
export const handSchema = z.object({
  participantId: z.string(),
  name: z.string(),
  handle: handleSchema,
  question: z.string().nullable(),
  raisedAt: instantSchema,
  /** 1 is next. */
  position: z.number().int(),
})
export type Hand = z.infer<typeof handSchema>
export const handsSchema = z.object({ hands: z.array(handSchema) })

export const invitationSchema = z.object({ by: z.string(), expiresAt: instantSchema })
export type Invitation = z.infer<typeof invitationSchema>

export const joinRoomSchema = z.strictObject({
  /** Chosen by the seat, the same over reconnects: the same seat resumes, another one replaces it (R20). */
  seatId: z.uuid(),
  /** Bots only: each name is a participant of its own. */
  name: nameSchema.optional(),
  /** The seat writes others' voices to disk (R16). */
  recording: z.boolean().optional(),
})

const mediaAccessSchema = z.object({ url: z.string(), token: z.string() })

/** Everything a seat needs to begin, or to begin again after a cut. */
export const joinedSchema = z.object({
  room: roomSchema,
  you: participantSchema,
  participants: z.array(participantSchema),
  /** All hands for a moderator; else your own, if up. */
  hands: z.array(handSchema),
  invitation: invitationSchema.nullable(),
  /** What the seat last said of its microphone; true for a first join (R20). */
  isMuted: z.boolean(),
  media: mediaAccessSchema,
  eventCursor: z.string(),
  heartbeatMs: z.number().int(),
})
export type Joined = z.infer<typeof joinedSchema>

/** Sent every `heartbeatMs`; carries the mute intent that a reconnect keeps. */
export const heartbeatSchema = z.strictObject({ seatId: z.uuid(), isMuted: z.boolean() })
/** `away`: the server had given the seat up; it must join again (same seatId). */
export const heartbeatAnswerSchema = z.object({ status: z.enum(['present', 'away']) })

export const seatSchema = z.strictObject({ seatId: z.uuid() })
export const raiseHandSchema = z.strictObject({ seatId: z.uuid(), question: lineSchema(140).optional() })

export type StageAction = (typeof stageActions)[number]

/** A seat for any LiveKit client beside one's own: an identity of its own, never the seat's. */
export const companionSchema = z.object({ url: z.string(), token: z.string(), identity: z.string(), room: z.string() })
export type Companion = z.infer<typeof companionSchema>
export const participantsSchema = z.object({ participants: z.array(participantSchema) })

const canonicalTag = (tag: string): string | null => {
  try {
    return Intl.getCanonicalLocales(tag)[0] ?? null
  } catch {
    return null
  }
}
