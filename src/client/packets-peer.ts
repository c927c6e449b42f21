import type { PeerConnection, Track } from 'node-datachannel'
import { AUDIO_LEVEL_URI, LEVEL_EXTENSION_ID, OPUS_PAYLOAD_TYPE } from './packets-rtp.ts'

/**
 * The door to node-datachannel for light participants. Facts it rests on: onTrack comes late, so tracks are known by
 * mid; a track that is not referenced is collected; candidates that come before the description are lost.
 */
export type PeerHandlers = {
  /** One of ours, as JSON of RTCIceCandidateInit. */
  onCandidate(candidateInit: string): void
  onConnected(): void
  onFailed(): void
}

type Peer = {
  /** One of theirs, as JSON of RTCIceCandidateInit; TCP ones are passed over. */
  addCandidate(candidateInit: string): void
  close(): void
}

export type PublishingPeer = Peer & {
  offer(): string
  applyAnswer(sdp: string): void
  /** False while the connection does not carry the track. */
  send(packet: Buffer): boolean
}

export type SubscribingPeer = Peer & {
  /** Takes an offer of the server and gives the answer. */
  answer(offer: string): string
}

type OutgoingTrack = { cid: string; ssrc: number }

export const createPublishingPeer = async (
  { cid, ssrc }: OutgoingTrack,
  handlers: PeerHandlers,
): Promise<PublishingPeer> => {
  const { nd, pc, setRemote, peer } = await connect(handlers)
  const audio = new nd.Audio('0', 'SendOnly')
  audio.addOpusCodec(OPUS_PAYLOAD_TYPE, 'minptime=10;useinbandfec=1')
  audio.parseSdpLine(`a=extmap:${LEVEL_EXTENSION_ID} ${AUDIO_LEVEL_URI}`)
  audio.addSSRC(ssrc, cid, cid, cid)
  const track = pc.addTrack(audio)
  return {
    ...peer,
    offer: () => {
      pc.setLocalDescription('offer')
      return descriptionOf(pc)
    },
    applyAnswer: (sdp) => setRemote(sdp, 'answer'),
    send: (packet) => {
      try {
        return track.isOpen() && track.sendMessageBinary(packet)
      } catch {
        // Closed between the question and the call.
        return false
      }
    },
  }
}

/** `onPacket` is called for each RTP or RTCP packet of each media section. */
export const createSubscribingPeer = async (
  handlers: PeerHandlers & { onPacket(mid: string, packet: Buffer): void },
): Promise<SubscribingPeer> => {
  const { pc, setRemote, peer } = await connect(handlers)
  const tracks = new Map<string, Track>()
  const channels = new Set<unknown>()
  pc.onTrack((track) => {
    const mid = track.mid()
    tracks.set(mid, track)
    track.onMessage((packet) => handlers.onPacket(mid, packet))
  })
  // Read and forget: an unread channel would pile its messages up.
  pc.onDataChannel((channel) => {
    channels.add(channel)
    channel.onMessage(() => {})
  })
  return {
    ...peer,
    answer: (offer) => {
      setRemote(offer, 'offer')
      pc.setLocalDescription('answer')
      return descriptionOf(pc)
    },
  }
}

let count = 0

const connect = async ({ onCandidate, onConnected, onFailed }: PeerHandlers) => {
  const { default: nd } = await import('node-datachannel')
  count += 1
  const pc = new nd.PeerConnection(`packets${count}`, {
    iceServers: [],
    disableAutoNegotiation: true,
    forceMediaTransport: true,
  })
  // Its candidates begin with "a=", which other WebRTC stacks refuse.
  pc.onLocalCandidate((candidate, mid) =>
    onCandidate(JSON.stringify({ candidate: candidate.replace(/^a=/, ''), sdpMid: mid, sdpMLineIndex: 0 })),
  )
  pc.onStateChange((state) => {
    if (state === 'connected') onConnected()
    if (state === 'failed') onFailed()
  })
  const early: Candidate[] = []
  let isDescribed = false
  let isClosed = false
  const add = ({ candidate, sdpMid }: Candidate): void => {
    if (isUdp(candidate)) pc.addRemoteCandidate(candidate, sdpMid ?? '0')
  }
  const setRemote = (sdp: string, type: 'offer' | 'answer'): void => {
    pc.setRemoteDescription(sdp, type)
    isDescribed = true
    for (const candidate of early.splice(0)) add(candidate)
  }
  const peer: Peer = {
    addCandidate: (candidateInit) => {
      const candidate = JSON.parse(candidateInit) as Candidate
      if (isDescribed) add(candidate)
      else early.push(candidate)
    },
    close: () => {
      if (isClosed) return
      isClosed = true
      pc.onStateChange(() => {})
      pc.close()
    },
  }
  return { nd, pc, setRemote, peer }
}

type Candidate = { candidate: string; sdpMid?: string | null }

const isUdp = (candidate: string): boolean => /^candidate:\S+ \d+ udp /i.test(candidate)

const descriptionOf = (pc: PeerConnection): string => {
  const description = pc.localDescription()
  if (!description)
    throw Object.assign(new Error('The WebRTC library gave no session description.'), { code: 'media-unavailable' })
  return description.sdp
}
