import { closeSync, openSync } from 'node:fs'
import { devNull } from 'node:os'
import type { PeerConnection, Track } from 'node-datachannel'
import { AUDIO_LEVEL_URI, LEVEL_EXTENSION_ID, OPUS_PAYLOAD_TYPE } from './packets-rtp.ts'

/**
 * The door to node-datachannel for light participants. Facts it rests on: onTrack comes late, so tracks are known by
 * mid; a track that is not referenced is collected; candidates that come before the description are lost. Three things
 * end the whole process, past every handler of Node: an error thrown in a callback; a local answer where there is no
 * offer, as in a connection that the other side has just closed; a connection that gets no socket.
 */
export type PeerHandlers = {
  /** One of ours, as JSON of RTCIceCandidateInit. */
  onCandidate(candidateInit: string): void
  onConnected(): void
  /** Once, unless `close` was called: what ended the connection. */
  onFailed(why: string): void
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
      needRoomForSockets()
      pc.setLocalDescription('offer')
      return descriptionOf(pc).replaceAll(/a=(candidate|end-of-candidates).*\r\n/g, '')
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
  const { pc, guard, setRemote, peer } = await connect(handlers)
  const tracks = new Map<string, Track>()
  const channels = new Set<unknown>()
  let isNew = true
  pc.onTrack(
    guard((track) => {
      const mid = track.mid()
      tracks.set(mid, track)
      track.onMessage(guard((packet) => handlers.onPacket(mid, packet)))
    }),
  )
  // Read and forget: an unread channel would pile its messages up.
  pc.onDataChannel(
    guard((channel) => {
      channels.add(channel)
      channel.onMessage(() => {})
    }),
  )
  return {
    ...peer,
    answer: (offer) => {
      setRemote(offer, 'offer')
      // The library closes a connection in a thread of its own, and then takes descriptions in silence.
      if (pc.signalingState() !== 'have-remote-offer') throw unavailable('The connection for receiving has closed.')
      if (isNew) needRoomForSockets()
      isNew = false
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
  let isOver = false
  const fail = (why: string): void => {
    if (isOver) return
    isOver = true
    // Out of the library's callback: what is thrown here must not end the process.
    setImmediate(onFailed, why)
  }
  const guard =
    <T extends unknown[]>(callback: (...args: T) => void) =>
    (...args: T): void => {
      try {
        callback(...args)
      } catch (error) {
        fail((error as Error).message)
      }
    }
  const ours: string[] = []
  const theirs: Candidate[] = []
  let isDescribed = false
  let isClosed = false
  // Its candidates begin with "a=", which other WebRTC stacks refuse.
  pc.onLocalCandidate(
    guard((line, mid) => {
      const candidateInit = JSON.stringify({ candidate: line.replace(/^a=/, ''), sdpMid: mid, sdpMLineIndex: 0 })
      if (isDescribed) onCandidate(candidateInit)
      else ours.push(candidateInit)
    }),
  )
  pc.onStateChange(
    guard((state) => {
      if (state === 'connected') onConnected()
      // None of these is left again.
      if (state === 'failed' || state === 'disconnected' || state === 'closed') fail(`it is ${state}`)
    }),
  )
  const add = ({ candidate, sdpMid }: Candidate): void => {
    if (isUdp(candidate)) pc.addRemoteCandidate(candidate, sdpMid ?? '0')
  }
  /**
   * No candidate goes either way before this. Who knows our address may begin the handshake while the library still takes
   * the description in, and is refused: the fingerprint is stored last.
   */
  const setRemote = (sdp: string, type: 'offer' | 'answer'): void => {
    pc.setRemoteDescription(sdp, type)
    isDescribed = true
    for (const candidateInit of ours.splice(0)) onCandidate(candidateInit)
    for (const candidate of theirs.splice(0)) add(candidate)
  }
  const peer: Peer = {
    addCandidate: (candidateInit) => {
      const candidate = JSON.parse(candidateInit) as Candidate
      if (isDescribed) add(candidate)
      else theirs.push(candidate)
    },
    close: () => {
      if (isClosed) return
      isClosed = true
      isOver = true
      pc.onStateChange(() => {})
      pc.close()
    },
  }
  return { nd, pc, guard, setRemote, peer }
}

type Candidate = { candidate: string; sdpMid?: string | null }

const isUdp = (candidate: string): boolean => /^candidate:\S+ \d+ udp /i.test(candidate)

/** Some for the library's own threads, too. */
const SPARE_FILES = 8

const needRoomForSockets = (): void => {
  const opened: number[] = []
  try {
    while (opened.length < SPARE_FILES) opened.push(openSync(devNull, 'r'))
  } catch (cause) {
    throw Object.assign(unavailable('This process has too many files open for one more connection.'), { cause })
  } finally {
    for (const file of opened) closeSync(file)
  }
}

const descriptionOf = (pc: PeerConnection): string => {
  const description = pc.localDescription()
  if (!description) throw unavailable('The WebRTC library gave no session description.')
  return description.sdp
}

const unavailable = (message: string): Error => Object.assign(new Error(message), { code: 'media-unavailable' })
