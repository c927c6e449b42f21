import { cueKinds } from '../protocol/cues.ts'
import type { SeatRequest } from '../protocol/seat.ts'
import { stageActions } from '../protocol/stage-actions.ts'

/**
 * What a client of the control socket may ask; undefined for anything else. By hand: the schema library takes longer to
 * load than the connection for sound takes to stand, and a seat needs it for nothing else.
 */
export const readSeatRequest = (value: unknown): SeatRequest | undefined => {
  if (typeof value !== 'object' || value === null) return undefined
  const { id, verb, ...fields } = value as Record<string, unknown>
  if (!Number.isSafeInteger(id) || typeof verb !== 'string' || !Object.hasOwn(verbs, verb)) return undefined
  const checks = verbs[verb]!
  const isFitting =
    Object.keys(fields).every((name) => Object.hasOwn(checks, name)) &&
    Object.entries(checks).every(([name, check]) => check(fields[name]))
  return isFitting ? (value as SeatRequest) : undefined
}

const MAX_DUCKING_DB = 40

type Check = (value: unknown) => boolean

const optional =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value)
const isBoolean: Check = (value) => typeof value === 'boolean'
const isNumber: Check = (value) => Number.isFinite(value)
const areCues: Check = (value) =>
  Array.isArray(value) && value.length <= cueKinds.length && value.every((kind) => cueKinds.includes(kind))
const isDucking: Check = (value) => isNumber(value) && (value as number) >= 0 && (value as number) <= MAX_DUCKING_DB
const isAction: Check = (value) => (stageActions as readonly unknown[]).includes(value)
// What it means the server checks.
const isProgramCommand: Check = (value) => typeof (value as { do?: unknown } | null)?.do === 'string'
const isText =
  (maxLength: number): Check =>
  (value) =>
    typeof value === 'string' && value.length <= maxLength

const verbs: Record<string, Record<string, Check>> = {
  status: {},
  ping: {},
  subscribe: { state: optional(isBoolean), events: optional(isBoolean), patches: optional(isBoolean) },
  mute: {},
  unmute: {},
  deafen: {},
  undeafen: {},
  lower: {},
  accept: {},
  decline: {},
  'step-down': {},
  leave: {},
  talk: { on: isBoolean },
  noise: { on: isBoolean },
  hand: { question: optional(isText(1_120)) },
  volume: { percent: isNumber, who: optional(isText(200)) },
  silence: { who: isText(200) },
  hear: { who: isText(200) },
  sound: { cues: optional(areCues), duckingDb: optional(isDucking) },
  devices: { microphone: optional(isText(500)), speaker: optional(isText(500)) },
  stage: { action: isAction, who: isText(200) },
  program: { who: isText(200), command: isProgramCommand },
  'end-room': {},
  detach: {},
} satisfies Record<SeatRequest['verb'], Record<string, Check>>
