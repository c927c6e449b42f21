import {
  CreateRoomRequest,
  DeleteRoomRequest,
  DeleteRoomResponse,
  DisconnectReason,
  ListParticipantsRequest,
  ListParticipantsResponse,
  ListRoomsRequest,
  ListRoomsResponse,
  MuteRoomTrackRequest,
  MuteRoomTrackResponse,
  RemoveParticipantResponse,
  RoomParticipantIdentity,
  UpdateParticipantRequest,
  UpdateRoomMetadataRequest,
  UpdateSubscriptionsRequest,
  UpdateSubscriptionsResponse,
} from '@livekit/protocol'
import type { House } from './house.ts'
import { muteTrack, updateParticipant, updateRoomMetadata, updateSubscription } from './publish.ts'
import { remove } from './room.ts'
import { byIdentity, findTrack, type Participant, type RoomState, roomInfo } from './room-state.ts'
import type { Grants, TokenDoor } from './tokens.ts'

/** LiveKit's RoomService over Twirp: proto JSON or protobuf in, the same out, errors as `{code, msg}`. */
export type TwirpRequest = { path: string; contentType: string; token: string; body: Buffer }
export type TwirpAnswer = { status: number; contentType: string; body: Buffer }

export const createTwirp = (house: House, tokens: TokenDoor): ((request: TwirpRequest) => Promise<TwirpAnswer>) => {
  const methods = roomService(house)
  return async ({ path, contentType, token, body }) => {
    const kind = contentType.split(';')[0]!.trim().toLowerCase()
    const json = kind === 'application/json'
    try {
      const name = path.replace(/^\/twirp\/livekit\.RoomService\//, '')
      const method = Object.hasOwn(methods, name) ? methods[name] : undefined
      if (!method) throw notHere(path)
      if (!json && kind !== 'application/protobuf')
        throw twirpError('bad_route', `a body of the kind "${kind.slice(0, 100)}" is not understood`)
      const request = decode(method.request, body, json)
      const grants = await tokens.admin(token)
      if (!method.allowed(grants, request as Named))
        throw twirpError('unauthenticated', 'permissions denied: the access token does not allow this')
      const answer = method.run(request as never)
      return json
        ? {
            status: 200,
            contentType: 'application/json',
            body: Buffer.from(answer.toJsonString({ emitDefaultValues: true })),
          }
        : { status: 200, contentType: 'application/protobuf', body: Buffer.from(answer.toBinary()) }
    } catch (error) {
      return errorAnswer(error as Error & { code?: string })
    }
  }
}

type Message = { toJsonString(options?: { emitDefaultValues?: boolean }): string; toBinary(): Uint8Array }
type MessageType<T> = {
  fromJsonString(text: string, options?: { ignoreUnknownFields?: boolean }): T
  fromBinary(bytes: Uint8Array): T
}
type Named = { room?: string; name?: string }
type Method<T> = { request: MessageType<T>; allowed(grants: Grants, request: Named): boolean; run(request: T): Message }

const method = <T>(
  request: MessageType<T>,
  allowed: Method<T>['allowed'],
  run: (request: T) => Message,
): Method<never> => ({ request, allowed, run }) as unknown as Method<never>

/** Limits of livekit-server's default configuration, in characters. */
const MAX_NAME = 256
const MAX_ATTRIBUTES = 64_000

const mayCreate = (grants: Grants): boolean => grants.roomCreate ?? false
const mayList = (grants: Grants): boolean => grants.roomList ?? false
const mayAdmin = (grants: Grants, { room }: Named): boolean => (grants.roomAdmin ?? false) && grants.room === room

const roomService = (house: House): Record<string, Method<never>> => ({
  CreateRoom: method(CreateRoomRequest, mayCreate, (request) => {
    if (!request.name || request.name.length > MAX_NAME)
      throw twirpError('invalid_argument', 'a room needs a name of at most 256 characters')
    const room = house.open(request.name, {
      ...(request.emptyTimeout ? { emptyTimeoutS: request.emptyTimeout } : {}),
      ...(request.departureTimeout ? { departureTimeoutS: request.departureTimeout } : {}),
      maxParticipants: request.maxParticipants,
      metadata: request.metadata,
    })
    return roomInfo(room)
  }),
  ListRooms: method(ListRoomsRequest, mayList, ({ names }) => {
    const rooms = house.rooms().filter((room) => names.length === 0 || names.includes(room.info.name))
    return new ListRoomsResponse({ rooms: rooms.map(roomInfo) })
  }),
  DeleteRoom: method(DeleteRoomRequest, mayCreate, ({ room }) => {
    house.finishRoom(roomOf(house, room), DisconnectReason.ROOM_DELETED)
    return new DeleteRoomResponse()
  }),
  ListParticipants: method(ListParticipantsRequest, mayAdmin, ({ room }) => {
    // LiveKit lists nobody, too, where there is no room.
    const participants = [...(house.find(room)?.participants.values() ?? [])].map(({ info }) => info)
    return new ListParticipantsResponse({ participants })
  }),
  GetParticipant: method(RoomParticipantIdentity, mayAdmin, (request) => personOf(house, request).participant.info),
  RemoveParticipant: method(RoomParticipantIdentity, mayAdmin, (request) => {
    const room = roomOf(house, request.room)
    if (request.revokeTokenTs > 0n) house.revoke(request.room, request.identity, Number(request.revokeTokenTs))
    const { participant } = personOf(house, request)
    house.run(room, remove(room, participant.info.sid, DisconnectReason.PARTICIPANT_REMOVED, performance.now()))
    return new RemoveParticipantResponse()
  }),
  MutePublishedTrack: method(MuteRoomTrackRequest, mayAdmin, (request) => {
    const { room, participant } = personOf(house, request)
    const track = findTrack(room, request.trackSid)?.track
    if (!request.muted)
      throw twirpError('failed_precondition', 'remote unmute is not enabled: a microphone is opened by its owner')
    // A track that is gone meanwhile is silent as asked: LiveKit then names none in its answer.
    if (!track || !participant.info.tracks.includes(track)) return new MuteRoomTrackResponse()
    house.run(room, muteTrack(room, participant, request.trackSid, request.muted, true))
    return new MuteRoomTrackResponse({ track })
  }),
  UpdateParticipant: method(UpdateParticipantRequest, mayAdmin, (request) => {
    if (request.name.length > MAX_NAME) throw twirpError('invalid_argument', 'name length exceeds limits')
    const attributesSize = Object.entries(request.attributes).reduce(
      (sum, [key, text]) => sum + key.length + text.length,
      0,
    )
    if (attributesSize > MAX_ATTRIBUTES) throw twirpError('invalid_argument', 'attribute size exceeds limits')
    const { room, participant } = personOf(house, request)
    house.run(room, updateParticipant(room, participant, request))
    return participant.info
  }),
  UpdateSubscriptions: method(UpdateSubscriptionsRequest, mayAdmin, (request) => {
    const { room, participant } = personOf(house, request)
    house.run(room, updateSubscription(room, participant, request))
    return new UpdateSubscriptionsResponse()
  }),
  UpdateRoomMetadata: method(UpdateRoomMetadataRequest, mayAdmin, (request) => {
    const room = roomOf(house, request.room)
    house.run(room, updateRoomMetadata(room, request.metadata))
    return roomInfo(room)
  }),
})

/** What LiveKit has and an audio server of rooms has not: named, so that a caller knows it is no slip of its own. */
const LEFT_OUT: Record<string, string> = {
  SendData: 'data is not relayed',
  PerformRpc: 'data is not relayed',
  ForwardParticipant: 'a participant stays in its room',
  MoveParticipant: 'a participant stays in its room',
  Egress: 'there is no egress',
  Ingress: 'there is no ingress',
  SIP: 'there is no SIP',
  PhoneNumberService: 'there is no SIP',
  AgentDispatchService: 'there are no agents',
  AgentSimulation: 'there are no agents',
  CloudAgent: 'there are no agents',
  Connector: 'there are no connectors',
}

const notHere = (path: string): Error => {
  const [, service = '', name = ''] = path.match(/^\/twirp\/livekit\.(\w+)\/(\w+)$/) ?? []
  const part = service === 'RoomService' ? name : service
  const why = Object.hasOwn(LEFT_OUT, part) ? LEFT_OUT[part] : undefined
  return why
    ? twirpError('unimplemented', `this media server carries audio between participants only: ${why}`)
    : twirpError('bad_route', `no handler for ${path.slice(0, 100)}`)
}

const roomOf = (house: House, name: string): RoomState => {
  const room = house.find(name)
  if (!room) throw twirpError('not_found', 'requested room does not exist')
  return room
}

const personOf = (
  house: House,
  request: { room: string; identity: string },
): { room: RoomState; participant: Participant } => {
  const room = roomOf(house, request.room)
  const participant = byIdentity(room, request.identity)
  if (!participant) throw twirpError('not_found', 'participant does not exist')
  return { room, participant }
}

const decode = (type: MessageType<unknown>, body: Buffer, json: boolean): unknown => {
  try {
    return json
      ? type.fromJsonString(body.toString('utf8') || '{}', { ignoreUnknownFields: true })
      : type.fromBinary(body)
  } catch {
    throw twirpError('malformed', 'the body is not the request this method takes')
  }
}

/** HTTP statuses of Twirp's error codes (twirp v7 specification). */
const STATUS: Record<string, number> = {
  bad_route: 404,
  malformed: 400,
  invalid_argument: 400,
  unauthenticated: 401,
  permission_denied: 403,
  not_found: 404,
  failed_precondition: 412,
  resource_exhausted: 429,
  unimplemented: 501,
  internal: 500,
}

const OWN_CODES: Record<string, string> = { unauthorized: 'unauthenticated', full: 'resource_exhausted' }

const errorAnswer = (error: Error & { code?: string }): TwirpAnswer => {
  const named = OWN_CODES[error.code ?? ''] ?? error.code ?? 'internal'
  const code = STATUS[named] ? named : 'internal'
  return {
    status: STATUS[code]!,
    contentType: 'application/json',
    body: Buffer.from(JSON.stringify({ code, msg: error.message })),
  }
}

const twirpError = (code: string, message: string): Error => Object.assign(new Error(message), { code })
