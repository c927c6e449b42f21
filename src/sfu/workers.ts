import { createHash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { DeleteRoomRequest } from '@livekit/protocol'
import {
  type MediaAnswer,
  type MediaRequest,
  type MediaServer,
  type MediaServerOptions,
  superviseMediaServer,
} from './process.ts'

/** Several media servers as one: each owns whole rooms, on a UDP port of its own. */
export type MediaWorkers = Pick<MediaServer, 'handleUpgrade' | 'handleRequest' | 'close'> & {
  readonly workers: readonly MediaServer[]
  /** The counts of each worker, by its place; undefined while it is started again. */
  metrics(): Promise<(Record<string, number> | undefined)[]>
}

export type MediaWorkersOptions = MediaServerOptions & {
  /** How many, 1 by default. A fixed `port` is the first one's; the others take those that follow. */
  workers?: number
}

/** Rejects as `startMediaServer` does. A worker that dies is replaced, and its rooms go to the new one. */
export const startMediaWorkers = async ({
  workers: count = 1,
  ...options
}: MediaWorkersOptions): Promise<MediaWorkers> => {
  const workers: MediaServer[] = []
  const close = async (): Promise<void> => void (await Promise.all(workers.map((worker) => worker.close())))
  try {
    for (let place = 0; place < count; place += 1)
      workers.push(await superviseMediaServer({ ...options, port: options.port ? options.port + place : 0 }))
  } catch (error) {
    await close()
    throw error
  }
  const ownerOf = (room: string): MediaServer => workers[placeOf(room, count)]!

  return {
    workers,
    handleUpgrade: (req, socket, head) => ownerOf(roomOfToken(tokenOf(req))).handleUpgrade(req, socket, head),
    handleRequest: async (request) => {
      const { path } = request
      if (path.startsWith('/twirp/livekit.RoomService/ListRooms')) return listRooms(workers, request)
      const room = path.startsWith('/twirp/') ? roomOfCall(request) : roomOfToken(tokenOf({ ...request, url: path }))
      return ownerOf(room).handleRequest(request)
    },
    metrics: () => Promise.all(workers.map(countsOf)),
    close,
  }
}

/** The same room is always at the same place: no table to keep, to lose or to fill up from outside. */
export const placeOf = (room: string, count: number): number =>
  count === 1 ? 0 : createHash('sha256').update(room).digest().readUInt32BE(0) % count

/** Read without checking it: it only says which worker checks it. Empty when there is none to read. */
export const roomOfToken = (token: string): string => {
  try {
    const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8'))
    return String(claims.video.room)
  } catch {
    return ''
  }
}

const tokenOf = ({ url = '/', headers }: Pick<IncomingMessage, 'url' | 'headers'>): string =>
  headers.authorization?.replace(/^Bearer\s+/i, '') ??
  (URL.canParse(url, 'http://localhost') ? new URL(url, 'http://localhost').searchParams.get('access_token') : null) ??
  ''

/** Every RoomService request but ListRooms names its room: in JSON as `room` or `name`, in protobuf as field 1. */
const roomOfCall = ({ headers, body }: MediaRequest): string => {
  try {
    if (isProtobuf(headers)) return DeleteRoomRequest.fromBinary(body).room
    const { room, name } = JSON.parse(body.toString('utf8'))
    return String(room ?? name)
  } catch {
    return ''
  }
}

const isProtobuf = (headers: Record<string, string>): boolean =>
  headers['content-type']?.startsWith('application/protobuf') ?? false

/** One worker that cannot say which rooms it has makes the whole answer an error: a missing room would seem ended. */
const listRooms = async (workers: MediaServer[], request: MediaRequest): Promise<MediaAnswer> => {
  const answers = await Promise.all(workers.map((worker) => worker.handleRequest(request)))
  const first = answers.find(({ status }) => status !== 200) ?? answers[0]!
  if (answers.length === 1 || first.status !== 200) return first
  const bodies = answers.map(({ body }) => body)
  // Protobuf messages one after the other are one message with all their list items.
  if (isProtobuf(request.headers)) return { ...first, body: Buffer.concat(bodies) }
  const rooms = bodies.flatMap((body) => JSON.parse(body.toString('utf8')).rooms)
  return { ...first, body: Buffer.from(JSON.stringify({ rooms })) }
}

const countsOf = async (worker: MediaServer): Promise<Record<string, number> | undefined> => {
  const request = { method: 'GET', path: '/metrics', headers: {}, body: Buffer.alloc(0) }
  const { status, body } = await worker.handleRequest(request)
  return status === 200 ? JSON.parse(body.toString('utf8')) : undefined
}
