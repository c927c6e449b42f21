import { LeaveRequest, SignalRequest, SignalResponse } from '@livekit/protocol'
import WebSocket from 'ws'

/** A signal socket in bare hands: for what no proper client would send. */
export type RawSignal = {
  socket: WebSocket
  received: SignalResponse['message'][]
  send(message: SignalRequest['message']): void
  leave(): LeaveRequest | undefined
  closed(): boolean
  /** Breaks off without a word. */
  drop(): Promise<void>
  /** Says goodbye, as clients do. */
  close(): Promise<void>
}

/** Rejects with the HTTP status and body when the upgrade is refused. */
export const openRawSignal = async (url: string, token: string, query = ''): Promise<RawSignal> => {
  const socket = new WebSocket(`${url}/rtc?access_token=${token}&protocol=16${query}`)
  const received: SignalResponse['message'][] = []
  socket.on('message', (data) => received.push(SignalResponse.fromBinary(data as Buffer).message))
  await new Promise<void>((resolve, reject) => {
    socket.once('open', resolve)
    socket.once('error', reject)
    socket.once('unexpected-response', (_req, res) => {
      let body = ''
      res.on('data', (chunk) => {
        body += chunk
      })
      res.on('end', () => reject(new Error(`${res.statusCode} ${body}`)))
    })
  })
  socket.on('error', () => {})
  const end = (how: () => void): Promise<void> =>
    new Promise((resolve) => {
      if (socket.readyState === WebSocket.CLOSED) return resolve()
      socket.once('close', () => resolve())
      how()
    })
  return {
    socket,
    received,
    send: (message) => socket.send(new SignalRequest({ message }).toBinary()),
    leave: () => received.flatMap((message) => (message.case === 'leave' ? [message.value] : []))[0],
    closed: () => socket.readyState === WebSocket.CLOSED,
    drop: () => end(() => socket.terminate()),
    close: () =>
      end(() => {
        socket.send(new SignalRequest({ message: { case: 'leave', value: new LeaveRequest() } }).toBinary())
      }),
  }
}
