import { z } from 'zod'
import { handleSchema, instantSchema } from './accounts.ts'
import { lineSchema } from './line.ts'
import { createRoomSchema } from './rooms.ts'

/** Letters, digits and hyphens, as a session script names itself; unique for its owner. */
const sessionNameSchema = z.string().regex(/^[A-Za-z0-9](?:[A-Za-z0-9-]{0,62}[A-Za-z0-9])?$/)

/** Local date-times without offset, as `Schedule` of src/schedule has them, which also checks what they mean. */
const localSchema = z.string().max(40)
const scheduleSchema = z.strictObject({
  start: localSchema,
  zone: z.string().max(60),
  rule: z.string().max(500).optional(),
  except: z.array(localSchema).max(366).optional(),
  also: z.array(localSchema).max(366).optional(),
  gap: z.enum(['skip', 'shift']).optional(),
  fold: z.enum(['first', 'second']).optional(),
})

const hourMs = 3_600_000

export const registerSessionSchema = z.strictObject({
  title: createRoomSchema.shape.title,
  topic: createRoomSchema.shape.topic,
  language: createRoomSchema.shape.language,
  description: lineSchema(500).nullable().optional(),
  schedule: scheduleSchema,
  durationMs: z
    .number()
    .int()
    .min(1_000)
    .max(7 * 24 * hourMs),
  opensBeforeMs: z
    .number()
    .int()
    .min(0)
    .max(24 * hourMs)
    .optional(),
  /** After the end, in which the room is still there. */
  closesAfterMs: z
    .number()
    .int()
    .min(0)
    .max(24 * hourMs)
    .optional(),
})
export type RegisterSession = z.output<typeof registerSessionSchema>

/** A session that is registered; `sequence` grows with each change, as in iCalendar. */
export const registeredSessionSchema = z.object({
  id: z.uuid(),
  name: sessionNameSchema,
  title: z.string(),
  topic: z.string().nullable(),
  language: z.string().nullable(),
  description: z.string().nullable(),
  schedule: scheduleSchema,
  durationMs: z.number().int(),
  opensBeforeMs: z.number().int(),
  closesAfterMs: z.number().int(),
  host: z.object({ name: z.string(), handle: handleSchema }),
  sequence: z.number().int(),
  isCancelled: z.boolean(),
  updatedAt: instantSchema,
})
export type RegisteredSession = z.infer<typeof registeredSessionSchema>

/** One time that a session happens. */
export const occurrenceSchema = z.object({
  eventId: z.uuid(),
  name: z.string(),
  title: z.string(),
  topic: z.string().nullable(),
  language: z.string().nullable(),
  description: z.string().nullable(),
  host: z.object({ name: z.string(), handle: handleSchema }),
  /** As a clock on the wall of `zone` says it, `2027-03-01T07:00:00`. */
  local: z.string(),
  zone: z.string(),
  /** See `Occurrence` of src/schedule. */
  ruled: z.string(),
  opensAt: instantSchema,
  startsAt: instantSchema,
  endsAt: instantSchema,
  closesAt: instantSchema,
  /** The room, once there is one; `isLive` false: it has ended. */
  room: z.object({ id: z.uuid(), link: z.string(), isLive: z.boolean() }).nullable(),
})
export type OccurrenceView = z.infer<typeof occurrenceSchema>

export const listCalendarSchema = z.strictObject({
  /** Those that have not closed by then; now, unless said. */
  from: instantSchema.optional(),
  limit: z.coerce.number().int().min(1).max(100).optional(),
  cursor: z.string().max(200).optional(),
})
/** By their start; `nextCursor` is null on the last page. Two months ahead, and in any case the next one of each session. */
export const calendarSchema = z.object({ events: z.array(occurrenceSchema), nextCursor: z.string().nullable() })

/** A secret address of the calendar, for calendar programs: who has it reads without signing in. */
export const calendarFeedSchema = z.object({ url: z.string() })

/**
 * One host at a time: `holder` is the process, new at each start. Renewed every few seconds; 10 s after the last time
 * another may take it: `conflict` with `retryAfterMs` until then, and without where this occurrence is nobody's to host. `closesAt` moves the end of a session that lasts longer.
 */
export const leaseOccurrenceSchema = z.strictObject({
  holder: z.uuid(),
  closesAt: instantSchema.optional(),
  /** Where it is held in a room that was there before. */
  roomId: z.uuid().optional(),
})
export const occurrenceLeaseSchema = z.object({
  /** Grows with each change of hands: what is done under an old one is refused. */
  fence: z.number().int(),
  until: instantSchema,
  startsAt: instantSchema,
  closesAt: instantSchema,
  /** The room of the occurrence where one has been opened, also one that has ended. */
  roomId: z.uuid().nullable(),
})
export type OccurrenceLease = z.infer<typeof occurrenceLeaseSchema>
/** Another host may take it at once. */
export const releaseOccurrenceSchema = z.strictObject({ holder: z.uuid() })
