import { AccessToken, RoomServiceClient, TrackSource, TrackType } from 'livekit-server-sdk'
import { type Api, createApi } from '../../client/api.ts'
import { fileCredentials } from '../../client/credentials.ts'
import type { ActorPlan, Plan, StepAction } from '../contract.ts'
import type { ActorTarget } from './wire.ts'

/** A roomtone server made ready for a run. */
export type RoomServer = {
  url: string
  /** Makes an account of that name, and gives the file that its sign-in is kept in. */
  signUp(name: string): Promise<string>
}

export type LiveKitServer = { url: string; apiKey: string; apiSecret: string }

type OnSomebody = Extract<StepAction, { kind: 'stage' }>
type ModeratorAction = OnSomebody | { kind: 'ends-room'; actor: string }

/** Where a run takes place: the room of one run, whatever the server. */
export type Place = {
  /** How somebody gets in. */
  targetOf(actor: ActorPlan): Promise<ActorTarget>
  /** The room is there from now on; its id, where joining needs one. */
  open(host: string | null): Promise<string | null>
  /** Does what is not done by an actor's own connection here; false: the actor does it. */
  act(action: ModeratorAction): Promise<boolean>
  /** Ends the room for all who might still be in it. */
  close(): Promise<void>
}

export type PlaceOptions = { plan: Plan; suffix: string }

const displayName = (actor: string, suffix: string): string => `${actor} ${suffix}`

/** A room of a roomtone server, opened by the run's host. */
export const createRoomPlace = (server: RoomServer, { plan, suffix }: PlaceOptions): Place => {
  const files = new Map<string, string>()
  let room: { id: string; api: Api } | undefined
  return {
    targetOf: async ({ name }) => {
      const credentialsFile = await server.signUp(displayName(name, suffix))
      files.set(name, credentialsFile)
      return { plane: 'room', server: server.url, credentialsFile }
    },
    open: async (host) => {
      const api = createApi({ server: server.url, credentials: fileCredentials(files.get(host!)!) })
      const title = `${[...plan.name].slice(0, 60).join('')} ${suffix}`
      const { id } = await api.call('createRoom', { body: { title } })
      room = { id, api }
      return id
    },
    act: async () => false,
    close: async () => {
      // It may have ended, or never begun.
      await room?.api.call('endRoom', { params: { roomId: room.id } }).catch(() => {})
      await room?.api.close()
    },
  }
}

const TOKEN_SECONDS = 6 * 60 * 60

/** A room of any LiveKit server, by its own admin calls. */
export const createLiveKitPlace = ({ url, apiKey, apiSecret }: LiveKitServer, { suffix }: PlaceOptions): Place => {
  const room = `roomtone-check-${suffix}`
  const service = new RoomServiceClient(url.replace(/^ws/, 'http'), apiKey, apiSecret, { requestTimeout: 10 })
  const identityOf = (actor: string) => `${actor}-${suffix}`
  const permit = (whom: string, canPublish: boolean) =>
    service.updateParticipant(room, identityOf(whom), {
      permission: { canPublish, canSubscribe: true, canPublishSources: [TrackSource.MICROPHONE] },
    })
  const mute = async (whom: string) => {
    const { tracks } = await service.getParticipant(room, identityOf(whom))
    for (const { sid, type } of tracks)
      if (type === TrackType.AUDIO) await service.mutePublishedTrack(room, identityOf(whom), sid, true)
  }
  return {
    targetOf: async ({ name, role }) => {
      const token = new AccessToken(apiKey, apiSecret, {
        identity: identityOf(name),
        name: displayName(name, suffix),
        ttl: TOKEN_SECONDS,
      })
      token.addGrant({ roomJoin: true, room, canSubscribe: true, canPublish: role !== 'listener' })
      return { plane: 'livekit', url, token: await token.toJwt() }
    },
    open: async () => {
      // Nobody stays for long when the runner is gone.
      await service.createRoom({ name: room, emptyTimeout: 60, departureTimeout: 20 }).catch((error) => {
        throw livekitError(url, error)
      })
      return null
    },
    act: async (action) => {
      const done = action.kind === 'ends-room' ? service.deleteRoom(room) : actOn(action, { permit, mute, kick })
      await done.catch((error) => {
        throw livekitError(url, error)
      })
      return true
    },
    close: async () => void (await service.deleteRoom(room).catch(() => {})),
  }

  function kick(whom: string) {
    return service.removeParticipant(room, identityOf(whom))
  }
}

type Acts = {
  permit(whom: string, canPublish: boolean): Promise<unknown>
  mute(whom: string): Promise<unknown>
  kick(whom: string): Promise<unknown>
}

/** UpdateParticipant, MutePublishedTrack, RemoveParticipant; what a file asks for beyond these was refused as it was read. */
const actOn = async ({ action, whom }: OnSomebody, acts: Acts): Promise<void> => {
  if (action === 'mute') await acts.mute(whom)
  else if (action === 'kick') await acts.kick(whom)
  else await acts.permit(whom, action !== 'demote')
}

type Refusal = { status?: number; code?: unknown; message?: string; cause?: { code?: string } }

/** The error's text may quote a token: it is not told. */
const livekitError = (url: string, error: unknown): Error => {
  const { status, code } = error as Refusal
  const fail = (ours: string, message: string) => Object.assign(new Error(message), { code: ours })
  const server = `The LiveKit server at ${new URL(url).host}`
  if (status === 401) return fail('sign-in-needed', `${server} does not take the API key and secret.`)
  if (status === 429) return fail('quota', `${server} says that it is asked too often, or that a quota is used up.`)
  if (status === undefined) return fail('unreachable', `${server} cannot be reached.`)
  return fail('failed', `${server} refused: HTTP ${status}${typeof code === 'string' ? `, ${code}` : ''}.`)
}
