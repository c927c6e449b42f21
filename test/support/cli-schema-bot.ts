import { z } from 'zod'
import type { RunRow } from '../../src/bot/host/as-run.ts'
import type { SessionReport } from '../../src/bot/watch/report.ts'
import type { BotRunEvent } from '../../src/cli/bot-watch.ts'
import { instantSchema } from '../../src/protocol/accounts.ts'
import { playingSchema } from '../../src/protocol/program.ts'

// What the commands of a hosting bot print.

const kind = playingSchema.shape.kind
const cause = z.enum(['end', 'skip', 'goto', 'failed', 'stop', 'interrupted'])
const outcome = z.enum(['ended', 'stopped', 'kicked', 'replaced', 'room-ended', 'empty', 'interrupted', 'failed'])
// As it is told: what was asked for has been cleaned by then.
const command = z.discriminatedUnion('do', [
  z.object({ do: z.literal('pause') }),
  z.object({ do: z.literal('resume') }),
  z.object({ do: z.literal('skip') }),
  z.object({ do: z.literal('stop') }),
  z.object({ do: z.literal('cue'), name: z.string() }),
  z.object({
    do: z.literal('goto'),
    to: z.union([z.object({ cue: z.string() }), z.object({ ms: z.number().int() })]),
  }),
  z.object({ do: z.literal('extend'), ms: z.number().int() }),
  z.object({ do: z.literal('level'), of: z.enum(['all', 'voice', 'bed', 'bell']), db: z.number() }),
])
const ofSession = { at: instantSchema, session: z.string(), occurrence: z.string().nullable() }
const event = <T extends string, S extends z.ZodRawShape>(type: T, shape: S) =>
  z.object({ ...ofSession, type: z.literal(type), ...shape })
const titled = { title: z.string().nullable(), artist: z.string().nullable() }

const hostEvents = [
  event('waiting', { startsAt: instantSchema, local: z.string(), opensAt: instantSchema }),
  event('standby', {}),
  event('room', { room: z.string(), title: z.string(), link: z.string().nullable(), isTakenUp: z.boolean() }),
  event('joined', { name: z.string(), role: z.string() }),
  event('on-air', { programMs: z.number(), lateMs: z.number(), isTakenUp: z.boolean() }),
  event('began', {
    ...{ id: z.string(), cue: z.string(), kind, ...titled },
    ...{ programMs: z.number(), lengthMs: z.number().nullable(), listeners: z.number() },
  }),
  event('over', {
    ...{ id: z.string(), cue: z.string(), programMs: z.number(), sentMs: z.number(), cause },
    message: z.string().nullable(),
  }),
  event('title', { id: z.string(), title: z.string(), artist: z.string().nullable() }),
  event('paused', { cause: z.string(), by: z.string().nullable(), programMs: z.number() }),
  event('resumed', { programMs: z.number(), repeatedMs: z.number() }),
  event('floor-open', { cue: z.string() }),
  event('floor-closed', { cue: z.string() }),
  event('floor-skipped', { cue: z.string() }),
  event('admitted', { name: z.string() }),
  event('demoted', { name: z.string() }),
  event('command', { command, by: z.string(), ok: z.boolean(), message: z.string() }),
  event('reloaded', {}),
  event('warning', { message: z.string() }),
  event('restarted', { message: z.string() }),
  event('ended', { outcome, message: z.string(), code: z.string().nullable() }),
] as const
const airCause = z.enum(['no-frames', 'cut', 'unheard'])
const watchEvents = [
  event('underrun', { missedMs: z.number() }),
  event('dead-air', { cause: airCause, forMs: z.number() }),
  event('repair', { repair: z.enum(['republish', 'rejoin', 'restart']), forMs: z.number() }),
  event('on-air-again', { cause: airCause, afterMs: z.number() }),
  event('incident', {
    kind: z.enum(['not-on-air', 'dead-air', 'check-failed', 'unhosted']),
    state: z.enum(['began', 'over']),
    sinceMs: z.number(),
    message: z.string(),
  }),
] as const
const toldSchema = z.discriminatedUnion('type', [...hostEvents, ...watchEvents])
/** To each line of `--control stdin`, in order. */
const controlAnswer = z.object({
  ...{ at: instantSchema, type: z.literal('answer'), session: z.string().nullable(), line: z.string() },
  ...{ ok: z.boolean(), code: z.string().nullable(), message: z.string() },
})
export const botRunEventSchema = z.discriminatedUnion('type', [...hostEvents, ...watchEvents, controlAnswer])

const reportSchema = z.object({
  session: z.string(),
  title: z.string(),
  phase: z.enum(['waiting', 'standby', 'opening', 'open', 'on-air', 'paused', 'closing', 'over']),
  occurrence: z.string().nullable(),
  startsAt: instantSchema.nullable(),
  room: z.object({ id: z.string(), title: z.string(), link: z.string().nullable() }).nullable(),
  programMs: z.number(),
  playing: playingSchema.nullable(),
  listeners: z.number(),
  problem: z.string().nullable(),
})
export const botStatusSchema = z.object({ sessions: z.array(reportSchema.extend({ isHosted: z.boolean() })) })

const rowSchema = z.object({
  ...{ session: z.string(), occurrence: z.string(), cue: z.string(), kind, ...titled },
  ...{ startedAt: instantSchema, seconds: z.number(), listeners: z.number() },
  reason: z.enum(['skip', 'goto', 'failed', 'stop', 'interrupted', 'on air']).nullable(),
  message: z.string().nullable(),
})
export const botLogSchema = z.object({ rows: z.array(rowSchema) })

type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : never) : never
export const botsAgree: [
  Same<z.output<typeof toldSchema>, BotRunEvent>,
  Same<z.output<typeof reportSchema>, SessionReport>,
  Same<z.output<typeof rowSchema>, RunRow>,
] = [true, true, true]
