import { z } from 'zod'
import { instantSchema } from './accounts.ts'
import { lineSchema } from './line.ts'

/** What a title or an artist has at most. */
export const PLAYING_CHARACTERS = 120

/** What a bot in a room plays now, for all faces; times are instants, so that each face counts by itself. */
export const playingSchema = z.object({
  kind: z.enum(['sound', 'speech', 'silence', 'floor']),
  title: z.string().nullable(),
  artist: z.string().nullable(),
  startedAt: instantSchema,
  /** When it ends, if that is known; null while paused, too. */
  until: instantSchema.nullable(),
  isPaused: z.boolean(),
})
export type Playing = z.infer<typeof playingSchema>

/** What a moderator may ask of a bot's program. Times are ms of session time. */
export const programCommandSchema = z.discriminatedUnion('do', [
  z.strictObject({ do: z.literal('pause') }),
  z.strictObject({ do: z.literal('resume') }),
  /** On to the next cue, or the next item of a playlist. */
  z.strictObject({ do: z.literal('skip') }),
  /** Ends the program; the bot leaves. */
  z.strictObject({ do: z.literal('stop') }),
  z.strictObject({ do: z.literal('cue'), name: lineSchema(80) }),
  z.strictObject({
    do: z.literal('goto'),
    to: z.union([z.strictObject({ cue: lineSchema(80) }), z.strictObject({ ms: z.number().int().min(0) })]),
  }),
  /** What sounds now (a silence, a floor, a playlist) lasts longer, and all after it is later by as much. */
  z.strictObject({ do: z.literal('extend'), ms: z.number().int().min(-86_400_000).max(86_400_000) }),
  z.strictObject({
    do: z.literal('level'),
    of: z.enum(['all', 'voice', 'bed', 'bell']),
    db: z.number().min(-60).max(12),
  }),
])
export type ProgramCommand = z.infer<typeof programCommandSchema>

/** What became of a command; `code` is one of protocol/errors. */
export const programAnswerSchema = z.object({ ok: z.boolean(), code: z.string().nullable(), message: z.string() })
export type ProgramAnswer = z.infer<typeof programAnswerSchema>

/** What a bot says of itself: what it plays from now on, or that it plays nothing. */
export const setPlayingSchema = z.strictObject({
  seatId: z.uuid(),
  playing: z
    .strictObject({
      ...playingSchema.shape,
      title: lineSchema(PLAYING_CHARACTERS).nullable(),
      artist: lineSchema(PLAYING_CHARACTERS).nullable(),
    })
    .nullable(),
})
export const commandProgramSchema = z.strictObject({ command: programCommandSchema })
/** The bot's answer to the `program-command` of that id. */
export const answerProgramSchema = z.strictObject({
  seatId: z.uuid(),
  commandId: z.uuid(),
  answer: z.strictObject({ ok: z.boolean(), code: z.string().max(40).nullable(), message: z.string().max(500) }),
})
