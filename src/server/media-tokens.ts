import { AccessToken, TrackSource } from 'livekit-server-sdk'
import { type Member, mayPublish } from './domain/room-state.ts'

/**
 * What a participant may do at the media server, as LiveKit's ParticipantPermission and its token grants name it:
 * hear all, publish a microphone while on stage and not muted by a moderator, nothing else (F01, F16, F21).
 */
export const permissionOf = (member: Pick<Member, 'role' | 'mutedByModerator'>) => ({
  canSubscribe: true,
  canPublish: mayPublish(member as Member),
  canPublishData: false,
  canPublishSources: [TrackSource.MICROPHONE],
  hidden: false,
  canUpdateMetadata: false,
})

/** A LiveKit access token for one participant of one room, good for joining during `ttlMs`. */
export const mediaToken = async (
  key: { apiKey: string; apiSecret: string },
  mediaName: string,
  member: Member,
  ttlMs: number,
): Promise<string> => {
  const { canPublish, canPublishSources } = permissionOf(member)
  const token = new AccessToken(key.apiKey, key.apiSecret, {
    identity: member.id,
    name: member.name,
    ttl: Math.ceil(ttlMs / 1_000),
  })
  token.addGrant({
    roomJoin: true,
    room: mediaName,
    canSubscribe: true,
    canPublish,
    canPublishSources,
    canPublishData: false,
    canUpdateOwnMetadata: false,
  })
  return token.toJwt()
}
