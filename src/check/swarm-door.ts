import { randomUUID } from 'node:crypto'
import { AccessToken } from 'livekit-server-sdk'
import { createApi } from '../client/api.ts'
import { tokenCredentials } from '../client/credentials.ts'
import type { SwarmBot } from './swarm-plan.ts'

/** By what a run lets its participants in. Plain data with secrets: it goes to the runner's own child, and nowhere else. */
export type DoorKey =
  | { kind: 'livekit'; url: string; apiKey: string; apiSecret: string }
  /** One participant, who listens: its room and rights are the token's. */
  | { kind: 'token'; url: string; token: string }
  /** A room of a roomtone server, by a bot's access token: each participant is a name of that bot, and listens. */
  | { kind: 'room'; server: string; token: string; roomId: string; client: string; proxy?: ApiProxy }

type ApiProxy = Parameters<typeof createApi>[0]['proxy']

export type Admission = {
  /** The media server's, and the token for it. */
  url: string
  token: string
  /** The control plane is told, where there is one. */
  leave(): Promise<void>
}

export type Door = {
  /** Throws what the server says, with its code. */
  admit(bot: SwarmBot, room: string): Promise<Admission>
  close(): Promise<void>
}

export const openDoor = (key: DoorKey): Door => {
  if (key.kind === 'room') return roomDoor(key)
  return key.kind === 'livekit' ? livekitDoor(key) : tokenDoor(key)
}

const tokenDoor = ({ url, token }: Extract<DoorKey, { kind: 'token' }>): Door => ({
  admit: async () => ({ url, token, leave: async () => {} }),
  close: async () => {},
})

const livekitDoor = ({ url, apiKey, apiSecret }: Extract<DoorKey, { kind: 'livekit' }>): Door => ({
  admit: async ({ identity, voice }, room) => {
    const token = new AccessToken(apiKey, apiSecret, { identity, ttl: '6h' })
    token.addGrant({ roomJoin: true, room, canPublish: voice !== null, canSubscribe: true, canPublishData: false })
    return { url, token: await token.toJwt(), leave: async () => {} }
  },
  close: async () => {},
})

const roomDoor = ({ server, token, roomId, client, proxy }: Extract<DoorKey, { kind: 'room' }>): Door => {
  const api = createApi({ server, credentials: tokenCredentials(token), client, proxy })
  const params = { roomId }
  return {
    admit: async ({ identity }) => {
      const seatId = randomUUID()
      const { media, heartbeatMs } = await api.call('joinRoom', { params, body: { seatId, name: identity } })
      const beat = () => api.call('heartbeat', { params, body: { seatId, isMuted: true } }).catch(() => {})
      const beats = setInterval(beat, heartbeatMs)
      return {
        ...media,
        leave: async () => {
          clearInterval(beats)
          await api.call('leaveRoom', { params, body: { seatId } }).catch(() => {})
        },
      }
    },
    close: () => api.close(),
  }
}
