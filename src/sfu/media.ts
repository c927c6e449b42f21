import { createSocket } from 'node:dgram'
import type { Audio, PeerConnection, Track } from 'node-datachannel'
import type { CleanCandidate } from './sdp.ts'

/**
 * The door to node-datachannel: two kinds of peer connection on one UDP port. Facts this file rests on: onTrack comes
 * late, so tracks are known by mid; a track that is not referenced is collected; a callback per packet is dear, so
 * subscribers' tracks have none; what a callback throws aborts the process, so each is made `safely`.
 */
export type MediaEngine = {
  /** UDP port in use. */
  readonly port: number
  /** STUN requests that belong to no connection, since the start. */
  strayRequests(): number
  createPublisher(handlers: PublisherHandlers): PublisherPeer
  createSubscriber(handlers: PeerHandlers): SubscriberPeer
  close(): void
}

export type PeerState = 'connected' | 'failed' | 'other'
type PeerHandlers = { onCandidate(candidate: CleanCandidate): void; onState(state: PeerState): void }
type PublisherHandlers = PeerHandlers & {
  /** RTP or RTCP of one media section. */
  onPacket(mid: string, packet: Buffer): void
  /** A data message came in; its content is dropped. */
  onData(): void
}

type Peer = { addCandidate(candidate: CleanCandidate): void; close(): void }

export type PublisherPeer = Peer & {
  /** Takes a cleaned offer and gives the answer; none where the connection has closed. Throws when the library refuses it. */
  answer(offer: string): string | undefined
  sendRtcp(mid: string, packet: Buffer): void
}

type OutgoingTrack = { ssrc: number; streamId: string; trackId: string; stereo: boolean }
export type SentTrack = {
  readonly mid: string
  /** False while the connection does not carry the track yet. */
  send(packet: Buffer): boolean
}

type SubscriberPeer = Peer & {
  addTrack(track: OutgoingTrack): SentTrack
  /** Its media section turns inactive in the next offer and is never used again. */
  removeTrack(mid: string): void
  offer(): string
  applyAnswer(answer: string): void
}

const OPUS_PAYLOAD_TYPE = 111
const DATA_CHANNELS = ['_reliable', '_lossy', '_data_track']

/** `port` 0 takes a free one. Throws an Error with code `port_taken` when the port cannot be had. */
export const startMediaEngine = async (options: {
  address: string
  announcedAddress?: string | undefined
  port: number
}): Promise<MediaEngine> => {
  const { default: nd } = await import('node-datachannel')
  nd.preload()
  const { listener, port } = await listen((port) => new nd.IceUdpMuxListener(port, options.address), options)
  const peers = new Set<PeerConnection>()
  let strayRequests = 0
  let count = 0
  listener.onUnhandledStunRequest(() => {
    strayRequests += 1
  })

  const connect = (kind: string, { onCandidate, onState }: PeerHandlers): { pc: PeerConnection; peer: Peer } => {
    count += 1
    const pc = new nd.PeerConnection(`${kind}${count}`, {
      iceServers: [],
      bindAddress: options.address,
      enableIceUdpMux: true,
      portRangeBegin: port,
      portRangeEnd: port,
      disableAutoNegotiation: true,
      forceMediaTransport: true,
      maxMessageSize: 65_536,
    })
    peers.add(pc)
    // Its candidates begin with "a=", which other WebRTC stacks refuse.
    const told = new Set<string>()
    pc.onLocalCandidate(
      safely((line, mid) => {
        const candidate = announce(line.replace(/^a=/, ''), options.announcedAddress)
        // A server with many addresses behind one that is announced has one candidate.
        if (told.size === told.add(candidate).size) return
        onCandidate({ candidate, mid })
      }),
    )
    pc.onStateChange(safely((state) => onState(state === 'connected' || state === 'failed' ? state : 'other')))
    const close = (): void => {
      if (!peers.delete(pc)) return
      pc.onStateChange(() => {})
      pc.close()
    }
    return { pc, peer: { addCandidate: ({ candidate, mid }) => pc.addRemoteCandidate(candidate, mid), close } }
  }

  return {
    port,
    strayRequests: () => strayRequests,
    createPublisher: (handlers) => {
      const { pc, peer } = connect('publisher', handlers)
      return publisherPeer(pc, peer, handlers)
    },
    createSubscriber: (handlers) => {
      const { pc, peer } = connect('subscriber', handlers)
      const newAudio = (mid: string): Audio => new nd.Audio(mid, 'SendOnly')
      return subscriberPeer(pc, peer, newAudio)
    },
    close: () => {
      for (const pc of peers) pc.close()
      peers.clear()
      listener.stop()
    },
  }
}

const publisherPeer = (pc: PeerConnection, peer: Peer, { onPacket, onData }: PublisherHandlers): PublisherPeer => {
  const tracks = new Map<string, Track>()
  const channels = new Set<unknown>()
  let hasData: boolean | undefined
  pc.onTrack(
    safely((track) => {
      const mid = track.mid()
      tracks.set(mid, track)
      if (track.type() === 'audio') track.onMessage(safely((packet) => onPacket(mid, packet)))
    }),
  )
  // Read and forget: an unread channel would pile its messages up.
  pc.onDataChannel(
    safely((channel) => {
      channels.add(channel)
      channel.onMessage(safely(onData))
    }),
  )
  return {
    ...peer,
    answer: (offer) => {
      const offersData = /^m=application /m.test(offer)
      hasData ??= offersData
      // Data channels that are added to a connection in use can make the library wait for itself, and this process with it.
      if (offersData !== hasData) throw badSdp('data channels come with the first offer and stay, or not at all')
      // The library closes a connection in a thread of its own. It takes an offer in silence from then on, and to answer
      // one would abort the process; an offer that it took just before stays without its answer for ever.
      if (pc.signalingState() !== 'stable') return undefined
      pc.setRemoteDescription(offer, 'offer')
      if (pc.signalingState() !== 'have-remote-offer') return undefined
      const answer = describe(pc, 'answer')
      return pc.signalingState() === 'stable' ? answer : undefined
    },
    sendRtcp: (mid, packet) => {
      trySend(tracks.get(mid), packet)
    },
  }
}

const subscriberPeer = (pc: PeerConnection, peer: Peer, newAudio: (mid: string) => Audio): SubscriberPeer => {
  const tracks = new Map<string, Track>()
  const channels = DATA_CHANNELS.map((label) =>
    pc.createDataChannel(label, label === '_reliable' ? {} : { unordered: true, maxRetransmits: 0 }),
  )
  for (const channel of channels) channel.onMessage(() => {})
  let count = 0
  return {
    ...peer,
    addTrack: ({ ssrc, streamId, trackId, stereo }) => {
      count += 1
      const mid = `a${count}`
      const audio = newAudio(mid)
      audio.addOpusCodec(OPUS_PAYLOAD_TYPE, `minptime=10;useinbandfec=1${stereo ? ';stereo=1;sprop-stereo=1' : ''}`)
      audio.addSSRC(ssrc, streamId, streamId, trackId)
      const track = pc.addTrack(audio)
      tracks.set(mid, track)
      let open = false
      track.onOpen(() => {
        open = true
      })
      return { mid, send: (packet) => open && trySend(track, packet) }
    },
    removeTrack: (mid) => {
      tracks.get(mid)?.close()
      tracks.delete(mid)
    },
    offer: () => describe(pc, 'offer'),
    applyAnswer: (answer) => pc.setRemoteDescription(answer, 'answer'),
  }
}

/** A callback that throws nothing at the library: errors come up one turn later, where Node can catch them. */
const safely =
  <A extends unknown[]>(work: (...args: A) => void): ((...args: A) => void) =>
  (...args) => {
    try {
      work(...args)
    } catch (error) {
      setImmediate(() => {
        throw error
      })
    }
  }

/** `candidate:1 1 UDP 2122317823 10.0.0.7 40000 typ host` (RFC 8839) with the address that clients can reach. */
const announce = (candidate: string, address: string | undefined): string => {
  if (address === undefined) return candidate
  const fields = candidate.split(' ')
  return ['candidate:1', ...fields.slice(1, 3), '2122317823', address, ...fields.slice(5)].join(' ')
}

const trySend = (track: Track | undefined, packet: Buffer): boolean => {
  try {
    return track?.sendMessageBinary(packet) ?? false
  } catch {
    // Closed between the decision and the call: the state change is on its way.
    return false
  }
}

const describe = (pc: PeerConnection, type: 'offer' | 'answer'): string => {
  pc.setLocalDescription(type)
  const description = pc.localDescription()
  if (!description) throw badSdp('the media library gave no session description')
  return description.sdp
}

const badSdp = (message: string): Error => Object.assign(new Error(message), { code: 'bad_sdp' })

const FREE_PORT_TRIES = 5

/** The library cannot say which port it got for 0, so a free one is found first; somebody else may take it meanwhile. */
const listen = async <T>(open: (port: number) => T, { port, address }: { port: number; address: string }) => {
  for (let triesLeft = port === 0 ? FREE_PORT_TRIES : 1; ; triesLeft -= 1) {
    const wanted = port === 0 ? await freeUdpPort(address) : port
    try {
      return { listener: open(wanted), port: wanted }
    } catch {
      if (triesLeft > 1) continue
      throw Object.assign(new Error(`UDP port ${wanted} is taken or may not be used`), { code: 'port_taken' })
    }
  }
}

const freeUdpPort = (address: string): Promise<number> =>
  new Promise((resolve, reject) => {
    const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4')
    socket.once('error', reject)
    socket.bind(0, address, () => {
      const { port } = socket.address()
      socket.close(() => resolve(port))
    })
  })
