import type { FastifyInstance } from 'fastify'
import { apiError } from '../protocol/errors.ts'
import { type RouteName, routes } from '../protocol/routes.ts'
import type { AccountRouteName } from './accounts.ts'
import type { Caller, Handlers } from './call.ts'
import type { Deps } from './deps.ts'

/** Rooms, stage, presence, live events and the media plane, as the server starts them. */
export type RoomPlane = {
  handlers: Omit<Handlers, AccountRouteName>
  counts(): { liveRooms: number; seats: number; subscribers: number }
  /** A session (or, with `sessionId` null, all sessions or the token of an account) was revoked: its seats go (R1). */
  onSessionRevoked(accountId: string, sessionId: string | null): Promise<void>
  /** Ends event streams, before the listener closes. */
  endStreams(): void
  close(): Promise<void>
}

/** `app` is for routes outside the table (event stream, webhooks, link page); `callerOf` authenticates them. */
export const startRoomPlane = async (
  _deps: Deps,
  _app: FastifyInstance,
  _callerOf: (request: import('fastify').FastifyRequest) => Promise<Caller>,
): Promise<RoomPlane> => ({
  handlers: Object.fromEntries(
    (Object.keys(routes) as RouteName[]).map((name) => [
      name,
      async () => {
        throw apiError('unavailable', 'Not here yet.')
      },
    ]),
  ) as unknown as RoomPlane['handlers'],
  counts: () => ({ liveRooms: 0, seats: 0, subscribers: 0 }),
  onSessionRevoked: async () => {},
  endStreams: () => {},
  close: async () => {},
})
