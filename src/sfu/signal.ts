import { type IncomingHttpHeaders, STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import {
  DisconnectReason,
  LeaveRequest_Action,
  Pong,
  RequestResponse,
  RequestResponse_Reason,
  SignalRequest,
  SignalResponse,
} from '@livekit/protocol'
import { type WebSocket, WebSocketServer } from 'ws'
import type { Admission } from './admission.ts'
import type { Connection } from './connection.ts'
import type { Counters } from './counters.ts'
import type { House } from './house.ts'
import {
  addTrack,
  bindSections,
  muteTrack,
  updateParticipant,
  updateSubscription,
  updateTrackSettings,
} from './publish.ts'
import { PING_TIMEOUT_S, remove } from './room.ts'
import type { Participant, RoomState } from './room-state.ts'
import { type AnswerTrack, cleanPublisherOffer } from './sdp.ts'
import { newSid } from './sid.ts'
import { createSignalLimits } from './signal-limits.ts'
import type { Pass, TokenDoor } from './tokens.ts'

/** The signal websocket: LiveKit's SignalRequest in, SignalResponse out, binary protobuf, one socket per participant. */
export type SignalDoor = {
  /** An upgrade request as the parent process took it; the socket belongs to this door now. */
  upgrade(request: UpgradeRequest, socket: Socket, head: Buffer): Promise<void>
  close(): void
}

type UpgradeRequest = { method: string; url: string; headers: IncomingHttpHeaders }

type SignalOptions = {
  house: House
  tokens: TokenDoor
  admission: Admission
  counters: Counters
  log(line: string): void
}
type Seat = { room: RoomState; participant: Participant; connection: Connection }

// Those who find no place are asked to come back when some of the waiting are in.
const RETRY_AFTER_S = 2
const MAX_MESSAGE_BYTES = 256 * 1024
const IDLE_MS = PING_TIMEOUT_S * 1000 + 5000

export const createSignalDoor = (options: SignalOptions): SignalDoor => {
  const server = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_MESSAGE_BYTES,
    perMessageDeflate: false,
    clientTracking: false,
  })
  return {
    upgrade: async (request, socket, head) => {
      socket.on('error', () => socket.destroy())
      const url = new URL(request.url, 'http://localhost')
      // livekit-client falls back from /rtc/v1 to /rtc on 404.
      if (url.pathname !== '/rtc' && url.pathname !== '/rtc/') return refuse(socket, '404 Not Found', 'not found')
      try {
        const pass = await admit(options, tokenOf(url, request.headers))
        if (url.searchParams.get('reconnect') === '1') {
          options.house.resuming(pass, url.searchParams.get('sid') ?? '')
          server.handleUpgrade(request as never, socket, head, sendToFullReconnect)
          return
        }
        await options.admission.turn()
        if (socket.destroyed) return
        // The room may have filled up meanwhile.
        const refused = options.house.whyNot(pass)
        if (refused) throw refused
        const autoSubscribe = !['0', 'false'].includes(url.searchParams.get('auto_subscribe') ?? '1')
        server.handleUpgrade(request as never, socket, head, (webSocket) => {
          // The handler must be there before the first await, or a message could be lost.
          takeSeat(options, webSocket, () => options.house.enter(pass, webSocket, autoSubscribe))
        })
      } catch (error) {
        options.counters.joinsRefused += 1
        const { status, message } = joinRefusal(error as Error)
        refuse(socket, `${status} ${STATUS_CODES[status]}`, message)
      }
    },
    close: () => server.close(),
  }
}

/** Throws when the token does not open its room now; `joinRefusal` says it in HTTP. */
export const admit = async (
  { tokens, house }: Pick<SignalOptions, 'tokens' | 'house'>,
  token: string,
): Promise<Pass> => {
  const pass = await tokens.join(token)
  const refused = house.whyNot(pass)
  if (refused) throw refused
  return pass
}

export const joinRefusal = (error: Error & { code?: string }): { status: number; message: string } => {
  const status = { unauthorized: 401, not_found: 404, full: 503 }[error.code ?? ''] ?? 500
  return { status, message: status === 500 ? 'the media server failed at this request' : error.message }
}

export const tokenOf = (url: URL, headers: IncomingHttpHeaders): string =>
  headers.authorization?.replace(/^Bearer\s+/i, '') ?? url.searchParams.get('access_token') ?? ''

const refuse = (socket: Socket, status: string, message: string): void => {
  const body = Buffer.from(message)
  const later = status.startsWith('503') ? `Retry-After: ${RETRY_AFTER_S}\r\n` : ''
  socket.end(
    `HTTP/1.1 ${status}\r\n${later}Content-Type: text/plain\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
  )
  socket.setTimeout(2000, () => socket.destroy())
}

/** ICE cannot be restarted here: who asks to resume is told to join anew. */
const sendToFullReconnect = (webSocket: WebSocket): void => {
  webSocket.on('error', () => {})
  const value = { canReconnect: true, reason: DisconnectReason.STATE_MISMATCH, action: LeaveRequest_Action.RECONNECT }
  webSocket.send(new SignalResponse({ message: { case: 'leave', value } as SignalResponse['message'] }).toBinary())
  webSocket.close()
}

const takeSeat = ({ house, counters, log }: SignalOptions, socket: WebSocket, enter: () => Seat): void => {
  socket.on('error', () => {})
  let seat: Seat
  try {
    seat = enter()
  } catch (error) {
    counters.joinsRefused += 1
    const value = { reason: DisconnectReason.JOIN_FAILURE, action: LeaveRequest_Action.DISCONNECT }
    socket.send(new SignalResponse({ message: { case: 'leave', value } as SignalResponse['message'] }).toBinary())
    socket.close(1013, (error as Error).message.slice(0, 100))
    return
  }
  const { room, participant, connection } = seat
  const { sid } = participant.info
  const end = (reason: DisconnectReason, message: string): void => {
    counters.cutOff += 1
    log(`participant ${sid}: ${message}`)
    if (house.isCurrent(sid, connection)) house.run(room, remove(room, sid, reason, performance.now()))
    else connection.close()
  }
  const isWithinLimits = createSignalLimits()
  let lastHeardMs = performance.now()
  const watch = setInterval(() => {
    if (performance.now() - lastHeardMs > IDLE_MS) socket.terminate()
  }, 2000)

  socket.on('message', (data, isBinary) => {
    lastHeardMs = performance.now()
    counters.signalMessages += 1
    if (!house.isCurrent(sid, connection)) return
    if (!isBinary || !Buffer.isBuffer(data))
      return end(DisconnectReason.STATE_MISMATCH, 'sent a signal message that is not binary protobuf')
    try {
      const { message } = SignalRequest.fromBinary(data)
      if (!isWithinLimits(message.case, lastHeardMs))
        return end(DisconnectReason.STATE_MISMATCH, `sent too many signal messages (${message.case})`)
      handle(house, seat, message)
    } catch (error) {
      end(DisconnectReason.STATE_MISMATCH, `sent what cannot be used: ${(error as Error).message.slice(0, 200)}`)
    }
  })
  socket.on('close', () => {
    clearInterval(watch)
    house.detached(room, sid, connection)
  })
}

const handle = (house: House, seat: Seat, message: SignalRequest['message']): void => {
  const { room, participant, connection } = seat
  switch (message.case) {
    case 'offer':
      takeOffer(house, seat, message.value.sdp, message.value.id)
      break
    case 'answer':
      connection.applyAnswer(message.value)
      break
    case 'trickle':
      connection.addCandidate(message.value)
      break
    case 'addTrack':
      house.run(room, addTrack(room, participant, message.value, newSid('TR')))
      break
    case 'mute':
      house.run(room, muteTrack(room, participant, message.value.sid, message.value.muted))
      break
    case 'subscription':
      house.run(room, updateSubscription(room, participant, message.value))
      break
    case 'trackSetting':
      house.run(room, updateTrackSettings(participant, message.value))
      break
    case 'updateMetadata':
      updateOwn(house, seat, message.value)
      break
    case 'leave':
      house.run(room, remove(room, participant.info.sid, DisconnectReason.CLIENT_INITIATED, performance.now(), false))
      break
    case 'ping':
      connection.send({ case: 'pong', value: BigInt(Date.now()) })
      break
    case 'pingReq':
      connection.send({
        case: 'pongResp',
        value: new Pong({ lastPingTimestamp: message.value.timestamp, timestamp: BigInt(Date.now()) }),
      })
      break
    case 'publishDataTrackRequest':
      connection.send({
        case: 'requestResponse',
        value: new RequestResponse({
          reason: RequestResponse_Reason.NOT_ALLOWED,
          message: 'this server carries audio only: data is not relayed',
          request: { case: 'publishDataTrack', value: message.value },
        }),
      })
      break
    default:
    // Layers, resumption state and the like say nothing to an audio room.
  }
}

const takeOffer = (house: House, { room, participant, connection }: Seat, sdp: string, id: number): void => {
  const { sdp: cleaned, sections } = cleanPublisherOffer(sdp)
  // Bound first, so that the answer can say per track what the sender should do.
  const effects = bindSections(room, participant, sections)
  const tracks = (): AnswerTrack[] =>
    participant.info.tracks.map(({ mid, stereo, disableDtx }) => ({ mid, stereo, dtx: !disableDtx }))
  connection.answerOffer(cleaned, id, tracks)
  house.run(room, effects)
}

const updateOwn = (
  house: House,
  { room, participant, connection }: Seat,
  request: { requestId: number; name: string; metadata: string; attributes: Record<string, string> },
): void => {
  const allowed = participant.info.permission?.canUpdateMetadata ?? false
  const { OK, NOT_ALLOWED, LIMIT_EXCEEDED } = RequestResponse_Reason
  const size = JSON.stringify([request.name, request.metadata, request.attributes]).length
  const reason = !allowed ? NOT_ALLOWED : size > 64 * 1024 ? LIMIT_EXCEEDED : OK
  if (reason === OK) house.run(room, updateParticipant(room, participant, request))
  const message = allowed ? '' : 'not permitted to change name, metadata or attributes'
  connection.send({
    case: 'requestResponse',
    value: new RequestResponse({ requestId: request.requestId, reason, message }),
  })
}
