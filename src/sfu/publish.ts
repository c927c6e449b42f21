import {
  type AddTrackRequest,
  AudioTrackFeature,
  ParticipantPermission,
  RequestResponse_Reason,
  TrackInfo,
  TrackSource,
  TrackType,
  type UpdateParticipantRequest,
  type UpdateSubscription,
  type UpdateTrackSettings,
} from '@livekit/protocol'
import {
  announce,
  type Effect,
  event,
  findTrack,
  isHidden,
  type Participant,
  type RoomState,
  roomChanged,
  send,
} from './room-state.ts'
import type { OfferedSection } from './sdp.ts'
import { reconcile, withdraw } from './subscriptions.ts'

/** What participants and moderators do with tracks in a room: values in, effects out, as in room-state.ts. */

const MAX_TRACKS = 4

/** A client announces a track. It is published when its media section comes in an offer. */
export const addTrack = (
  room: RoomState,
  publisher: Participant,
  request: AddTrackRequest,
  trackSid: string,
): Effect[] => {
  const refused = refuse(publisher, request)
  if (refused)
    return [
      send(publisher.info.sid, {
        case: 'requestResponse',
        value: { ...refused, request: { case: 'addTrack', value: request } },
      }),
    ]
  const known = publisher.pending.get(request.cid)
  const track = known ?? trackOf(request, trackSid)
  publisher.pending.set(request.cid, track)
  return [
    send(publisher.info.sid, { case: 'trackPublished', value: { cid: request.cid, track: track.clone() } }),
    ...settle(room, publisher),
  ]
}

/** Matches an offer's media sections with announced tracks, and ends the tracks whose section stopped sending. */
export const bindSections = (room: RoomState, publisher: Participant, sections: OfferedSection[]): Effect[] => {
  const effects: Effect[] = []
  for (const [mid, trackSid] of [...publisher.sections])
    if (!sections.some((section) => section.mid === mid && section.sends))
      effects.push(...withdraw(room, publisher, trackSid))
  if (effects.length > 0) effects.push(...announce(room, publisher))
  const open = sections.filter(
    ({ kind, sends, mid, payloadType }) => kind === 'audio' && sends && payloadType > 0 && !publisher.sections.has(mid),
  )
  publisher.offered = open
  for (const section of open) effects.push(...bind(room, publisher, section))
  return effects
}

/** Mute as the publisher's own wish, or `byModerator` (who can close a microphone but never open one). */
export const muteTrack = (
  room: RoomState,
  publisher: Participant,
  trackSid: string,
  muted: boolean,
  byModerator = false,
): Effect[] => {
  const pending = [...publisher.pending.values()].find(({ sid }) => sid === trackSid)
  if (pending) pending.muted = muted
  const track = publisher.info.tracks.find(({ sid }) => sid === trackSid)
  if (!track || track.muted === muted) return []
  track.muted = muted
  return [
    { type: 'gate', trackSid, open: !muted },
    ...(byModerator ? [send(publisher.info.sid, { case: 'mute', value: { sid: trackSid, muted } })] : []),
    ...announce(room, publisher),
  ]
}

export const updateSubscription = (
  room: RoomState,
  subscriber: Participant,
  request: Pick<UpdateSubscription, 'trackSids' | 'subscribe' | 'participantTracks'>,
): Effect[] => {
  const sids = [...request.trackSids, ...request.participantTracks.flatMap(({ trackSids }) => trackSids)]
  for (const sid of sids) if (findTrack(room, sid)) subscriber.wanted.set(sid, request.subscribe)
  return reconcile(room, subscriber)
}

export const updateTrackSettings = (subscriber: Participant, { trackSids, disabled }: UpdateTrackSettings): Effect[] =>
  trackSids
    .filter((sid) => subscriber.subscribed.has(sid))
    .map((trackSid) => {
      if (disabled) subscriber.paused.add(trackSid)
      else subscriber.paused.delete(trackSid)
      return { type: 'pause', subscriber: subscriber.info.sid, trackSid, paused: disabled }
    })

export type ParticipantPatch = Partial<
  Pick<UpdateParticipantRequest, 'metadata' | 'name' | 'attributes' | 'permission'>
>

/** Changes name, metadata, attributes (an empty value deletes one) or rights; a right taken away acts at once. */
export const updateParticipant = (room: RoomState, participant: Participant, patch: ParticipantPatch): Effect[] => {
  const { info } = participant
  if (patch.metadata) info.metadata = patch.metadata
  if (patch.name) info.name = patch.name
  for (const [key, text] of Object.entries(patch.attributes ?? {})) {
    if (text === '') delete info.attributes[key]
    else info.attributes[key] = text
  }
  if (!patch.permission) return announce(room, participant)
  const hidden = isHidden(participant)
  info.permission = new ParticipantPermission({ ...patch.permission, canPublishData: false, hidden })
  const lost = info.tracks.filter(({ source }) => !mayPublish(participant, source))
  for (const [cid, track] of participant.pending)
    if (!mayPublish(participant, track.source)) participant.pending.delete(cid)
  return [
    ...lost.flatMap(({ sid }) => [
      ...withdraw(room, participant, sid),
      send(info.sid, { case: 'trackUnpublished', value: { trackSid: sid } }),
    ]),
    ...announce(room, participant),
    ...reconcile(room, participant),
  ]
}

export const updateRoomMetadata = (room: RoomState, metadata: string): Effect[] => {
  room.info.metadata = metadata
  return roomChanged(room)
}

type Refusal = { reason: RequestResponse_Reason; message: string }

const refuse = (publisher: Participant, request: AddTrackRequest): Refusal | undefined => {
  const { NOT_ALLOWED, UNSUPPORTED_TYPE, LIMIT_EXCEEDED, INVALID_REQUEST } = RequestResponse_Reason
  if (
    request.type !== TrackType.AUDIO ||
    [TrackSource.CAMERA, TrackSource.SCREEN_SHARE, TrackSource.SCREEN_SHARE_AUDIO].includes(request.source)
  )
    return { reason: UNSUPPORTED_TYPE, message: 'this server carries audio only: no video and no screen' }
  if (!mayPublish(publisher, request.source)) return { reason: NOT_ALLOWED, message: 'not permitted to publish' }
  if (request.cid === '' || request.cid.length > 256 || request.name.length > 256)
    return { reason: INVALID_REQUEST, message: 'the track has no id, or its id or name is too long' }
  if (publisher.info.tracks.length + publisher.pending.size >= MAX_TRACKS && !publisher.pending.has(request.cid))
    return { reason: LIMIT_EXCEEDED, message: `no more than ${MAX_TRACKS} tracks per participant` }
  return undefined
}

const mayPublish = ({ info: { permission } }: Participant, source: TrackSource): boolean => {
  if (!permission?.canPublish) return false
  return permission.canPublishSources.length === 0 || permission.canPublishSources.includes(source)
}

const trackOf = (request: AddTrackRequest, sid: string): TrackInfo =>
  new TrackInfo({
    sid,
    type: TrackType.AUDIO,
    name: request.name,
    muted: request.muted,
    source: request.source,
    mimeType: 'audio/opus',
    stereo: request.stereo || request.audioFeatures.includes(AudioTrackFeature.TF_STEREO),
    disableDtx: request.disableDtx,
    disableRed: true,
    encryption: request.encryption,
    // What livekit-server fills in for a client that says less.
    stream: request.stream || (request.source === TrackSource.MICROPHONE ? 'camera' : 'unknown'),
    audioFeatures: request.disableDtx
      ? [...new Set([...request.audioFeatures, AudioTrackFeature.TF_NO_DTX])]
      : request.audioFeatures,
    codecs: [{ mimeType: 'audio/opus', cid: request.cid }],
  })

/** Some clients offer before they announce: a section that waits for exactly this track takes it now. */
const settle = (room: RoomState, publisher: Participant): Effect[] =>
  publisher.offered
    .filter(({ mid, cid }) => cid !== undefined && publisher.pending.has(cid) && !publisher.sections.has(mid))
    .flatMap((section) => bind(room, publisher, section))

const bind = (room: RoomState, publisher: Participant, section: OfferedSection): Effect[] => {
  // Clients that republish carry a random msid: then the oldest announced track is meant.
  const cid =
    section.cid !== undefined && publisher.pending.has(section.cid) ? section.cid : [...publisher.pending.keys()][0]
  const track = cid === undefined ? undefined : publisher.pending.get(cid)
  if (cid === undefined || !track) return []
  publisher.pending.delete(cid)
  publisher.sections.set(section.mid, track.sid)
  track.mid = section.mid
  for (const codec of track.codecs) codec.mid = section.mid
  track.stereo ||= section.stereo
  publisher.info.tracks = [...publisher.info.tracks, track]
  publisher.info.isPublisher = true
  return [
    {
      type: 'publish',
      sid: publisher.info.sid,
      mid: section.mid,
      trackSid: track.sid,
      payloadType: section.payloadType,
      levelExtensionId: section.levelExtensionId,
    },
    { type: 'gate', trackSid: track.sid, open: !track.muted },
    ...announce(room, publisher),
    ...reconcile(room),
    ...(isHidden(publisher) ? [] : [event('track_published', publisher, track)]),
  ]
}
