import { randomBytes, randomUUID } from 'node:crypto'
import {
  AddTrackRequest,
  SessionDescription,
  SignalTarget,
  TrackSource,
  TrackType,
  TrickleRequest,
} from '@livekit/protocol'
import { createPublishingPeer, createSubscribingPeer } from '../../src/client/packets-peer.ts'
import { fillPacket, layOutPacket } from '../../src/client/packets-rtp.ts'
import { eventually } from './eventually.ts'
import { openRawSignal, type RawSignal } from './raw-signal.ts'

/** A participant whose connections stand, and who then sends whatever a test wants, as fast as it wants. */
export type Flooder = {
  raw: RawSignal
  /** Calls `send` so many times a second until closed, or as often as there is time for. */
  repeat(perS: number, send: (count: number) => void): void
  /** Announces a track and opens its connection; the function sends one Opus packet of silence. */
  openTrack(): Promise<{ trackSid: string; offer: string; send(): void }>
  close(): Promise<void>
}

/** `query`: further parameters of the signal URL, each with its `&`. */
export const joinFlooder = async (url: string, token: string, query = ''): Promise<Flooder> => {
  const raw = await openRawSignal(url, token, query)
  const closers: (() => void)[] = []
  const trickle = (target: SignalTarget) => (candidateInit: string) =>
    raw.closed() || raw.send({ case: 'trickle', value: new TrickleRequest({ target, candidateInit }) })
  let isConnected = false
  const subscriber = await createSubscribingPeer({
    onCandidate: trickle(SignalTarget.SUBSCRIBER),
    onConnected: () => {
      isConnected = true
    },
    onFailed: () => {},
    onPacket: () => {},
  })
  closers.push(subscriber.close)
  let publisher: Awaited<ReturnType<typeof createPublishingPeer>> | undefined
  // Messages are taken from the list, so that those before this line are not lost.
  let taken = 0
  let answeredId = 0
  // Who floods answers no more: the library aborts the process over descriptions that come one on top of the other.
  let isFlooding = false
  const timer = setInterval(() => {
    while (taken < raw.received.length) {
      const { case: name, value } = raw.received[taken]!
      taken += 1
      if (name === 'answer' && !isFlooding) publisher?.applyAnswer(value.sdp)
      if (name === 'offer' && value.id !== answeredId && !isFlooding) {
        answeredId = value.id
        const sdp = subscriber.answer(value.sdp)
        if (!raw.closed())
          raw.send({ case: 'answer', value: new SessionDescription({ type: 'answer', sdp, id: value.id }) })
      }
      if (name === 'trickle')
        (value.target === SignalTarget.PUBLISHER ? publisher : subscriber)?.addCandidate(value.candidateInit)
    }
  }, 5)
  closers.push(() => clearInterval(timer))
  await eventually(() => isConnected, { withinMs: 10_000, what: 'the flooder is connected' })

  return {
    raw,
    repeat: (perS, send) => {
      isFlooding = true
      const startedMs = performance.now()
      let count = 0
      const timer = setInterval(() => {
        const due = ((performance.now() - startedMs) * perS) / 1000
        // What is long overdue is left out: it would keep the socket's end from being seen.
        count = Math.max(count, Math.floor(due - perS / 10))
        for (; count < due && !raw.closed(); count += 1) send(count)
      }, 5)
      closers.push(() => clearInterval(timer))
    },
    openTrack: async () => {
      const cid = randomUUID()
      const ssrc = randomBytes(4).readUInt32BE()
      const track = { cid, type: TrackType.AUDIO, source: TrackSource.MICROPHONE }
      raw.send({ case: 'addTrack', value: new AddTrackRequest(track) })
      let isOpen = false
      publisher = await createPublishingPeer(
        { cid, ssrc },
        {
          onCandidate: trickle(SignalTarget.PUBLISHER),
          onConnected: () => {
            isOpen = true
          },
          onFailed: () => {},
        },
      )
      closers.push(publisher.close)
      const offer = publisher.offer()
      raw.send({ case: 'offer', value: new SessionDescription({ type: 'offer', sdp: offer, id: 1 }) })
      await eventually(() => isOpen, { withinMs: 10_000, what: 'the connection for sending' })
      const published = raw.received.find(({ case: name }) => name === 'trackPublished')
      const packet = layOutPacket({ data: Uint8Array.from([0xf8, 0xff, 0xfe]), level: 127 }, ssrc)
      let sequence = 0
      const { send } = publisher
      return {
        trackSid: published?.case === 'trackPublished' ? (published.value.track?.sid ?? '') : '',
        offer,
        send: () => {
          fillPacket(packet, { sequence, timestamp: sequence * 960, index: sequence, sentAtMs: 0 })
          if (send(packet)) sequence += 1
        },
      }
    },
    close: async () => {
      for (const end of closers.splice(0)) end()
      await raw.drop()
    },
  }
}
