import { randomBytes, randomUUID } from 'node:crypto'
import {
  AddTrackRequest,
  type RequestResponse,
  RequestResponse_Reason,
  SessionDescription,
  type SignalRequest,
  SignalTarget,
  TrackSource,
  TrackType,
} from '@livekit/protocol'
import { startFrameClock } from '../audio/clock.ts'
import { FRAME_MS, FRAME_SAMPLES } from '../audio/frame.ts'
import { PACKET_MS } from './packets-markers.ts'
import { createPublishingPeer, type PublishingPeer } from './packets-peer.ts'
import { fillPacket, layOutPacket, type OpusPacket, wallMs } from './packets-rtp.ts'
import type { SignalMessage } from './packets-signal.ts'

export type PacketPublication = {
  readonly trackSid: string
  /** Packets handed to the network so far; the next one's stamp bears this number after the first one's. */
  sent(): number
  /** Packets that were due meanwhile: more than were sent when this process was too slow, or had no connection. */
  due(): number
  /** When the first was sent, by performance.now(). */
  firstSentMs(): number | undefined
  /** Sends no more; the track stays announced. */
  stop(): void
}

type PublisherHandlers = {
  send(message: SignalRequest['message']): void
  trickle(candidateInit: string): void
  onFailed(why: string): void
}

const PUBLISH_TIMEOUT_MS = 10_000

/** The sending half of a light participant: one track of its own connection. */
export const createPublisher = ({ send, trickle, onFailed }: PublisherHandlers) => {
  const cid = randomUUID()
  let peer: PublishingPeer | undefined
  let sender: Sender | undefined
  let announced: Settle<string> | undefined
  let connected: Settle<void> | undefined

  const publish = async (packets: OpusPacket[], firstIndex = 0): Promise<PacketPublication> => {
    if (announced) throw fail('conflict', 'A light participant publishes one track only.')
    announced = settle('The media server did not answer to the new track.')
    const ssrc = randomBytes(4).readUInt32BE()
    const layout = packets.map((packet) => layOutPacket(packet, ssrc))
    const track = { cid, name: 'packets', type: TrackType.AUDIO, source: TrackSource.MICROPHONE }
    send({ case: 'addTrack', value: new AddTrackRequest({ ...track, disableDtx: true, disableRed: true }) })
    const trackSid = await announced.promise.catch((error) => {
      announced = undefined
      throw error
    })
    connected = settle('No path for the own sound was found.')
    peer = await createPublishingPeer({ cid, ssrc }, { onCandidate: trickle, onConnected: connected.resolve, onFailed })
    send({ case: 'offer', value: new SessionDescription({ type: 'offer', sdp: peer.offer(), id: 1 }) })
    await connected.promise
    sender = startSending(peer, layout, firstIndex)
    return { trackSid, ...sender }
  }

  return {
    publish,
    take: (message: SignalMessage): void => {
      if (message.case === 'trackPublished' && message.value.cid === cid)
        announced?.resolve(message.value.track?.sid ?? '')
      if (message.case === 'requestResponse' && isRefusal(message.value))
        announced?.reject('not-allowed', `The media server refused the track: ${refusalOf(message.value)}.`)
      if (message.case === 'answer') peer?.applyAnswer(message.value.sdp)
      if (message.case === 'trickle' && message.value.target === SignalTarget.PUBLISHER)
        peer?.addCandidate(message.value.candidateInit)
      if (message.case === 'trackUnpublished') sender?.stop()
    },
    close: (): void => {
      sender?.stop()
      announced?.reject('media-unavailable', 'The participant left before its track was published.')
      connected?.reject('media-unavailable', 'The participant left before its track was published.')
      peer?.close()
    },
  }
}

type Sender = Omit<PacketPublication, 'trackSid'>

const FRAMES_PER_PACKET = PACKET_MS / FRAME_MS

/** All senders of a process share one timer (see audio/clock); after a stall the missed packets are left out. */
const startSending = (peer: PublishingPeer, layout: Buffer[], firstIndex: number): Sender => {
  const firstSequence = randomBytes(2).readUInt16BE()
  const firstTimestamp = randomBytes(4).readUInt32BE()
  const startedMs = performance.now()
  let stoppedMs: number | undefined
  let firstSentMs: number | undefined
  let sent = 0
  const clock = startFrameClock({
    onFrame: (frame) => {
      if (frame % FRAMES_PER_PACKET !== 0) return
      const packet = layout[sent % layout.length]!
      const timestamp = firstTimestamp + frame * FRAME_SAMPLES
      fillPacket(packet, { sequence: firstSequence + sent, timestamp, index: firstIndex + sent, sentAtMs: wallMs() })
      if (!peer.send(packet)) return
      firstSentMs ??= performance.now()
      sent += 1
    },
  })
  return {
    sent: () => sent,
    due: () => Math.floor(((stoppedMs ?? performance.now()) - startedMs) / PACKET_MS),
    firstSentMs: () => firstSentMs,
    stop: () => {
      stoppedMs ??= performance.now()
      clock.close()
    },
  }
}

/** Servers answer a refused track only in newer versions; an older one says nothing and time runs out. */
const isRefusal = ({ reason, request }: RequestResponse): boolean =>
  reason !== RequestResponse_Reason.OK && (request.case === 'addTrack' || request.case === undefined)

const refusalOf = ({ message, reason }: RequestResponse): string => message || RequestResponse_Reason[reason]!

type Settle<T> = { promise: Promise<T>; resolve(value: T): void; reject(code: string, message: string): void }

const settle = <T>(tooLate: string): Settle<T> => {
  let resolve: (value: T) => void = () => {}
  let reject: Settle<T>['reject'] = () => {}
  const promise = new Promise<T>((done, failed) => {
    resolve = done
    reject = (code, message) => failed(fail(code, message))
  })
  const timer = setTimeout(() => reject('media-unavailable', tooLate), PUBLISH_TIMEOUT_MS)
  promise.catch(() => {}).finally(() => clearTimeout(timer))
  return { promise, resolve, reject }
}

const fail = (code: string, message: string): Error => Object.assign(new Error(message), { code })
