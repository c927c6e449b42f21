import { createHash, createHmac, randomBytes } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { connect as connectTcp } from 'node:net'
import { connect as connectTls } from 'node:tls'

export type TurnServer = {
  /** `turn:HOST[:PORT][?transport=udp|tcp]` or `turns:…` (RFC 7065). */
  url: string
  username: string
  credential: string
}

const WITHIN_MS = 4_000
const AGAIN_MS = 500

const COOKIE = 0x2112a442
const HEADER_BYTES = 20
const ALLOCATE = 0x0003
const REFRESH = 0x0004
const SUCCESS = 0x0100
const FAILURE = 0x0110
const USERNAME = 0x0006
const MESSAGE_INTEGRITY = 0x0008
const ERROR_CODE = 0x0009
const LIFETIME = 0x000d
const REALM = 0x0014
const NONCE = 0x0015
const RELAYED_ADDRESS = 0x0016
const REQUESTED_TRANSPORT = 0x0019
const UDP = Buffer.from([17, 0, 0, 0])

/**
 * Asks a TURN server for a relay as a client does (RFC 8656), and gives it back. Throws an Error whose message says in a
 * few words what is wrong.
 */
export const probeTurn = async ({ url, username, credential }: TurnServer): Promise<{ tookMs: number }> => {
  const startedMs = performance.now()
  const wire = await openWire(url)
  try {
    const asked = await wire.ask(ALLOCATE, [[REQUESTED_TRANSPORT, UDP]])
    const [realm, nonce] = [asked.attributes.get(REALM), asked.attributes.get(NONCE)]
    if (!realm || !nonce) throw new Error(asked.isSuccess ? 'it relays for anybody' : `it answers ${asked.error}`)
    // RFC 8489, section 9.2.2.
    const key = createHash('md5').update(`${username}:${realm}:${credential}`).digest()
    const signed: Attribute[] = [
      [USERNAME, Buffer.from(username)],
      [REALM, realm],
      [NONCE, nonce],
    ]
    const given = await wire.ask(ALLOCATE, [[REQUESTED_TRANSPORT, UDP], ...signed], key)
    if (!given.isSuccess) throw new Error(`it refuses the credentials that the media server gave: ${given.error}`)
    if (!given.attributes.has(RELAYED_ADDRESS)) throw new Error('it gave no relay')
    const tookMs = performance.now() - startedMs
    await wire.ask(REFRESH, [[LIFETIME, Buffer.alloc(4)], ...signed], key).catch(() => {})
    return { tookMs }
  } finally {
    wire.close()
  }
}

type Attribute = [type: number, value: Buffer]
type Answer = { isSuccess: boolean; error: string; attributes: Map<number, Buffer> }
type Wire = { ask(method: number, attributes: Attribute[], key?: Buffer): Promise<Answer>; close(): void }

const openWire = async (url: string): Promise<Wire> => {
  const [, scheme = '', host = '', port, transport] =
    /^(turns?):(\[[^\]]+\]|[^:?]+)(?::(\d+))?(?:\?transport=(udp|tcp))?$/i.exec(url) ?? []
  if (scheme === '') throw new Error('it is no TURN URL')
  const isSecure = scheme.toLowerCase() === 'turns'
  const at = { host: host.replace(/^\[|\]$/g, ''), port: Number(port ?? (isSecure ? 5349 : 3478)) }
  const waiting = new Map<string, (answer: Answer) => void>()
  const take = (bytes: Buffer): void => {
    waiting.get(bytes.toString('hex', 8, HEADER_BYTES))?.(read(bytes))
  }
  const road = isSecure || transport === 'tcp' ? await openStream(at, isSecure, take) : openDatagrams(at, take)
  return {
    ask: (method, attributes, key) =>
      new Promise((resolve, reject) => {
        const id = randomBytes(12)
        const request = write(method, id, attributes, key)
        const again = setInterval(() => road.isLossy && road.send(request), AGAIN_MS)
        const end = (): void => {
          clearInterval(again)
          clearTimeout(late)
          waiting.delete(id.toString('hex'))
        }
        const late = setTimeout(() => {
          end()
          reject(new Error('it does not answer'))
        }, WITHIN_MS)
        waiting.set(id.toString('hex'), (answer) => {
          end()
          resolve(answer)
        })
        road.send(request)
      }),
    close: road.close,
  }
}

type Road = { isLossy: boolean; send(bytes: Buffer): void; close(): void }
type Place = { host: string; port: number }

const openDatagrams = ({ host, port }: Place, take: (bytes: Buffer) => void): Road => {
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4')
  // An answer that does not come says it all.
  socket.on('error', () => {})
  socket.on('message', (bytes) => bytes.length >= HEADER_BYTES && take(bytes))
  return { isLossy: true, send: (bytes) => socket.send(bytes, port, host), close: () => socket.close() }
}

const openStream = (at: Place, isSecure: boolean, take: (bytes: Buffer) => void): Promise<Road> =>
  new Promise((resolve, reject) => {
    const opened = (): void =>
      resolve({ isLossy: false, send: (bytes) => socket.write(bytes), close: () => socket.destroy() })
    const socket = isSecure ? connectTls({ ...at, servername: at.host }, opened) : connectTcp(at, opened)
    socket.setTimeout(WITHIN_MS, () => socket.destroy(new Error('it does not answer')))
    socket.on('error', reject)
    let rest = Buffer.alloc(0)
    socket.on('data', (bytes: Buffer) => {
      rest = Buffer.concat([rest, bytes])
      while (rest.length >= HEADER_BYTES && rest.length >= HEADER_BYTES + rest.readUInt16BE(2)) {
        const end = HEADER_BYTES + rest.readUInt16BE(2)
        take(rest.subarray(0, end))
        rest = rest.subarray(end)
      }
    })
  })

const write = (method: number, id: Buffer, attributes: Attribute[], key?: Buffer): Buffer => {
  const body = Buffer.concat(attributes.map(attributeBytes))
  const header = Buffer.alloc(8)
  header.writeUInt16BE(method, 0)
  header.writeUInt32BE(COOKIE, 4)
  // What is signed counts the signature's own 24 bytes (RFC 8489, section 14.5).
  header.writeUInt16BE(body.length + (key ? 24 : 0), 2)
  const message = Buffer.concat([header, id, body])
  if (!key) return message
  return Buffer.concat([message, attributeBytes([MESSAGE_INTEGRITY, createHmac('sha1', key).update(message).digest()])])
}

const attributeBytes = ([type, value]: Attribute): Buffer => {
  const bytes = Buffer.alloc(4 + Math.ceil(value.length / 4) * 4)
  bytes.writeUInt16BE(type, 0)
  bytes.writeUInt16BE(value.length, 2)
  value.copy(bytes, 4)
  return bytes
}

const read = (bytes: Buffer): Answer => {
  const attributes = new Map<number, Buffer>()
  for (let at = HEADER_BYTES; at + 4 <= bytes.length; ) {
    const length = bytes.readUInt16BE(at + 2)
    attributes.set(bytes.readUInt16BE(at), bytes.subarray(at + 4, at + 4 + length))
    at += 4 + Math.ceil(length / 4) * 4
  }
  const error = attributes.get(ERROR_CODE)
  const kind = bytes.readUInt16BE(0) & FAILURE
  return {
    isSuccess: kind === SUCCESS,
    error:
      error && error.length >= 4
        ? `${(error[2]! & 7) * 100 + error[3]!} ${error.toString('utf8', 4)}`.trim()
        : 'nothing of use',
    attributes,
  }
}
