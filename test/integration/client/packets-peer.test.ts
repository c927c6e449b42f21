import { execFileSync } from 'node:child_process'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { SessionDescription, SignalResponse, SignalTarget, TrickleRequest } from '@livekit/protocol'
import nd, { type PeerConnection, type Track } from 'node-datachannel'
import { afterEach, expect, test } from 'vitest'
import { WebSocketServer } from 'ws'
import { joinPackets } from '../../../src/client/packets.ts'
import { createPublishingPeer, createSubscribingPeer, type SubscribingPeer } from '../../../src/client/packets-peer.ts'
import { eventually } from '../../support/eventually.ts'

// The library ends the process over each of these where it is not prevented: then this file has no result at all.

const open: { close(): unknown }[] = []
afterEach(async () => {
  for (const one of open.splice(0)) await one.close()
})

type Ends = { server: PeerConnection; subscriber: SubscribingPeer; track: Track; failures: string[]; offer(): string }

/** A subscriber, and in the server's place the library itself. */
const connectEnds = async (onPacket: () => void = () => {}): Promise<Ends> => {
  const failures: string[] = []
  const server = new nd.PeerConnection('server', { iceServers: [], disableAutoNegotiation: true })
  const channel = server.createDataChannel('_reliable')
  const audio = new nd.Audio('0', 'SendOnly')
  audio.addOpusCodec(111)
  audio.addSSRC(1, 'track', 'track', 'track')
  const track = server.addTrack(audio)
  const candidates: string[] = []
  server.onLocalCandidate((candidate) => candidates.push(candidate))
  let isConnected = false
  const subscriber = await createSubscribingPeer({
    onCandidate: () => {},
    onConnected: () => {
      isConnected = true
    },
    onFailed: (why) => failures.push(why),
    onPacket,
  })
  open.push(subscriber, { close: () => server.close() }, { close: () => channel.close() })
  const offer = (): string => {
    server.setLocalDescription('offer')
    return server.localDescription()!.sdp
  }
  server.setRemoteDescription(subscriber.answer(offer()), 'answer')
  for (const candidate of candidates) subscriber.addCandidate(JSON.stringify({ candidate, sdpMid: '0' }))
  await eventually(() => isConnected && track.isOpen(), { withinMs: 10_000, what: 'both ends are connected' })
  return { server, subscriber, track, failures, offer }
}

test('an offer to a connection that the other side has closed is refused', async () => {
  const { server, subscriber, failures, offer } = await connectEnds()
  const late = offer()
  server.close()
  await eventually(() => failures.length > 0, { withinMs: 10_000, what: 'the closed connection is noticed' })
  expect(() => subscriber.answer(late)).toThrow(expect.objectContaining({ code: 'media-unavailable' }))
})

test('an error over a packet ends that connection, and is told as the reason', async () => {
  const { track, failures } = await connectEnds(() => {
    throw new Error('no such packet')
  })
  const packet = Buffer.from('806f00010000000100000001fffefd', 'hex')
  await eventually(() => track.sendMessageBinary(packet) && failures.length > 0, {
    withinMs: 10_000,
    what: 'the error is told',
  })
  expect(failures).toEqual(['no such packet'])
})

test('nobody learns where a publisher is before the answer is taken in', async () => {
  const told: string[] = []
  const none = { onConnected: () => {}, onFailed: () => {} }
  const publisher = await createPublishingPeer(
    { cid: 'track', ssrc: 1 },
    { ...none, onCandidate: (one) => told.push(one) },
  )
  const gathered: string[] = []
  const subscriber = await createSubscribingPeer({
    ...none,
    onCandidate: (one) => gathered.push(one),
    onPacket: () => {},
  })
  open.push(publisher, subscriber)
  const offer = publisher.offer()
  expect(offer).not.toContain('a=candidate')
  const answer = subscriber.answer(offer)
  // What was asked for later is there: so would be the publisher's.
  await eventually(() => gathered.length > 0, { withinMs: 5_000, what: 'the other side has candidates' })
  expect(told).toEqual([])
  publisher.applyAnswer(answer)
  await eventually(() => told.length > 0, { withinMs: 5_000, what: 'the publisher has candidates' })
})

test.skipIf(process.platform === 'win32')('a process with too many open files is told so', () => {
  const program = fileURLToPath(new URL('../../support/full-process.ts', import.meta.url))
  const command = `ulimit -n 100; exec "${process.execPath}" --import tsx "${program}"`
  expect(execFileSync('sh', ['-c', command], { encoding: 'utf8', timeout: 30_000 })).toBe('media-unavailable\n')
})

const offerOf = (sdp: string) =>
  new SignalResponse({ message: { case: 'offer', value: new SessionDescription({ type: 'offer', sdp, id: 1 }) } })
const candidateOf = (candidateInit: string) =>
  new SignalResponse({
    message: { case: 'trickle', value: new TrickleRequest({ target: SignalTarget.SUBSCRIBER, candidateInit }) },
  })

test.each<[what: string, message: Uint8Array | undefined]>([
  ['sends what is no message', Uint8Array.from([0xff, 0xff, 0xff])],
  ['offers nonsense', offerOf('v=0\r\nm=nonsense\r\n').toBinary()],
  ['offers nothing', offerOf('').toBinary()],
  ['sends a candidate that is none', candidateOf('{').toBinary()],
  ['says nothing', undefined],
])('a media server that %s is told as one that is not there', async (_what, message) => {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  open.push(server)
  await new Promise((resolve) => server.once('listening', resolve))
  if (message) server.on('connection', (socket) => socket.send(message))
  const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`
  await expect(joinPackets({ url, token: 'x', timeoutMs: 1_000 })).rejects.toMatchObject({ code: 'media-unavailable' })
})
