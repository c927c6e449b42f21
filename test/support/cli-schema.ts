import { z } from 'zod'
import * as accounts from '../../src/protocol/accounts.ts'
import { calendarFeedSchema, occurrenceSchema } from '../../src/protocol/calendar.ts'
import { hallwayEventSchema, leaveReasonSchema } from '../../src/protocol/events.ts'
import * as rooms from '../../src/protocol/rooms.ts'
import type { SeatEvent, SeatState } from '../../src/protocol/seat.ts'
import { serverInfoSchema } from '../../src/protocol/server.ts'
import { botLogSchema, botRunEventSchema, botStatusSchema } from './cli-schema-bot.ts'
import { fitnessReportSchema, swarmReportSchema } from './cli-schema-check.ts'

// What --json and --jsonl print, by command. docs/cli.schema.json is made from this; tests parse real output with it.

const handle = accounts.handleSchema.nullable()
const whom = { participantId: z.string(), name: z.string() }
const knownWhom = { ...whom, handle }
const event = <T extends string, S extends z.ZodRawShape>(type: T, shape: S) =>
  z.object({ at: accounts.instantSchema, type: z.literal(type), ...shape })
const muting = { ...knownWhom, isYou: z.boolean(), byModerator: z.boolean() }
const device = { device: z.enum(['microphone', 'speaker']), name: z.string() }
const leaving = z.enum([...leaveReasonSchema.options, 'unreachable', 'not-allowed', 'interrupted', 'done', 'failed'])
const quality = z.enum(['excellent', 'good', 'poor', 'lost', 'unknown'])

export const seatEventSchema = z.discriminatedUnion('type', [
  event('joined', {
    room: z.string(),
    title: z.string(),
    seatId: z.uuid(),
    you: z.string(),
    role: rooms.roleSchema,
    participants: z.number().int(),
  }),
  event('participant-joined', { ...knownWhom, role: rooms.roleSchema, kind: z.string() }),
  event('participant-left', { ...knownWhom, reason: leaveReasonSchema, by: z.string().nullable() }),
  event('role-changed', { ...knownWhom, isYou: z.boolean(), role: rooms.roleSchema, was: rooms.roleSchema }),
  event('hand-raised', {
    ...knownWhom,
    isYou: z.boolean(),
    question: z.string().nullable(),
    position: z.number().int(),
  }),
  event('hand-lowered', { ...whom, isYou: z.boolean(), reason: z.string() }),
  event('invited-to-speak', { ...whom, isYou: z.boolean(), by: z.string(), expiresAt: accounts.instantSchema }),
  event('invitation-closed', { ...whom, isYou: z.boolean(), outcome: z.string() }),
  event('muted', muting),
  event('unmuted', muting),
  event('speaking', { ...whom, isYou: z.boolean(), isSpeaking: z.boolean(), levelDb: z.number() }),
  event('recording', { isRecorded: z.boolean(), names: z.array(z.string()) }),
  event('room-changed', { title: z.string() }),
  event('playing', { playing: rooms.roomSchema.shape.playing }),
  event('moderator-awaited', { names: z.array(z.string()), until: accounts.instantSchema.nullable() }),
  event('reconnecting', { cause: z.string() }),
  event('reconnected', { afterMs: z.number() }),
  event('device-lost', device),
  event('device-back', device),
  event('heard', {
    who: z.string(),
    handle,
    participantId: z.string(),
    seconds: z.number(),
    levelDb: z.number(),
    frequencyHz: z.number(),
    longestGapMs: z.number(),
    isFinal: z.boolean(),
  }),
  event('warning', { message: z.string() }),
  event('left', { reason: leaving, by: z.string().nullable(), message: z.string() }),
])

const seatParticipant = rooms.participantSchema.omit({ handle: true, joinedAt: true }).extend({
  handle,
  isYou: z.boolean(),
  isMuted: z.boolean(),
  isSpeaking: z.boolean(),
  levelDb: z.number(),
  quality,
  volume: z.number(),
  isSilenced: z.boolean(),
})
const deviceState = z.object({ name: z.string(), status: z.enum(['ok', 'replaced', 'lost', 'none']) })

export const seatStateSchema = z.object({
  seatId: z.string(),
  pid: z.number().int(),
  room: z.object({
    id: z.string().nullable(),
    title: z.string(),
    link: z.string().nullable(),
    isRecorded: z.boolean(),
    startedAt: z.string().nullable(),
    awaited: z.object({ names: z.array(z.string()), until: z.string() }).nullable(),
    topic: z.string().nullable(),
    language: z.string().nullable(),
    sound: rooms.soundSchema,
    hands: rooms.handsPolicySchema,
    playing: rooms.roomSchema.shape.playing,
  }),
  connection: z.discriminatedUnion('status', [
    z.object({ status: z.literal('joining') }),
    z.object({ status: z.literal('live') }),
    z.object({ status: z.literal('reconnecting'), since: z.string(), cause: z.string() }),
    z.object({ status: z.literal('left'), reason: leaving, by: z.string().nullable() }),
  ]),
  you: z.object({
    id: z.string(),
    name: z.string(),
    handle,
    role: rooms.roleSchema,
    microphone: z.enum(['open', 'muted', 'muted-by-moderator', 'listening', 'hand-raised', 'invited', 'no-microphone']),
    isMuted: z.boolean(),
    isTalkingWhileMuted: z.boolean(),
    levelDb: z.number(),
    hand: z.object({ position: z.number().int(), question: z.string().nullable() }).nullable(),
    invitation: rooms.invitationSchema.nullable(),
    isNoiseSuppressed: z.boolean(),
    isDeafened: z.boolean(),
    volume: z.number(),
  }),
  devices: z.object({ microphone: deviceState, speaker: deviceState }),
  participants: z.array(seatParticipant),
  counts: z.object({ speakers: z.number().int(), listeners: z.number().int() }),
  hands: z.array(rooms.handSchema),
  network: z.object({ roundTripMs: z.number().nullable(), lossPercent: z.number().nullable(), quality }),
})

// The wire's types and these schemas say the same, both ways.
type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : never) : never
/** That a seat does not answer is for its faces alone. */
type ToldState = Omit<SeatState, 'connection'> & {
  connection: Exclude<SeatState['connection'], { status: 'unresponsive' }>
}
export const agrees: [
  Same<z.output<typeof seatEventSchema>, SeatEvent>,
  Same<z.output<typeof seatStateSchema>, ToldState>,
] = [true, true]

const setting = z.object({
  key: z.string(),
  value: z.string(),
  origin: z.enum(['environment', 'project', 'user', 'default']),
})
const audioDevice = z.object({
  id: z.string(),
  name: z.string(),
  isDefault: z.boolean(),
  channels: z.number().int(),
  sampleRate: z.number().int(),
})

export const botCheckSchema = z.object({
  ok: z.boolean(),
  session: z.string().nullable(),
  file: z.string().nullable(),
  problems: z.array(
    z.object({ file: z.string(), line: z.number().int(), column: z.number().int(), message: z.string() }),
  ),
  warnings: z.array(z.string()),
  next: z.array(z.object({ at: accounts.instantSchema, local: z.string() })),
  programs: z.array(
    z.object({
      variant: z.string().nullable(),
      title: z.string(),
      channels: z.union([z.literal(1), z.literal(2)]),
      durationMs: z.number().nullable(),
      cues: z.array(
        z.object({
          cue: z.string(),
          kind: z.enum(['play', 'say', 'bell', 'silence', 'bed', 'floor']),
          what: z.string(),
          title: z.string().nullable(),
          atMs: z.number().nullable(),
          lengthMs: z.number().nullable(),
          lufs: z.number().nullable(),
          place: z.string(),
        }),
      ),
    }),
  ),
})

export const documents = {
  'login --json': accounts.accountSchema,
  'login (code sent)': z.object({ sent: z.literal(true) }),
  'whoami --json': accounts.accountSchema.extend({ server: z.url() }),
  'sessions --json': accounts.sessionsSchema,
  'token ROOM --json': rooms.companionSchema,
  'token create --json': accounts.createdTokenSchema,
  'token list --json': accounts.accessTokensSchema,
  'rooms --json': z.object({ rooms: z.array(rooms.roomSchema) }),
  'rooms --jsonl': hallwayEventSchema,
  'room create|show|edit --json': rooms.roomSchema,
  'event list --json': z.object({ events: z.array(occurrenceSchema) }),
  'event link --json': calendarFeedSchema,
  'join --jsonl': seatEventSchema,
  'status --json, and every verb of the running seat': seatStateSchema,
  'stage hands --json': rooms.handsSchema,
  'serve --json': z.object({
    url: z.url(),
    pid: z.number().int(),
    version: z.string(),
    data: z.string().nullable(),
    media: z.object({ url: z.string(), isEmbedded: z.boolean() }),
  }),
  'server status --json': serverInfoSchema.extend({
    url: z.url(),
    pid: z.number().int(),
    startedByCommand: z.boolean(),
  }),
  'bot check --json': botCheckSchema,
  'bot run --jsonl': botRunEventSchema,
  'bot status --json': botStatusSchema,
  'bot log --json': botLogSchema,
  'bot next --json': z.object({
    session: z.string(),
    zone: z.string().nullable(),
    next: z.array(z.object({ at: accounts.instantSchema, local: z.string(), ruled: z.string() })),
    skipped: z.array(z.object({ ruled: z.string(), why: z.enum(['except', 'gap']) })),
  }),
  'bot render --json': z.object({
    file: z.string(),
    durationMs: z.number(),
    channels: z.union([z.literal(1), z.literal(2)]),
    warnings: z.array(z.string()),
  }),
  'check room|join|latency --json': swarmReportSchema,
  'check server --json': fitnessReportSchema,
  'devices --json': z.object({
    engine: z.string(),
    inputs: z.array(audioDevice),
    outputs: z.array(audioDevice),
    problem: z.string().optional(),
    chosen: z.object({ microphone: z.string(), speaker: z.string() }),
  }),
  'devices test --json': z.object({
    speaker: z.string().nullable(),
    microphone: z.string().nullable(),
    levelDb: z.number(),
    frequencyHz: z.number(),
    seconds: z.number(),
  }),
  'doctor --json': z.object({
    ok: z.boolean(),
    findings: z.array(
      z.object({
        name: z.string(),
        status: z.enum(['ok', 'warning', 'failed']),
        says: z.string(),
        mend: z.string().optional(),
      }),
    ),
  }),
  'config list --json': z.object({ settings: z.array(setting) }),
  'config get --json': setting,
} satisfies Record<string, z.ZodType>
