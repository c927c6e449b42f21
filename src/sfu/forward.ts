import type { Counters } from './counters.ts'
import { createReception, type Reception, type SenderState, senderReport } from './rtcp.ts'
import { createRewriter, isRtcp, type Rewriter, readRtpHeader, writePacket } from './rtp.ts'

/** Who hears whom, packet by packet. Opus is never decoded; the source's header is replaced by one of ours. */
export type Forwarder = {
  publish(trackSid: string, source: Source): void
  unpublish(trackSid: string): void
  /** Closed: packets are dropped, and what follows continues without a hole. */
  gate(trackSid: string, open: boolean): void
  /** False: the track has had more in this second than Opus can send, so the packet was dropped. */
  receive(trackSid: string, packet: Buffer, nowMs: number): boolean
  subscribe(trackSid: string, subscriberSid: string, sink: Sink): void
  unsubscribe(trackSid: string, subscriberSid: string): void
  pause(trackSid: string, subscriberSid: string, paused: boolean): void
  /** Sends receiver reports to publishers: a publisher that hears none for a while knows that it is cut off. */
  acknowledge(nowMs: number): void
  /** Sends sender reports to subscribers; answers the publishers' loss since the last one, 0 to 1, by participant. */
  report(nowMs: number, unixMs: number): Map<string, number>
}

type Source = {
  participantSid: string
  payloadType: number
  levelExtensionId: number
  sendRtcp(packet: Buffer): void
  /** Level in -dBov of one packet that lasts `durationMs`. */
  onLevel(level: number, durationMs: number): void
  /** Once: the first packet has gone out to a subscriber. */
  onFirstDelivery(): void
}

export type Sink = { readonly ssrc: number; send(packet: Buffer): boolean }

type Subscriber = { sid: string; sink: Sink; paused: boolean; skipped: number; packets: number; octets: number }
type Publication = {
  source: Source
  open: boolean
  rewriter: Rewriter
  reception: Reception
  ssrc: number
  last: SenderState
  durationMs: number
  lastTimestamp: number
  /** One per receiver report since the last quality update. */
  losses: number[]
  isDelivered: boolean
  subscribers: Subscriber[]
  /** Packets in the second that began at `secondMs`. */
  inSecond: number
  secondMs: number
}

const OUT_PAYLOAD_TYPE = 111
const OWN_SSRC = 1
// Opus has at most 400 packets of 2.5 ms in a second; the rest is room for a burst after a stall.
const MAX_PACKETS_PER_S = 600
const MAX_PACKET_BYTES = 1500

/** `random` gives a number in [0, 1). */
export const createForwarder = (counters: Counters, random: () => number): Forwarder => {
  const publications = new Map<string, Publication>()
  const subscriberOf = (trackSid: string, sid: string): Subscriber | undefined =>
    publications.get(trackSid)?.subscribers.find((subscriber) => subscriber.sid === sid)

  return {
    publish: (trackSid, source) => publications.set(trackSid, newPublication(source, random)),
    unpublish: (trackSid) => publications.delete(trackSid),
    gate: (trackSid, open) => {
      const publication = publications.get(trackSid)
      if (!publication) return
      publication.open = open
      publication.rewriter.pause()
    },
    receive: (trackSid, packet, nowMs) => {
      const publication = publications.get(trackSid)
      if (!publication) return true
      if (!isRtcp(packet)) return forward(publication, packet, nowMs, counters)
      publication.reception.senderReportArrived(packet, nowMs)
      return true
    },
    subscribe: (trackSid, sid, sink) => {
      publications.get(trackSid)?.subscribers.push({ sid, sink, paused: false, skipped: 0, packets: 0, octets: 0 })
    },
    unsubscribe: (trackSid, sid) => {
      const publication = publications.get(trackSid)
      if (publication) publication.subscribers = publication.subscribers.filter((subscriber) => subscriber.sid !== sid)
    },
    pause: (trackSid, sid, paused) => {
      const subscriber = subscriberOf(trackSid, sid)
      if (subscriber) subscriber.paused = paused
    },
    acknowledge: (nowMs) => {
      for (const publication of publications.values()) {
        if (publication.ssrc === 0) continue
        const { packet, lost, lostPackets } = publication.reception.report(OWN_SSRC, publication.ssrc, nowMs)
        publication.source.sendRtcp(packet)
        publication.losses.push(lost)
        counters.packetsLost += lostPackets
      }
    },
    report: (nowMs, unixMs) => {
      const losses = new Map<string, number>()
      for (const publication of publications.values()) {
        const { source, losses: seen } = publication
        if (seen.length > 0) losses.set(source.participantSid, seen.reduce((sum, lost) => sum + lost, 0) / seen.length)
        publication.losses = []
        for (const { sink, packets, octets } of publication.subscribers)
          if (packets > 0) sink.send(senderReport(sink.ssrc, { ...publication.last, packets, octets }, nowMs, unixMs))
      }
      return losses
    },
  }
}

const newPublication = (source: Source, random: () => number): Publication => ({
  source,
  open: false,
  rewriter: createRewriter(Math.floor(random() * 0x8000), Math.floor(random() * 2 ** 32)),
  reception: createReception(),
  ssrc: 0,
  last: { timestamp: 0, atMs: 0, packets: 0, octets: 0 },
  durationMs: 20,
  lastTimestamp: 0,
  subscribers: [],
  inSecond: 0,
  secondMs: 0,
  losses: [],
  isDelivered: false,
})

const forward = (publication: Publication, packet: Buffer, nowMs: number, counters: Counters): boolean => {
  const header = readRtpHeader(packet, publication.source.levelExtensionId)
  if (!header || header.payloadType !== publication.source.payloadType || packet.length > MAX_PACKET_BYTES) {
    counters.malformed += 1
    return true
  }
  counters.packetsIn += 1
  if (!withinRate(publication, nowMs)) {
    counters.overRate += 1
    return false
  }
  // A restarted source (another SSRC) is another stream: its loss is counted anew.
  if (publication.ssrc !== header.ssrc) publication.reception = createReception()
  publication.ssrc = header.ssrc
  publication.reception.received(header.sequence, header.timestamp, nowMs)
  if (!publication.open) return true
  const out = publication.rewriter.rewrite(header, nowMs)
  if (!out) return true
  if (header.level >= 0) publication.source.onLevel(header.level, packetDuration(publication, out.timestamp))
  publication.last.timestamp = out.timestamp
  publication.last.atMs = nowMs
  fanOut(
    publication,
    writePacket(OUT_PAYLOAD_TYPE, out, packet.subarray(header.payloadOffset, header.payloadEnd)),
    out.sequence,
    counters,
  )
  return true
}

/** One sender must not multiply a flood by the number of listeners. */
const withinRate = (publication: Publication, nowMs: number): boolean => {
  if (nowMs - publication.secondMs >= 1000) {
    publication.secondMs = nowMs
    publication.inSecond = 0
  }
  publication.inSecond += 1
  return publication.inSecond <= MAX_PACKETS_PER_S
}

const fanOut = (publication: Publication, packet: Buffer, sequence: number, counters: Counters): void => {
  for (const subscriber of publication.subscribers) {
    if (subscriber.paused) {
      subscriber.skipped = (subscriber.skipped + 1) & 0xffff
      continue
    }
    // One buffer serves all: the library copies it, and only these two fields differ.
    packet.writeUInt16BE((sequence - subscriber.skipped) & 0xffff, 2)
    packet.writeUInt32BE(subscriber.sink.ssrc, 8)
    if (!subscriber.sink.send(packet)) {
      counters.undelivered += 1
      continue
    }
    subscriber.packets += 1
    subscriber.octets += packet.length - 12
    counters.packetsOut += 1
    if (!publication.isDelivered) publication.source.onFirstDelivery()
    publication.isDelivered = true
  }
}

/** From the step of the timestamps; after a pause (DTX) the last known one holds. */
const packetDuration = (publication: Publication, timestamp: number): number => {
  const stepMs = ((timestamp - publication.lastTimestamp) | 0) / 48
  publication.lastTimestamp = timestamp
  if (stepMs >= 2.5 && stepMs <= 120) publication.durationMs = stepMs
  return publication.durationMs
}
