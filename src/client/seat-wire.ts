import { z } from 'zod'
import { stageActions } from '../protocol/rooms.ts'
import type { SeatRequest } from '../protocol/seat.ts'

const id = z.number().int()
const plainVerbs = ['mute', 'unmute', 'deafen', 'undeafen', 'lower', 'accept', 'decline', 'step-down', 'leave'] as const

/** What a client of the control socket may ask. */
export const seatRequestSchema: z.ZodType<SeatRequest> = z.union([
  z.strictObject({ id, verb: z.enum(['status', 'end-room', 'detach']) }),
  z.strictObject({ id, verb: z.literal('subscribe'), state: z.boolean().optional(), events: z.boolean().optional() }),
  z.strictObject({ id, verb: z.enum(plainVerbs) }),
  z.strictObject({ id, verb: z.literal('talk'), on: z.boolean() }),
  z.strictObject({ id, verb: z.literal('hand'), question: z.string().max(1_120).optional() }),
  z.strictObject({ id, verb: z.literal('volume'), percent: z.number(), who: z.string().max(200).optional() }),
  z.strictObject({ id, verb: z.literal('stage'), action: z.enum(stageActions), who: z.string().max(200) }),
])

/** What a seat's process is told to do. It comes over IPC, never on a command line: it may hold a token. */
export type SeatOrder = {
  seatId: string
  /** Where control sockets are; made with mode 0700. */
  folder: string
  /** A room of a server, with a sign-in file or a token; or a LiveKit room by its own token. */
  server?: string
  roomId?: string
  credentialsFile?: string
  token?: string
  url?: string
  mediaToken?: string
  /** Sent as User-Agent. */
  client?: string
  proxy?: { http?: string; https?: string; except?: string }
  /** `none`, `tone:HZ[@DBFS]`, `file:PATH`, `stdin`, `default` or the name of a device. */
  source: string
  /** `none`, `stdout`, `file:PATH.wav`, `default` or the name of a device. */
  speaker: string
  name?: string
  recording?: boolean
  unmuted?: boolean
  music?: boolean
  /** Stays when its last client is gone. */
  detach?: boolean
  /** Leaves by itself so long after it has joined. */
  forMs?: number
  /** How long it waits for another client when the last one is gone; 2 s. */
  keepMs?: number
  /** See audio/devices. */
  soundEngine?: string
  portaudioEntry?: string
}

/** What the process answers: that it is in the room, or why not; before that maybe what it waits for. */
export type SeatReport = { ok: true } | { ok: false; error: { code: string; message: string } } | { waiting: string }
