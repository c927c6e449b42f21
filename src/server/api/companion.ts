import type { Handlers } from '../call.ts'
import { grantCompanion } from '../domain/presence.ts'
import { randomId } from '../domain/random.ts'
import { mediaToken } from '../media-tokens.ts'
import { refuseSignedOut } from '../presence-clock.ts'
import { personOf, type RoomContext } from '../room-context.ts'
import { loadRoom } from '../room-store.ts'

const maxCompanions = 5

/** A seat for any LiveKit client: an identity of its own, with what its owner may do now. */
export const companionHandlers = (context: RoomContext): Pick<Handlers, 'companion'> => ({
  companion: async ({ params, caller }) => {
    const { rooms, store, settings, mediaServer, media } = context
    const newId = randomId(context.randomBytes)
    const state = await loadRoom(store.db, params.roomId)
    const grant = (current: typeof state, now: number) =>
      grantCompanion(current, personOf(caller), { now, newId, maxCompanions })
    grant(state, context.now())
    const url = await mediaServer.openRoom(state.id, state.mediaName)
    const { after } = await rooms.change(params.roomId, (current, now) => ({ next: grant(current, now) }))
    await refuseSignedOut(context, caller)
    const companion = after.members.find((member) => member.id === newId)!
    return {
      url,
      token: await mediaToken(media, after.mediaName, companion, settings.mediaTokenTtlMs),
      identity: newId,
      room: after.mediaName,
    }
  },
})
