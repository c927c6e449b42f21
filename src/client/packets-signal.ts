import { DisconnectReason, LeaveRequest, Ping, SignalRequest, SignalResponse } from '@livekit/protocol'
import { WebSocket } from 'ws'

export type SignalMessage = SignalResponse['message']

/** A LiveKit signal socket: `SignalRequest` out, `SignalResponse` in, binary protobuf, two peer connections (`/rtc`). */
export type Signal = {
  send(message: SignalRequest['message']): void
  /** Says goodbye and closes; resolves when the socket is closed. */
  close(): Promise<void>
}

type SignalOptions = {
  url: string
  token: string
  autoSubscribe: boolean
  onMessage(message: SignalMessage): void
  /** Once, unless `close` was called: why the socket is over. */
  onEnd(reason: string): void
  timeoutMs: number
}

const CLOSE_GRACE_MS = 500

/**
 * Resolves when the socket is open. Throws an Error with code `sign-in-needed` when the token is refused,
 * `busy` when it has no place for now (HTTP 503), `quota` at HTTP 429, `media-unavailable` when nothing answers.
 */
export const openSignal = async ({
  url,
  token,
  autoSubscribe,
  onMessage,
  onEnd,
  timeoutMs,
}: SignalOptions): Promise<Signal> => {
  const address = new URL('rtc', `${url.replace(/^http/, 'ws').replace(/\/$/, '')}/`)
  address.search = `protocol=16&sdk=js&auto_subscribe=${autoSubscribe ? 1 : 0}`
  const socket = new WebSocket(address, {
    perMessageDeflate: false,
    headers: { authorization: `Bearer ${token}` },
    handshakeTimeout: timeoutMs,
  })
  let pinging: NodeJS.Timeout | undefined
  let isOver = false
  const end = (reason: string): void => {
    clearInterval(pinging)
    if (isOver) return
    isOver = true
    onEnd(reason)
  }
  const send: Signal['send'] = (message) => {
    if (socket.readyState === WebSocket.OPEN) socket.send(new SignalRequest({ message }).toBinary())
  }
  socket.on('message', (data) => {
    const message = read(data as Buffer)
    if (!message) return end('a message of the server could not be read')
    if (message.case === 'join') {
      const timestamp = () => BigInt(Date.now())
      const everyMs = (message.value.pingInterval || 5) * 1000
      clearInterval(pinging)
      pinging = setInterval(() => send({ case: 'pingReq', value: new Ping({ timestamp: timestamp() }) }), everyMs)
    }
    if (message.case === 'leave') end(DisconnectReason[message.value.reason] ?? 'UNKNOWN_REASON')
    if (!isOver) onMessage(message)
  })
  socket.on('close', () => end('the connection was lost'))
  await opened(socket, url)
  return {
    send,
    close: () => {
      isOver = true
      clearInterval(pinging)
      if (socket.readyState === WebSocket.CLOSED) return Promise.resolve()
      const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()))
      send({ case: 'leave', value: new LeaveRequest({ reason: DisconnectReason.CLIENT_INITIATED }) })
      socket.close()
      setTimeout(() => socket.terminate(), CLOSE_GRACE_MS).unref()
      return closed
    },
  }
}

const read = (data: Buffer): SignalMessage | undefined => {
  try {
    return SignalResponse.fromBinary(data).message
  } catch {
    return undefined
  }
}

const opened = (socket: WebSocket, url: string): Promise<void> =>
  new Promise((resolve, reject) => {
    socket.once('open', resolve)
    socket.on('error', ({ message }) =>
      reject(fail('media-unavailable', `The media server at ${url} cannot be reached: ${message}.`)),
    )
    socket.once('unexpected-response', (_request, { statusCode }) => {
      reject(refusal(url, statusCode ?? 0))
      socket.terminate()
    })
  })

const refusal = (url: string, status: number): Error => {
  const server = `The media server at ${url}`
  if (status === 401 || status === 403) return fail('sign-in-needed', `${server} refused the token.`)
  if (status === 429)
    return fail('quota', `${server} lets in no more: it is asked too often, or a quota is used up (HTTP 429).`)
  if (status === 503) return fail('busy', `${server} has no place for now (HTTP 503).`)
  return fail('media-unavailable', `${server} answered ${status}.`)
}

const fail = (code: string, message: string): Error => Object.assign(new Error(message), { code })
