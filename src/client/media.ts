import type { LocalTrackPublication, Participant, RemoteTrack, Room } from 'livekit-client'
import type { Channels } from '../audio/frame.ts'
import type { SeatParticipant } from '../protocol/seat.ts'
import { type ConnectionStats, readStats, readUplinkBytes } from './media-stats.ts'
import { loadWebRtc, type PcmTrack, type SignalRefusal, type WebRtc } from './webrtc.ts'

type LiveKit = typeof import('livekit-client')

/** A participant as LiveKit knows it. `id` is the media identity. */
export type MediaParticipant = {
  id: string
  name: string
  kind: 'person' | 'bot'
  canPublish: boolean
  /** No audio track that is open: none at all, or a muted one. */
  isMuted: boolean
  hasTrack: boolean
  /** Its connection for sound stands: it could hear. */
  isConnected: boolean
}

/**
 * Why the connection is over for good: `replaced` (the same identity joined elsewhere), `removed`, `room-ended`, or
 * `lost`, after which it may be made again.
 */
export type MediaEnd = 'replaced' | 'removed' | 'room-ended' | 'lost'

export type MediaEvent =
  | { type: 'participant'; participant: MediaParticipant }
  | { type: 'participant-left'; id: string }
  /** All who are speaking now. */
  | { type: 'speaking'; ids: string[] }
  | { type: 'quality'; id: string; quality: SeatParticipant['quality'] }
  /** The server gave or took the right to have a track. */
  | { type: 'permission'; canPublish: boolean }
  | { type: 'track-ended'; id: string; trackId: string }
  | { type: 'reconnecting' }
  | { type: 'reconnected' }
  | { type: 'disconnected'; end: MediaEnd }

export type MediaOptions = {
  url: string
  token: string
  onEvent(event: MediaEvent): void
  /** Every 10 ms of every track that is subscribed; `trackId` is the one of the statistics. */
  onPcm(id: string, trackId: string, samples: Int16Array, sampleRate: number, channels: Channels): void
}

export type Publication = {
  /** 10 ms at 48 kHz; the caller may use the buffer again at once. */
  write(frame: Int16Array): void
  /** Resolves when the server has been told and no sound goes out (or goes out again). */
  setMuted(muted: boolean): Promise<void>
  close(): Promise<void>
}

type PublishOptions = {
  muted: boolean
  channels: Channels
  /** Music: 96 kbit/s and never a pause in transmission; else 32 kbit/s, with pauses in silence. */
  music: boolean
  /** The server has taken the track away. */
  onTaken(): void
}

export type Media = {
  /** The one that it was made with, or a fresher one that the server has sent since. */
  token(): string
  you(): MediaParticipant
  readonly roomName: string
  participants(): MediaParticipant[]
  participant(id: string): MediaParticipant | undefined
  /** Who is speaking now and how well each is connected; it was told while connecting. */
  picture(): MediaEvent[]
  publish(options: PublishOptions): Promise<Publication>
  stats(): Promise<ConnectionStats>
  /** Bytes that came back on the publishing connection so far. */
  uplinkBytes(): Promise<number>
  /** A number of its own for each connection, also for one that livekit-client makes anew by itself. */
  connection(): number
  /** Somebody receives our track, or nobody is there to. */
  isReceived(): boolean
  close(): Promise<void>
}

const CONNECT_TIMEOUT_MS = 8_000
// Where a server that has no place does not say when to ask again.
const RETRY_AFTER_MS = 2_000
// A short cut of the signal connection alone is mended by livekit-client; after these the session joins anew.
const RETRY_DELAYS_MS = [100, 400, 800, 1_200]

/**
 * Joins a room of any LiveKit server and subscribes to all that sounds. Throws an Error with code `sign-in-needed` when
 * the token is refused, `media-unavailable` when the server does not answer or no path for sound is found, the same
 * with `retryAfterMs` when it has no place for now, `media-ended` with a `MediaEnd` as `end` when it let go meanwhile.
 */
export const connectMedia = async ({ url, token, onEvent, onPcm }: MediaOptions): Promise<Media> => {
  const [webrtc, livekit] = await load()
  const room = new livekit.Room({
    adaptiveStream: false,
    dynacast: false,
    disconnectOnPageLeave: false,
    // With one connection for both directions wrtc never tells of a subscribed track.
    singlePeerConnection: false,
    reconnectPolicy: { nextRetryDelayInMs: ({ retryCount }) => retryDelayMs(room, retryCount) },
  })
  const sinks = startSinks(webrtc, onPcm)
  const uplink = watchUplink(livekit, room)
  forwardEvents(livekit, room, sinks, onEvent)
  let freshToken = token
  room.engine.on(livekit.EngineEvent.TokenRefreshed, (fresh) => {
    freshToken = fresh
  })
  const eviction = watchEviction(livekit, room)
  const connecting = room.connect(url, token, {
    maxRetries: 0,
    peerConnectionTimeout: CONNECT_TIMEOUT_MS,
    websocketTimeout: CONNECT_TIMEOUT_MS,
  })
  try {
    await Promise.race([connecting, eviction.happened])
  } catch (error) {
    sinks.close()
    throw eviction.error() ?? connectError(livekit, url, error as Error, webrtc.takeRefusal(token))
  }
  return {
    token: () => freshToken,
    you: () => describeParticipant(room.localParticipant),
    roomName: room.name,
    participants: () => [...room.remoteParticipants.values()].map(describeParticipant),
    participant: (id) => {
      const one = room.getParticipantByIdentity(id)
      return one && describeParticipant(one)
    },
    picture: () => [
      { type: 'speaking', ids: room.activeSpeakers.map(({ identity }) => identity) },
      ...[room.localParticipant, ...room.remoteParticipants.values()].map(
        ({ identity, connectionQuality }): MediaEvent => ({
          type: 'quality',
          id: identity,
          quality: connectionQuality,
        }),
      ),
    ],
    publish: (options) => publish(livekit, webrtc, room, options),
    stats: () => readStats(room.engine.pcManager),
    uplinkBytes: () => readUplinkBytes(room.engine.pcManager),
    ...uplink,
    close: async () => {
      room.removeAllListeners()
      sinks.close()
      await room.disconnect().catch(() => {})
    },
  }
}

/**
 * Null where livekit-client would join anew: it gives the tracks of such a connection only 2 s after the join (its
 * `minReconnectWait`), when all others take this listener to be back. The session joins anew as it joined first.
 */
const retryDelayMs = (room: Room, retryCount: number): number | null =>
  room.engine.fullReconnectOnNext ? null : (RETRY_DELAYS_MS[retryCount] ?? null)

let loading: Promise<[WebRtc, LiveKit]> | undefined

/** Begins to load what `connectMedia` needs, which takes longer than a server needs to let somebody in; what fails fails there. */
export const preloadMedia = (): void => void load().catch(() => {})

const load = () => {
  loading ??= loadWebRtc().then(async (webrtc): Promise<[WebRtc, LiveKit]> => {
    // After wrtc: it looks for the globals of a browser as it loads.
    const livekit = await import('livekit-client')
    livekit.setLogLevel(livekit.LogLevel.silent)
    passOverLateErrors(livekit)
    return [webrtc, livekit]
  })
  return loading
}

/**
 * A connection that breaks in the middle of a negotiation makes livekit-client reject promises that nobody holds, which
 * would end the process; what broke is told as an event anyway. All other rejections stay as deadly as they are.
 */
const passOverLateErrors = ({ LivekitError }: LiveKit) =>
  process.on('unhandledRejection', (error) => {
    if (!(error instanceof LivekitError)) throw error
  })

type Sinks = ReturnType<typeof startSinks>

const startSinks = (webrtc: WebRtc, onPcm: MediaOptions['onPcm']) => {
  const open = new Map<string, { close(): void }>()
  const remove = (trackId: string) => {
    open.get(trackId)?.close()
    open.delete(trackId)
  }
  return {
    add: (id: string, trackId: string, track: RemoteTrack) => {
      remove(trackId)
      const sink = webrtc.receivePcm(track.mediaStreamTrack, (samples, sampleRate, channels) =>
        onPcm(id, trackId, samples, sampleRate, channels),
      )
      open.set(trackId, sink)
    },
    remove,
    close: () => {
      for (const trackId of [...open.keys()]) remove(trackId)
    },
  }
}

let connections = 0
/** Not every server tells of the first subscriber; after this the track is taken to be received. */
const UNTOLD_SUBSCRIPTION_MS = 1_500

const watchUplink = ({ ConnectionState, RoomEvent }: LiveKit, room: Room) => {
  let connection = ++connections
  let receivedFromMs = Number.POSITIVE_INFINITY
  room
    .on(RoomEvent.LocalTrackPublished, () => {
      receivedFromMs = performance.now() + UNTOLD_SUBSCRIPTION_MS
    })
    .on(RoomEvent.LocalTrackSubscribed, () => {
      receivedFromMs = performance.now()
    })
    .on(RoomEvent.Reconnecting, () => {
      connection = ++connections
    })
    .on(RoomEvent.Reconnected, () => {
      connection = ++connections
    })
  return {
    connection: () => connection,
    // While livekit-client makes its connection anew it shows figures of either, and people of the old one.
    isReceived: () =>
      room.state === ConnectionState.Connected &&
      (performance.now() >= receivedFromMs || room.remoteParticipants.size === 0),
  }
}

const forwardEvents = (livekit: LiveKit, room: Room, sinks: Sinks, onEvent: MediaOptions['onEvent']) => {
  const { RoomEvent, Track } = livekit
  const tell = (participant: Participant) =>
    onEvent({ type: 'participant', participant: describeParticipant(participant) })
  room
    .on(RoomEvent.ParticipantConnected, tell)
    .on(RoomEvent.ParticipantDisconnected, ({ identity }) => onEvent({ type: 'participant-left', id: identity }))
    .on(RoomEvent.ParticipantNameChanged, (_, participant) => tell(participant))
    .on(RoomEvent.TrackPublished, (_, participant) => tell(participant))
    .on(RoomEvent.TrackUnpublished, (_, participant) => tell(participant))
    .on(RoomEvent.TrackMuted, (_, participant) => tell(participant))
    .on(RoomEvent.TrackUnmuted, (_, participant) => tell(participant))
    .on(RoomEvent.LocalTrackPublished, (_, participant) => tell(participant))
    .on(RoomEvent.ParticipantPermissionsChanged, (_, participant) => {
      tell(participant)
      if (participant === room.localParticipant)
        onEvent({ type: 'permission', canPublish: participant.permissions?.canPublish ?? false })
    })
    .on(RoomEvent.TrackSubscribed, (track, _, { identity }) => {
      if (track.kind === Track.Kind.Audio) sinks.add(identity, trackIdOf(track), track)
    })
    .on(RoomEvent.TrackUnsubscribed, (track, _, { identity }) => {
      sinks.remove(trackIdOf(track))
      onEvent({ type: 'track-ended', id: identity, trackId: trackIdOf(track) })
    })
    .on(RoomEvent.ActiveSpeakersChanged, (speakers) =>
      onEvent({ type: 'speaking', ids: speakers.map(({ identity }) => identity) }),
    )
    .on(RoomEvent.ConnectionQualityChanged, (quality, { identity }) =>
      onEvent({ type: 'quality', id: identity, quality }),
    )
    .on(RoomEvent.SignalReconnecting, () => onEvent({ type: 'reconnecting' }))
    .on(RoomEvent.Reconnecting, () => onEvent({ type: 'reconnecting' }))
    .on(RoomEvent.Reconnected, () => {
      onEvent({ type: 'reconnected' })
      for (const participant of room.remoteParticipants.values()) tell(participant)
    })
    .on(RoomEvent.Disconnected, (reason) => {
      sinks.close()
      onEvent({ type: 'disconnected', end: endOf(livekit, reason) })
    })
}

const trackIdOf = (track: RemoteTrack): string => track.mediaStreamTrack.id

const endOf = ({ DisconnectReason }: LiveKit, reason: number | undefined): MediaEnd => {
  if (reason === DisconnectReason.DUPLICATE_IDENTITY) return 'replaced'
  if (reason === DisconnectReason.PARTICIPANT_REMOVED) return 'removed'
  if (reason === DisconnectReason.ROOM_DELETED || reason === DisconnectReason.ROOM_CLOSED) return 'room-ended'
  return 'lost'
}

const describeParticipant = (participant: Participant): MediaParticipant => ({
  id: participant.identity,
  name: participant.name || participant.identity,
  kind: participant.isAgent ? 'bot' : 'person',
  canPublish: participant.permissions?.canPublish ?? participant.audioTrackPublications.size > 0,
  hasTrack: participant.audioTrackPublications.size > 0,
  isConnected: participant.isActive,
  isMuted: ![...participant.audioTrackPublications.values()].some((publication) => !publication.isMuted),
})

const publish = async (
  livekit: LiveKit,
  webrtc: WebRtc,
  room: Room,
  { muted, channels, music, onTaken }: PublishOptions,
): Promise<Publication> => {
  const pcm = webrtc.createPcmTrack(channels)
  const track = new livekit.LocalAudioTrack(pcm.mediaTrack as never, undefined, true)
  if (muted) await track.mute()
  const publishing = room.localParticipant.publishTrack(track, {
    source: livekit.Track.Source.Microphone,
    audioPreset: { maxBitrate: music ? 96_000 : 32_000 },
    dtx: !music,
    red: false,
    forceStereo: channels === 2,
  })
  await publishing.catch((cause: Error) => {
    pcm.close()
    throw Object.assign(new Error('The media server did not take the microphone.', { cause }), {
      code: 'media-unavailable',
    })
  })
  return openPublication(livekit, room, pcm, track, onTaken)
}

type LocalAudio = NonNullable<LocalTrackPublication['audioTrack']>

const openPublication = (
  { ConnectionState, RoomEvent }: LiveKit,
  room: Room,
  pcm: PcmTrack,
  track: LocalAudio,
  onTaken: () => void,
): Publication => {
  const onUnpublished = (publication: LocalTrackPublication) => {
    if (publication.track !== undefined && publication.track !== track) return
    // While livekit-client makes its connection anew it takes each track down and publishes it again by itself.
    if (room.state !== ConnectionState.Connected) return
    room.off(RoomEvent.LocalTrackUnpublished, onUnpublished)
    pcm.close()
    onTaken()
  }
  room.on(RoomEvent.LocalTrackUnpublished, onUnpublished)
  return {
    write: pcm.write,
    setMuted: async (muted) => {
      await (muted ? track.mute() : track.unmute())
    },
    close: async () => {
      room.off(RoomEvent.LocalTrackUnpublished, onUnpublished)
      await room.localParticipant.unpublishTrack(track).catch(() => {})
      pcm.close()
    },
  }
}

/** While it connects, livekit-client waits on for its time to be over although the server has said goodbye. */
const watchEviction = (livekit: LiveKit, room: Room) => {
  let error: Error | undefined
  const happened = new Promise<never>((_, reject) => {
    room.once(livekit.RoomEvent.Disconnected, (reason) => {
      const end = endOf(livekit, reason)
      const letGo = new Error('it let go before the connection stood')
      // What failed by itself is told so, too, a moment before its own error comes.
      if (end === 'lost') return setTimeout(() => reject(letGo))
      error = Object.assign(letGo, { code: 'media-ended', end })
      reject(error)
    })
  })
  return { happened, error: () => error }
}

const connectError = (
  { ConnectionError, ConnectionErrorReason }: LiveKit,
  url: string,
  error: Error,
  refusal?: SignalRefusal,
) => {
  const reason = error instanceof ConnectionError ? error.reason : undefined
  const told = (code: string, message: string) => Object.assign(new Error(message, { cause: error }), { code })
  if (reason === ConnectionErrorReason.NotAllowed)
    return told('sign-in-needed', `The media server at ${url} refused the token.`)
  // The server let us in, and then no connection for sound came about.
  if (reason === ConnectionErrorReason.InternalError && /pc connection/.test(error.message))
    return told(
      'media-unavailable',
      `The media server at ${url} answers, but no network path for sound was found: UDP to it may be blocked.`,
    )
  if (refusal)
    return Object.assign(
      told('media-unavailable', `The media server at ${url} has no place now (HTTP ${refusal.status}).`),
      {
        retryAfterMs: refusal.retryAfterMs ?? RETRY_AFTER_MS,
      },
    )
  return told('media-unavailable', `The media server at ${url} cannot be reached: ${error.message}.`)
}
