import { AccessToken, RoomServiceClient, type VideoGrant } from 'livekit-server-sdk'
import { noLivekit, startLivekitServer } from '../../support/livekit-server.ts'
import { buildMediaServer, startTestMediaServer } from '../../support/media-server.ts'

/** A media server, ours or a real livekit-server, and keys to it. */
export type Plane = {
  url: string
  rooms: RoomServiceClient
  token(identity: string, room: string, grant?: VideoGrant): Promise<string>
  close(): Promise<void>
}

/** For `describe.each`: title, why it cannot run here, and how to start it. */
export const planes: [name: string, missing: string | null, start: () => Promise<Plane>][] = [
  [
    'our media server',
    null,
    // Vitest shows beside a test why the server ended a connection.
    () => startTestMediaServer({ entry: buildMediaServer(), log: (line) => console.log(line) }),
  ],
  [
    `livekit-server${noLivekit ? ` (${noLivekit})` : ''}`,
    noLivekit,
    async () => {
      const { url, httpUrl, key, secret, close } = await startLivekitServer()
      return {
        url,
        rooms: new RoomServiceClient(httpUrl, key, secret),
        token: async (identity, room, grant = {}) => {
          const token = new AccessToken(key, secret, { identity })
          token.addGrant({ roomJoin: true, room, ...grant })
          return token.toJwt()
        },
        close,
      }
    },
  ],
]
