import nd from 'node-datachannel'
import { afterEach, expect, test } from 'vitest'
import { type MediaEngine, startMediaEngine } from '../../../src/sfu/media.ts'
import { eventually } from '../../support/eventually.ts'

// The library ends the process over each of these where it is not prevented: then this file has no result at all.

const open: { close(): unknown }[] = []
afterEach(() => {
  for (const one of open.splice(0).reverse()) one.close()
})

const startEngine = async (): Promise<MediaEngine> => {
  const engine = await startMediaEngine({ address: '127.0.0.1', port: 0 })
  open.push(engine)
  return engine
}

/** The library itself in a client's place: one track, and a channel, so that its close is told to the other end. */
const createClient = () => {
  const pc = new nd.PeerConnection('client', { iceServers: [], disableAutoNegotiation: true })
  const channel = pc.createDataChannel('any')
  const audio = new nd.Audio('0', 'SendOnly')
  audio.addOpusCodec(111)
  audio.addSSRC(1, 'track', 'track', 'track')
  const track = pc.addTrack(audio)
  open.push({ close: () => pc.close() }, { close: () => channel.close() })
  pc.setLocalDescription('offer')
  return { pc, track, offer: pc.localDescription()!.sdp }
}

test('an offer on a connection that its client has closed gets no answer', async () => {
  const engine = await startEngine()
  const client = createClient()
  const candidates: string[] = []
  const publisher = engine.createPublisher({
    onCandidate: ({ candidate }) => candidates.push(candidate),
    onState: () => {},
    onPacket: () => {},
    onData: () => {},
  })
  open.push(publisher)
  client.pc.setRemoteDescription(publisher.answer(client.offer)!, 'answer')
  await eventually(() => candidates.length > 0, { withinMs: 5000, what: 'a candidate' })
  for (const candidate of candidates) client.pc.addRemoteCandidate(candidate, '0')
  await eventually(() => client.pc.state() === 'connected', { withinMs: 10_000, what: 'the connection stands' })
  client.pc.close()
  // Nobody waits for the news of the close: offers come all the time.
  await eventually(() => publisher.answer(client.offer) === undefined, {
    withinMs: 10_000,
    what: 'no answer',
    everyMs: 1,
  })
})

test('data channels cannot be added to a connection, nor taken back', async () => {
  const engine = await startEngine()
  const handlers = { onCandidate: () => {}, onState: () => {}, onPacket: () => {}, onData: () => {} }
  const { offer } = createClient()
  const withoutData = offer.replace(/m=application.*$/s, '')
  expect(withoutData).not.toBe(offer)
  for (const [first, second] of [
    [offer, withoutData],
    [withoutData, offer],
  ] as const) {
    const publisher = engine.createPublisher(handlers)
    open.push(publisher)
    expect(publisher.answer(first)).toMatch(/^m=audio/m)
    expect(() => publisher.answer(second)).toThrow(expect.objectContaining({ code: 'bad_sdp' }))
  }
})

test('an error of ours in a callback of the library is an error like any other', async () => {
  const engine = await startEngine()
  const client = createClient()
  const others = process.listeners('uncaughtException')
  process.removeAllListeners('uncaughtException')
  open.push({ close: () => others.map((listener) => process.on('uncaughtException', listener)) })
  const caught = new Promise<Error>((resolve) => process.once('uncaughtException', resolve))
  const publisher = engine.createPublisher({
    onCandidate: () => {
      throw new Error('from a callback')
    },
    onState: () => {},
    onPacket: () => {},
    onData: () => {},
  })
  open.push(publisher)
  publisher.answer(client.offer)
  expect((await caught).message).toBe('from a callback')
})
