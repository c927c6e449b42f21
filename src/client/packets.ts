import {
  Encryption_Type,
  type ParticipantInfo,
  ParticipantInfo_State,
  SessionDescription,
  SignalTarget,
  TrackType,
  TrickleRequest,
} from '@livekit/protocol'
import { createSubscribingPeer, type SubscribingPeer } from './packets-peer.ts'
import { createPublisher, type PacketPublication } from './packets-publish.ts'
import { createReception, type Received, type Reception } from './packets-received.ts'
import { type IncomingPacket, type OpusPacket, readPacket } from './packets-rtp.ts'
import { openSignal, type Signal, type SignalMessage } from './packets-signal.ts'

/**
 * A light LiveKit participant: it moves Opus packets and never decodes them, so that one process holds hundreds. For
 * measuring and testing media servers; it neither reconnects nor uses STUN or TURN.
 */
export type PacketParticipant = {
  readonly identity: string
  /**
   * Announces a microphone and sends `packets` in a loop, one each 20 ms, from the moment the connection carries them.
   * The first one's stamp bears `firstIndex`, 0 unless said. Throws an Error with code `not-allowed` when the server
   * refuses, with its reason, `conflict` at a second call.
   */
  publish(packets: OpusPacket[], firstIndex?: number): Promise<PacketPublication>
  /** Others' tracks of sound that it was told of and that have not ended, also those that it never received. */
  announced(): AnnouncedTrack[]
  /** Every track that was subscribed so far, also those that have ended. */
  received(): ReceivedTrack[]
  /** Counts anew from here. */
  forgetReceived(): void
  /** Why this participant is out of the room, once it is. */
  ended(): string | undefined
  leave(): Promise<void>
}

export type ReceivedTrack = Received & { identity: string; trackSid: string }

type AnnouncedTrack = {
  identity: string
  trackSid: string
  isMuted: boolean
  /** At any time since it was announced: what was not received then is not missing. */
  wasMuted: boolean
  isEncrypted: boolean
}

export type PacketsOptions = {
  url: string
  token: string
  /** Published as soon as it has joined. */
  publish?: OpusPacket[]
  autoSubscribe?: boolean
  /** A track was subscribed. */
  onTrack?(track: { identity: string; trackSid: string }): void
  /** Each packet of each track, as the server forwards it; `payload` is a view that is good for the call. */
  onPacket?(track: { identity: string; trackSid: string }, packet: IncomingPacket, payload: Uint8Array): void
  /** It is out of the room without having left: LiveKit's reason, or what broke. */
  onEnd?(reason: string): void
  /** To be in the room with a connection for sound. */
  timeoutMs?: number
}

const JOIN_TIMEOUT_MS = 15_000
/** A server says why, and closes the connections for sound: the word may come after the deed. */
const LAST_WORD_MS = 500

/**
 * Joins a room of any LiveKit server and resolves when the connection for receiving stands. Throws an Error with code
 * `sign-in-needed` when the token is refused, `busy` or `quota` when nobody is let in now, `media-unavailable` when the
 * server or a path for sound is missing.
 */
export const joinPackets = async (options: PacketsOptions): Promise<PacketParticipant> => {
  const tracks = createTracks(options)
  const timeoutMs = options.timeoutMs ?? JOIN_TIMEOUT_MS
  const connected = withTimeout(timeoutMs)
  let identity = ''
  let signal: Signal | undefined
  let reason: string | undefined
  const early: SignalMessage[] = []

  const subscriber = await createSubscribingPeer({
    onCandidate: (candidateInit) => trickle(SignalTarget.SUBSCRIBER, candidateInit),
    onConnected: connected.resolve,
    onFailed: (why) => endSoon(`the connection for receiving failed: ${why}`),
    onPacket: tracks.take,
  })
  const isNear = isLoopback(new URL(options.url).hostname)
  const trickle = (target: SignalTarget, told: string): void => {
    for (const candidateInit of isNear ? [onLoopback(told), told] : [told])
      signal?.send({ case: 'trickle', value: new TrickleRequest({ target, candidateInit }) })
  }
  const publisher = createPublisher({
    send: (message) => signal?.send(message),
    trickle: (candidateInit) => trickle(SignalTarget.PUBLISHER, candidateInit),
    onFailed: (why) => endSoon(`the connection for sending failed: ${why}`),
  })
  const close = async (): Promise<void> => {
    publisher.close()
    subscriber.close()
    await signal?.close()
  }
  const end = (why: string): void => {
    if (reason !== undefined) return
    reason = why
    connected.reject(`The media server ended the join: ${why}.`)
    void close()
    options.onEnd?.(why)
  }
  const endSoon = (why: string): void => void setTimeout(end, LAST_WORD_MS, why).unref()
  const answer = answerOffers(subscriber, (value) => signal?.send({ case: 'answer', value }))

  const take = (message: SignalMessage): void => {
    if (message.case === 'join') {
      identity = message.value.participant?.identity ?? ''
      tracks.know(message.value.otherParticipants)
    }
    if (message.case === 'update') tracks.know(message.value.participants.filter((one) => one.identity !== identity))
    if (message.case === 'offer') {
      answer(message.value)
      tracks.offered(message.value)
    }
    if (message.case === 'trickle' && message.value.target === SignalTarget.SUBSCRIBER)
      subscriber.addCandidate(message.value.candidateInit)
    else publisher.take(message)
  }
  const takeSafely = (message: SignalMessage): void => {
    if (!signal) return void early.push(message)
    try {
      take(message)
    } catch (error) {
      end(`a message of the server could not be used (${(error as Error).message})`)
    }
  }

  try {
    signal = await openSignal({
      ...options,
      autoSubscribe: options.autoSubscribe ?? true,
      timeoutMs,
      onMessage: takeSafely,
      onEnd: end,
    })
    for (const message of early.splice(0)) takeSafely(message)
    await connected.promise
    if (options.publish) await publisher.publish(options.publish)
  } catch (error) {
    reason ??= (error as Error).message
    connected.resolve()
    await close()
    throw error
  }
  return {
    identity,
    publish: publisher.publish,
    announced: tracks.announced,
    received: tracks.received,
    forgetReceived: tracks.forget,
    ended: () => reason,
    leave: async () => {
      reason ??= 'left'
      await close()
    },
  }
}

const isLoopback = (hostname: string): boolean => hostname === 'localhost' || /^127(\.\d+){3}$/.test(hostname)

/**
 * To a server on this machine packets come from an address that the library has no candidate of, and livekit-server waits
 * a second before it trusts such a one.
 */
const onLoopback = (candidateInit: string): string =>
  candidateInit.replace(/(candidate:\S+ \d+ udp \d+) \d+(?:\.\d+){3} /i, '$1 127.0.0.1 ')

/** A server repeats an offer that it has no answer to yet: the second copy needs none. */
const answerOffers = (subscriber: SubscribingPeer, send: (answer: SessionDescription) => void) => {
  let lastId = 0
  return ({ sdp, id }: SessionDescription): void => {
    if (id !== 0 && id === lastId) return
    lastId = id
    send(new SessionDescription({ type: 'answer', sdp: subscriber.answer(sdp), id }))
  }
}

type Subscribed = { trackSid: string; reception: Reception }

const createTracks = ({ onTrack, onPacket }: PacketsOptions) => {
  const identities = new Map<string, string>()
  const announced = new Map<string, AnnouncedTrack>()
  const byMid = new Map<string, Subscribed>()
  const all = new Map<string, Subscribed>()
  const identityOf = (trackSid: string): string => identities.get(trackSid) ?? ''
  return {
    know: (participants: ParticipantInfo[]): void => {
      for (const { identity, state, tracks } of participants) {
        const before = new Map(announced)
        for (const [sid, track] of before) if (track.identity === identity) announced.delete(sid)
        if (state === ParticipantInfo_State.DISCONNECTED) continue
        for (const { sid, type, muted, encryption } of tracks) {
          identities.set(sid, identity)
          if (type !== TrackType.AUDIO) continue
          const wasMuted = muted || before.get(sid)?.wasMuted === true
          const isEncrypted = encryption !== Encryption_Type.NONE
          announced.set(sid, { identity, trackSid: sid, isMuted: muted, wasMuted, isEncrypted })
        }
      }
    },
    announced: (): AnnouncedTrack[] => [...announced.values()],
    offered: ({ sdp, midToTrackId }: SessionDescription): void => {
      for (const { mid, msidTrack } of sentSections(sdp)) {
        const trackSid = midToTrackId[mid] ?? msidTrack
        if (byMid.get(mid)?.trackSid === trackSid) continue
        const track = { trackSid, reception: createReception() }
        // A server may use a section again for another track.
        byMid.set(mid, track)
        all.set(trackSid, track)
        onTrack?.({ trackSid, identity: identityOf(trackSid) })
      }
    },
    take: (mid: string, bytes: Buffer): void => {
      const packet = readPacket(bytes)
      const nowMs = performance.now()
      const track = byMid.get(mid)
      if (!packet || !track) return
      track.reception.take(packet, nowMs, performance.timeOrigin + nowMs)
      if (!onPacket) return
      const payload = bytes.subarray(packet.payloadAt, packet.payloadAt + packet.payloadBytes)
      onPacket({ trackSid: track.trackSid, identity: identityOf(track.trackSid) }, packet, payload)
    },
    received: (): ReceivedTrack[] =>
      [...all.values()].map(({ trackSid, reception }) => ({
        identity: identityOf(trackSid),
        trackSid,
        ...reception.received(),
      })),
    forget: (): void => {
      for (const track of all.values()) track.reception = createReception()
    },
  }
}

/** The audio sections in which the server sends; LiveKit's msid is "<participant> <track>". */
const sentSections = (sdp: string): { mid: string; msidTrack: string }[] =>
  sdp
    .split(/\r?\nm=/)
    .filter((section) => section.startsWith('audio') && /^a=send(only|recv)\r?$/m.test(section))
    .map((section) => ({
      mid: /^a=mid:(\S+)/m.exec(section)?.[1] ?? '',
      msidTrack: /^a=(?:ssrc:\d+ )?msid:\S+ (\S+)/m.exec(section)?.[1] ?? '',
    }))

const withTimeout = (ms: number) => {
  let settle = { resolve: (): void => {}, reject: (_message: string): void => {} }
  const promise = new Promise<void>((resolve, reject) => {
    settle = {
      resolve,
      reject: (message) => reject(Object.assign(new Error(message), { code: 'media-unavailable' })),
    }
  })
  const timer = setTimeout(() => settle.reject(`No path for sound was found within ${ms} ms.`), ms)
  promise.catch(() => {}).finally(() => clearTimeout(timer))
  return { promise, ...settle }
}
