import {
  type DisconnectReason,
  LeaveRequest_Action,
  SessionDescription,
  SignalResponse,
  SignalTarget,
  TrickleRequest,
} from '@livekit/protocol'
import type { WebSocket } from 'ws'
import type { Sink } from './forward.ts'
import type { MediaEngine, PeerState, PublisherPeer, SentTrack } from './media.ts'
import {
  type AnswerTrack,
  type CleanCandidate,
  cleanCandidate,
  cleanSubscriberAnswer,
  finishAnswer,
  finishOffer,
  fits,
} from './sdp.ts'

/**
 * One participant's signal socket and its two peer connections: the client offers on the publisher, we offer on the
 * subscriber. Knows how to negotiate, not what for.
 */
export type Connection = {
  send(message: SignalResponse['message']): void
  answerOffer(cleaned: string, id: number, tracks: () => AnswerTrack[]): void
  applyAnswer(answer: SessionDescription): void
  addCandidate(request: TrickleRequest): void
  sendRtcp(mid: string, packet: Buffer): void
  subscribe(trackSid: string, track: { streamId: string; stereo: boolean; ssrc: number }): Sink
  unsubscribe(trackSid: string): void
  /** Says why, then closes everything. */
  leave(reason: DisconnectReason, action: LeaveRequest_Action): void
  /** Closes the peer connections and the socket. */
  close(): void
  isClosed(): boolean
}

export type ConnectionHandlers = {
  onPacket(mid: string, packet: Buffer): void
  onData(): void
  /** The subscriber's media connection stands. */
  onActive(): void
  /** A media connection failed for good, or an offer was never answered. */
  onFailed(): void
}

// livekit-client drops an offer that arrives together with the join response.
const FIRST_OFFER_MS = 30
const REMOVAL_OFFER_MS = 250
const OFFER_RETRY_MS = 1000
const OFFER_RETRIES = 8
const MAX_HELD_CANDIDATES = 64
const MAX_CANDIDATES = 256
// A media section is never used again, and each offer tells of all.
const MAX_SENT_SECTIONS = 200
const CLOSE_GRACE_MS = 500

export const createConnection = (socket: WebSocket, engine: MediaEngine, handlers: ConnectionHandlers): Connection => {
  let closed = false
  let candidates = 0
  const send = (message: SignalResponse['message']): void => {
    if (socket.readyState === socket.OPEN) socket.send(encode(message))
  }
  const trickle = (target: SignalTarget, { candidate, mid }: CleanCandidate): void => {
    const candidateInit = JSON.stringify({ candidate, sdpMid: mid, sdpMLineIndex: 0 })
    send({ case: 'trickle', value: new TrickleRequest({ target, candidateInit }) })
  }
  const watch = (state: PeerState): void => {
    if (state === 'failed' && !closed) handlers.onFailed()
  }
  const publisher = createPublisherSide(engine, handlers, { send, trickle, watch })
  const subscriber = createSubscriberSide(engine, handlers, { send, trickle, watch })

  const close = (): void => {
    if (closed) return
    closed = true
    subscriber.close()
    publisher.close()
    socket.close()
    setTimeout(() => socket.terminate(), CLOSE_GRACE_MS).unref()
  }

  return {
    send,
    answerOffer: publisher.answerOffer,
    applyAnswer: subscriber.applyAnswer,
    addCandidate: (request) => {
      const candidate = cleanCandidate(request.candidateInit)
      candidates += 1
      if (!candidate || candidates > MAX_CANDIDATES) return
      if (request.target === SignalTarget.PUBLISHER) publisher.addCandidate(candidate)
      else subscriber.addCandidate(candidate)
    },
    sendRtcp: publisher.sendRtcp,
    subscribe: subscriber.subscribe,
    unsubscribe: subscriber.unsubscribe,
    leave: (reason, action) => {
      if (closed) return
      const canReconnect = action !== LeaveRequest_Action.DISCONNECT
      send({ case: 'leave', value: { reason, action, canReconnect } } as SignalResponse['message'])
      close()
    },
    close,
    isClosed: () => closed,
  }
}

const encoded = new WeakMap<object, Uint8Array>()

/** What is told to a whole room is one value for all: it is encoded once. */
const encode = (message: SignalResponse['message']): Uint8Array => {
  if (typeof message.value !== 'object') return new SignalResponse({ message }).toBinary()
  const known = encoded.get(message.value)
  if (known) return known
  const bytes = new SignalResponse({ message }).toBinary()
  encoded.set(message.value, bytes)
  return bytes
}

type Wire = {
  send(message: SignalResponse['message']): void
  trickle(target: SignalTarget, candidate: CleanCandidate): void
  watch(state: PeerState): void
}

const createPublisherSide = (engine: MediaEngine, { onPacket, onData, onFailed }: ConnectionHandlers, wire: Wire) => {
  let peer: PublisherPeer | undefined
  let answered = false
  const fromClient: CleanCandidate[] = []
  const fromUs: CleanCandidate[] = []
  const trickle = (candidate: CleanCandidate): void => wire.trickle(SignalTarget.PUBLISHER, candidate)

  // Made with the first offer: most participants only listen.
  const open = (): PublisherPeer =>
    engine.createPublisher({
      onCandidate: (candidate) => (answered ? trickle(candidate) : void fromUs.push(candidate)),
      onState: wire.watch,
      onPacket,
      onData,
    })

  return {
    answerOffer: (cleaned: string, id: number, tracks: () => AnswerTrack[]): void => {
      peer ??= open()
      const answer = peer.answer(cleaned)
      if (answer === undefined) return void onFailed()
      const sdp = finishAnswer(answer, cleaned, tracks())
      wire.send({ case: 'answer', value: new SessionDescription({ type: 'answer', sdp, id }) })
      answered = true
      for (const candidate of fromUs.splice(0)) trickle(candidate)
      for (const candidate of fromClient.splice(0)) peer.addCandidate(candidate)
    },
    addCandidate: (candidate: CleanCandidate): void => {
      if (peer && answered) peer.addCandidate(candidate)
      else if (fromClient.length < MAX_HELD_CANDIDATES) fromClient.push(candidate)
    },
    sendRtcp: (mid: string, packet: Buffer): void => peer?.sendRtcp(mid, packet),
    close: (): void => peer?.close(),
  }
}

const createSubscriberSide = (engine: MediaEngine, { onActive, onFailed }: ConnectionHandlers, wire: Wire) => {
  const sent = new Map<string, SentTrack>()
  const trackOfMid: Record<string, string> = {}
  // Ours wait for the first answer (the library stores the fingerprint late), the client's for our description.
  const fromUs: CleanCandidate[] = []
  const fromClient: CleanCandidate[] = []
  let answeredOnce = false
  let offerId = 0
  let sections = 0
  let closed = false
  /** The offer whose answer is awaited. */
  let offered: SessionDescription | undefined
  let dirty = false
  let retry: NodeJS.Timeout | undefined

  const peer = engine.createSubscriber({
    onCandidate: (candidate) =>
      answeredOnce ? wire.trickle(SignalTarget.SUBSCRIBER, candidate) : void fromUs.push(candidate),
    onState: (state) => {
      if (state === 'connected') onActive()
      else wire.watch(state)
    },
  })

  const sendOffer = (value: SessionDescription, attempt: number): void => {
    wire.send({ case: 'offer', value })
    retry = setTimeout(() => (attempt < OFFER_RETRIES ? sendOffer(value, attempt + 1) : onFailed()), OFFER_RETRY_MS)
  }
  const negotiate = (): void => {
    dirty = offered !== undefined
    if (offered) return
    offerId += 1
    const sdp = finishOffer(peer.offer())
    offered = new SessionDescription({ type: 'offer', sdp, id: offerId, midToTrackId: trackOfMid })
    sendOffer(offered, 1)
  }
  // Changes that come together share one offer. Ends of tracks are in no hurry: clients stumble over an offer that
  // meets their own leaving, as when a room empties.
  let scheduled: NodeJS.Timeout | undefined
  let dueMs = 0
  const schedule = (delayMs: number): void => {
    const at = performance.now() + delayMs
    if (scheduled && dueMs <= at) return
    clearTimeout(scheduled)
    dueMs = at
    scheduled = setTimeout(() => {
      scheduled = undefined
      negotiate()
    }, delayMs)
  }
  const first = setTimeout(negotiate, FIRST_OFFER_MS)

  return {
    applyAnswer: (answer: SessionDescription): void => {
      // Each repetition of an offer is answered too, late, and by clients that name no offer.
      if (!offered || (answer.id === 0 ? !fits(answer.sdp, offered.sdp) : answer.id !== offered.id)) return
      clearTimeout(retry)
      peer.applyAnswer(cleanSubscriberAnswer(answer.sdp))
      offered = undefined
      answeredOnce = true
      for (const candidate of fromUs.splice(0)) wire.trickle(SignalTarget.SUBSCRIBER, candidate)
      for (const candidate of fromClient.splice(0)) peer.addCandidate(candidate)
      if (dirty) negotiate()
    },
    addCandidate: (candidate: CleanCandidate): void => {
      if (answeredOnce) peer.addCandidate(candidate)
      else if (fromClient.length < MAX_HELD_CANDIDATES) fromClient.push(candidate)
    },
    subscribe: (
      trackSid: string,
      { streamId, stereo, ssrc }: { streamId: string; stereo: boolean; ssrc: number },
    ): Sink => {
      // A participant whose connection failed keeps its place for a while, and tracks go on coming.
      if (closed) return { ssrc, send: () => false }
      const track = peer.addTrack({ ssrc, streamId, trackId: trackSid, stereo })
      sent.set(trackSid, track)
      sections += 1
      // Joining anew begins with an empty description.
      if (sections === MAX_SENT_SECTIONS) setImmediate(onFailed)
      trackOfMid[track.mid] = trackSid
      schedule(0)
      return { ssrc, send: track.send }
    },
    unsubscribe: (trackSid: string): void => {
      const track = sent.get(trackSid)
      if (!track || closed) return
      sent.delete(trackSid)
      delete trackOfMid[track.mid]
      peer.removeTrack(track.mid)
      schedule(REMOVAL_OFFER_MS)
    },
    close: (): void => {
      closed = true
      clearTimeout(first)
      clearTimeout(retry)
      clearTimeout(scheduled)
      peer.close()
    },
  }
}
