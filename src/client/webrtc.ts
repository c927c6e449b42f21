import { WebSocket } from 'ws'
import type { Channels } from '../audio/frame.ts'
import { FRAME_SAMPLES, SAMPLE_RATE } from '../audio/frame.ts'

/** A local audio track that is fed with frames of 10 ms. */
export type PcmTrack = {
  /** A MediaStreamTrack, for livekit-client. */
  readonly mediaTrack: unknown
  /** Exactly `480 * channels` samples; the caller may use the buffer again at once. */
  write(frame: Int16Array): void
  close(): void
}

/** What a remote track gives; the first frames after the connection come at 16 kHz. */
type OnPcm = (samples: Int16Array, sampleRate: number, channels: Channels) => void

export type WebRtc = {
  createPcmTrack(channels: Channels): PcmTrack
  receivePcm(mediaTrack: unknown, onFrame: OnPcm): { close(): void }
  /** Whether the last signal connection with this token was refused for the moment; told once. */
  takeRefusal(token: string): SignalRefusal | undefined
}

/** A media server that answers HTTP 503 or 429 has no place now; `retryAfterMs` is its own word, or null. */
export type SignalRefusal = { status: number; retryAfterMs: number | null }

let loading: Promise<WebRtc> | undefined

/**
 * Loads @roamhq/wrtc on first use and sets the globals that livekit-client expects of a browser. Throws an Error with
 * code `no-webrtc` where this machine has no build of it. A process that has connected must end by an explicit exit:
 * its native part crashes when the event loop merely runs dry.
 */
export const loadWebRtc = (): Promise<WebRtc> => {
  loading ??= load()
  return loading
}

const load = async (): Promise<WebRtc> => {
  const wrtc = await importWrtc()
  installGlobals(wrtc)
  const { RTCAudioSource, RTCAudioSink } = wrtc.nonstandard
  return {
    createPcmTrack: (channels) => createPcmTrack(new RTCAudioSource(), channels),
    receivePcm: (mediaTrack, onFrame) => receivePcm(new RTCAudioSink(mediaTrack), onFrame),
    takeRefusal: (token) => {
      const refusal = refusals.get(token)
      refusals.delete(token)
      return refusal
    },
  }
}

const createPcmTrack = (source: AudioSource, channels: Channels): PcmTrack => {
  const mediaTrack = source.createTrack()
  // wrtc lacks it, livekit-client asks for it.
  Object.defineProperty(mediaTrack, 'getConstraints', { value: () => ({}) })
  let open = true
  return {
    mediaTrack,
    write: (samples) => {
      if (!open) return
      source.onData({
        samples,
        sampleRate: SAMPLE_RATE,
        bitsPerSample: 16,
        channelCount: channels,
        numberOfFrames: FRAME_SAMPLES,
      })
    },
    close: () => {
      open = false
      // An un-stopped track keeps the process alive.
      mediaTrack.stop()
    },
  }
}

const receivePcm = (sink: AudioSink, onFrame: OnPcm) => {
  sink.ondata = ({ samples, sampleRate, channelCount }) => onFrame(samples, sampleRate, channelCount === 2 ? 2 : 1)
  return {
    close: () => {
      sink.ondata = null
      sink.stop()
    },
  }
}

// What is used of @roamhq/wrtc. Its own types stand on the browser's, which this program does not have.
type AudioData = {
  samples: Int16Array
  sampleRate: number
  bitsPerSample: number
  channelCount: number
  numberOfFrames: number
}
type AudioSource = { createTrack(): { stop(): void }; onData(data: AudioData): void }
type AudioSink = { ondata: ((data: AudioData) => void) | null; stop(): void }
type Endpoint = object
type Transceiver = { sender: Endpoint; receiver: Endpoint }
type PeerConnection = {
  addTransceiver(...args: unknown[]): Transceiver
  addTrack(...args: unknown[]): Endpoint
  getTransceivers(): Transceiver[]
  getSenders(): Endpoint[]
  getReceivers(): Endpoint[]
  addIceCandidate(...args: unknown[]): Promise<void>
  readonly signalingState: string
  dispatchEvent(event: { type: string; receiver?: Endpoint }): unknown
}
type Wrtc = Record<string, unknown> & {
  RTCPeerConnection: new (...args: unknown[]) => PeerConnection
  nonstandard: {
    RTCAudioSource: new () => AudioSource
    RTCAudioSink: new (mediaTrack: unknown) => AudioSink
  }
}

const importWrtc = async (): Promise<Wrtc> => {
  try {
    const module = (await import('@roamhq/wrtc')) as unknown as { default?: Wrtc } & Wrtc
    return module.default ?? module
  } catch (cause) {
    const message = `WebRTC (@roamhq/wrtc) does not load on this machine (${process.platform} ${process.arch}).`
    throw Object.assign(new Error(message, { cause }), { code: 'no-webrtc' })
  }
}

const globalNames = [
  'RTCSessionDescription',
  'RTCIceCandidate',
  'MediaStream',
  'MediaStreamTrack',
  'RTCRtpSender',
  'RTCRtpReceiver',
  'RTCRtpTransceiver',
  'RTCDataChannel',
] as const

/**
 * The signal connection. Not undici's, which loses what comes just before the end: the message that says why. Each
 * message is told in a turn of its own, as a browser does: livekit-client drops what it has not read at the close, and
 * an offer that is told together with the answer to the join, which then comes again after a second.
 */
class SignalSocket extends WebSocket {
  constructor(url: string, protocols?: string[]) {
    super(url, protocols, { perMessageDeflate: false, allowSynchronousEvents: false })
    // livekit-client says of a refusal only that there was one.
    this.once('unexpected-response', (_request, { statusCode = 0, headers }) => {
      const token = new URL(url).searchParams.get('access_token')
      if (token && busyStatuses.includes(statusCode))
        refusals.set(token, { status: statusCode, retryAfterMs: retryAfterMsOf(headers['retry-after']) })
      this.terminate()
    })
  }
}

const refusals = new Map<string, SignalRefusal>()
const busyStatuses = [429, 503]

/** Seconds, or a date (RFC 9110, 10.2.3). */
const retryAfterMsOf = (text: string | undefined): number | null => {
  if (text === undefined) return null
  const ms = /^\d+$/.test(text) ? Number(text) * 1_000 : Date.parse(text) - Date.now()
  return Number.isNaN(ms) ? null : Math.max(0, ms)
}

// Neither `window` nor `document`: with one of them livekit-client takes itself to be in a browser.
const installGlobals = (wrtc: Wrtc) => {
  for (const name of globalNames) setGlobal(name, wrtc[name])
  setGlobal('RTCPeerConnection', adaptConnection(wrtc.RTCPeerConnection))
  setGlobal('WebSocket', SignalSocket)
  setGlobal('navigator', { userAgent: 'roomtone', product: 'roomtone' })
}

const setGlobal = (name: string, value: unknown) =>
  Object.defineProperty(globalThis, name, { value, configurable: true, writable: true })

/**
 * Senders and receivers of wrtc reject `getStats` with "Not yet implemented", which nobody catches. Their prototypes
 * are frozen, so each instance loses the method as it appears; livekit-client then does without, and the statistics
 * are asked of the connection, once for all tracks. Nobody catches a candidate that comes after the close, either.
 */
const adaptConnection = (Base: Wrtc['RTCPeerConnection']) =>
  class RTCPeerConnection extends Base {
    override addTransceiver(...args: unknown[]) {
      return hideStatsOf(super.addTransceiver(...args))
    }
    override addTrack(...args: unknown[]) {
      return hideStats(super.addTrack(...args))
    }
    override getTransceivers() {
      return super.getTransceivers().map(hideStatsOf)
    }
    override getSenders() {
      return super.getSenders().map(hideStats)
    }
    override getReceivers() {
      return super.getReceivers().map(hideStats)
    }
    override async addIceCandidate(...args: unknown[]) {
      await super.addIceCandidate(...args).catch((error) => {
        if (this.signalingState !== 'closed') throw error
      })
    }
    override dispatchEvent(event: { type: string; receiver?: Endpoint }) {
      if (event.receiver) hideStats(event.receiver)
      return super.dispatchEvent(event)
    }
  }

const hideStatsOf = (transceiver: Transceiver): Transceiver => {
  hideStats(transceiver.sender)
  hideStats(transceiver.receiver)
  return transceiver
}

const hideStats = <T extends Endpoint>(endpoint: T): T =>
  Object.defineProperty(endpoint, 'getStats', { value: undefined, configurable: true, writable: true })
