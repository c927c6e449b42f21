import {
  AudioFrame,
  AudioSource,
  AudioStream,
  LocalAudioTrack,
  type RemoteTrack,
  Room,
  RoomEvent,
  TrackPublishOptions,
  TrackSource,
} from '@livekit/rtc-node'
import type { ForeignPeer } from './foreign-peer.ts'
import { createToneMeter, type ToneMeter } from './media-tone.ts'

export type RtcNodePeer = Omit<ForeignPeer, 'publishTone'> & {
  room: Room
  publishTone(hz: number): Promise<{ sid: string }>
}

/** A participant on LiveKit's own native client, which shares no code with the server under test. */
export const joinRtcNode = async (
  url: string,
  token: string,
  options: { autoSubscribe?: boolean; singlePeerConnection?: boolean } = {},
): Promise<RtcNodePeer> => {
  const room = new Room()
  const heard = new Map<string, ToneMeter>()
  const events: string[] = []
  const closers: (() => void | Promise<void>)[] = []
  room.on(RoomEvent.TrackSubscribed, (track: RemoteTrack, _publication, participant) => {
    events.push(`subscribed ${participant.identity}`)
    const meter = createToneMeter()
    heard.set(participant.identity, meter)
    const reader = new AudioStream(track, 48_000, 1).getReader()
    closers.push(() => void reader.cancel().catch(() => {}))
    void (async () => {
      for (;;) {
        const { done, value } = await reader.read().catch(() => ({ done: true, value: undefined }))
        if (done || !value) return
        meter.add(value.data)
      }
    })()
  })
  room.on(RoomEvent.TrackUnsubscribed, (_track, _publication, participant) =>
    events.push(`unsubscribed ${participant.identity}`),
  )
  room.on(RoomEvent.ParticipantDisconnected, (participant) => events.push(`left ${participant.identity}`))
  room.on(RoomEvent.Disconnected, (reason) => events.push(`disconnected ${reason}`))
  room.on(RoomEvent.ActiveSpeakersChanged, (speakers) =>
    events.push(`speakers ${speakers.map(({ identity }) => identity).join(',')}`),
  )
  room.on(RoomEvent.DataReceived, () => events.push('data'))
  room.on(RoomEvent.TrackMuted, (_publication, { identity }) => events.push(`muted ${identity}`))
  room.on(RoomEvent.TrackUnmuted, (_publication, { identity }) => events.push(`unmuted ${identity}`))
  room.on(RoomEvent.LocalTrackUnpublished, () => events.push('unpublished'))
  room.on(RoomEvent.Reconnecting, () => events.push('reconnecting'))
  room.on(RoomEvent.Reconnected, () => events.push('reconnected'))
  // Its native part knows more options than the package's types name.
  await room.connect(url, token, { autoSubscribe: true, dynacast: false, ...options })
  events.push('joined')
  const tracks: LocalAudioTrack[] = []

  return {
    room,
    events,
    heardHz: (identity) => heard.get(identity)?.hz(),
    publishTone: async (hz) => {
      const source = new AudioSource(48_000, 1, 100)
      const track = LocalAudioTrack.createAudioTrack('tone', source)
      const publication = await room.localParticipant!.publishTrack(
        track,
        new TrackPublishOptions({ source: TrackSource.SOURCE_MICROPHONE, dtx: false, red: false }),
      )
      tracks.push(track)
      events.push('published')
      let playing = true
      let at = 0
      void (async () => {
        while (playing) {
          const frame = new Int16Array(480)
          for (let i = 0; i < 480; i += 1, at += 1) frame[i] = 8000 * Math.sin((2 * Math.PI * hz * at) / 48_000)
          await source.captureFrame(new AudioFrame(frame, 48_000, 1, 480)).catch(() => {
            playing = false
          })
        }
      })()
      closers.push(async () => {
        playing = false
        await source.close().catch(() => {})
      })
      return { sid: publication.sid! }
    },
    setMuted: async (muted) => {
      // Its native part mutes; the package has no method that says so.
      for (const track of tracks)
        globalThis._ffiClientInstance!.request({
          message: { case: 'localTrackMute', value: { trackHandle: track.ffi_handle!.handle, mute: muted } },
        })
    },
    close: async () => {
      for (const close of closers) await close()
      await room.disconnect()
    },
  }
}
