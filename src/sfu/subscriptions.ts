import { AudioTrackFeature, type TrackInfo } from '@livekit/protocol'
import { type Effect, event, isHidden, type Participant, type RoomState } from './room-state.ts'

/** Brings what everyone hears (or one participant) in line with what is published, permitted and wished. */
export const reconcile = (room: RoomState, only?: Participant): Effect[] => {
  const published = [...room.participants.values()].filter(
    (publisher) => publisher.info.tracks.length > 0 && !isHidden(publisher),
  )
  return (only ? [only] : [...room.participants.values()]).flatMap((subscriber) => {
    const effects: Effect[] = []
    const wanted = new Set<string>()
    for (const publisher of published) {
      if (publisher === subscriber) continue
      for (const track of publisher.info.tracks) {
        if (!wants(subscriber, track.sid)) continue
        wanted.add(track.sid)
        if (subscriber.subscribed.has(track.sid)) continue
        effects.push({
          type: 'subscribe',
          subscriber: subscriber.info.sid,
          publisher: publisher.info.sid,
          trackSid: track.sid,
          stereo: isStereo(track),
        })
        if (subscriber.paused.has(track.sid))
          effects.push({ type: 'pause', subscriber: subscriber.info.sid, trackSid: track.sid, paused: true })
      }
    }
    for (const trackSid of subscriber.subscribed)
      if (!wanted.has(trackSid)) effects.push({ type: 'unsubscribe', subscriber: subscriber.info.sid, trackSid })
    subscriber.subscribed = wanted
    return effects
  })
}

export const withdraw = (room: RoomState, publisher: Participant, trackSid: string): Effect[] => {
  const track = publisher.info.tracks.find(({ sid }) => sid === trackSid)
  if (!track) return []
  publisher.info.tracks = publisher.info.tracks.filter((candidate) => candidate !== track)
  publisher.info.isPublisher = publisher.info.tracks.length > 0
  for (const [mid, sid] of publisher.sections) if (sid === trackSid) publisher.sections.delete(mid)
  for (const { wanted, paused } of room.participants.values()) {
    wanted.delete(trackSid)
    paused.delete(trackSid)
  }
  return [
    { type: 'unpublish', sid: publisher.info.sid, trackSid },
    ...reconcile(room),
    ...(isHidden(publisher) ? [] : [event('track_unpublished', publisher, track)]),
  ]
}

/** Before a participant's connection goes: nothing is sent to it any more. */
export const unsubscribeAll = (participant: Participant): Effect[] => {
  const sids = [...participant.subscribed]
  participant.subscribed = new Set()
  participant.mediaStands = false
  return sids.map((trackSid) => ({ type: 'unsubscribe', subscriber: participant.info.sid, trackSid }))
}

const isStereo = (track: TrackInfo): boolean =>
  track.stereo || track.audioFeatures.includes(AudioTrackFeature.TF_STEREO)

const wants = (subscriber: Participant, trackSid: string): boolean =>
  (subscriber.info.permission?.canSubscribe ?? false) &&
  subscriber.mediaStands &&
  (subscriber.wanted.get(trackSid) ?? subscriber.autoSubscribe)
