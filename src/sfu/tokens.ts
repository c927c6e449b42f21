import { ParticipantInfo_Kind, ParticipantPermission, TrackSource } from '@livekit/protocol'
import { TokenVerifier, type VideoGrant } from 'livekit-server-sdk'

/** What an access token says about the participant who carries it. */
export type Pass = {
  identity: string
  name: string
  metadata: string
  attributes: Record<string, string>
  kind: ParticipantInfo_Kind
  room: string
  permission: ParticipantPermission
  /** When the token began to be valid, seconds of Unix time: a removal can void tokens from before it. */
  issuedAtS: number
}

export type Grants = Pick<VideoGrant, 'roomCreate' | 'roomList' | 'roomAdmin' | 'room'>

export type TokenDoor = {
  /** Throws an Error with code `unauthorized` and one sentence that may be told to the client. */
  join(token: string): Promise<Pass>
  /** The same for the RoomService. */
  admin(token: string): Promise<Grants>
}

/** Checks LiveKit access tokens: HS256 by `apiSecret`, issuer `apiKey`, expiry, grants. */
export const createTokenDoor = (apiKey: string, apiSecret: string): TokenDoor => {
  const verifier = new TokenVerifier(apiKey, apiSecret)
  const claimsOf = async (token: string) => {
    if (!token) throw unauthorized('no access token was given')
    if (token.length > 16_384) throw unauthorized('the access token is too long')
    return verifier.verify(token, 10).catch((error: { code?: string }) => {
      throw unauthorized(
        error.code === 'ERR_JWT_EXPIRED' ? 'the access token has expired' : 'the access token is not valid here',
      )
    })
  }
  return {
    admin: async (token) => (await claimsOf(token)).video ?? {},
    join: async (token) => {
      const claims = await claimsOf(token)
      const grant = claims.video ?? {}
      if (!grant.roomJoin || !grant.room) throw unauthorized('the access token does not allow joining a room')
      if (!claims.sub) throw unauthorized('the access token names no identity')
      return {
        identity: claims.sub,
        name: claims.name ?? '',
        metadata: claims.metadata ?? '',
        attributes: attributesOf(claims.attributes),
        kind: KINDS[String(claims.kind ?? 'standard').toLowerCase()] ?? ParticipantInfo_Kind.STANDARD,
        room: grant.room,
        permission: permissionOf(grant),
        issuedAtS: claims.iat ?? claims.nbf ?? 0,
      }
    },
  }
}

const KINDS: Record<string, ParticipantInfo_Kind> = {
  standard: ParticipantInfo_Kind.STANDARD,
  ingress: ParticipantInfo_Kind.INGRESS,
  egress: ParticipantInfo_Kind.EGRESS,
  sip: ParticipantInfo_Kind.SIP,
  agent: ParticipantInfo_Kind.AGENT,
}

const SOURCES: Record<string, TrackSource> = {
  camera: TrackSource.CAMERA,
  microphone: TrackSource.MICROPHONE,
  screen_share: TrackSource.SCREEN_SHARE,
  screen_share_audio: TrackSource.SCREEN_SHARE_AUDIO,
}

/** Absent rights are granted, as LiveKit reads them; data is never, for this server relays none. */
const permissionOf = (grant: VideoGrant): ParticipantPermission => {
  const named = Array.isArray(grant.canPublishSources) ? (grant.canPublishSources as unknown[]) : []
  return new ParticipantPermission({
    canSubscribe: grant.canSubscribe ?? true,
    canPublish: grant.canPublish ?? true,
    canPublishData: false,
    canPublishSources: named.map((source) => SOURCES[String(source).toLowerCase()] ?? TrackSource.UNKNOWN),
    hidden: grant.hidden ?? false,
    canUpdateMetadata: grant.canUpdateOwnMetadata ?? false,
  })
}

const attributesOf = (claim: unknown): Record<string, string> => {
  if (typeof claim !== 'object' || claim === null) return {}
  return Object.fromEntries(
    Object.entries(claim).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  )
}

const unauthorized = (message: string): Error => Object.assign(new Error(message), { code: 'unauthorized' })
