import { z } from 'zod'

export const serverInfoSchema = z.object({
  name: z.literal('roomtone'),
  version: z.string(),
  /** `gateway` false: codes do not leave this machine (console or outbox). */
  sms: z.object({ door: z.enum(['console', 'outbox', 'webhook']), gateway: z.boolean() }),
  media: z.object({
    url: z.string(),
    isEmbedded: z.boolean(),
    /** Processes of the embedded one, and how many of them run now; null where it is elsewhere. */
    workers: z.object({ all: z.number().int(), running: z.number().int() }).nullable(),
    /** How the server learns who comes and goes there: told at once, or by looking once a second. */
    watch: z.enum(['webhooks', 'polling']),
    /** What keeps the media server from working now, in one sentence. */
    problem: z.string().nullable(),
  }),
  store: z.enum(['pglite', 'postgresql']),
  liveRooms: z.number().int(),
  /** Seats and event subscribers now; an embedded server ends some time after both are 0. */
  seats: z.number().int(),
  subscribers: z.number().int(),
})
export type ServerInfo = z.infer<typeof serverInfoSchema>
