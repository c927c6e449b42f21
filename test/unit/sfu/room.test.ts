import {
  AddTrackRequest,
  DisconnectReason,
  ParticipantInfo_Kind,
  ParticipantPermission,
  RequestResponse_Reason,
  TrackSource,
  TrackType,
} from '@livekit/protocol'
import { describe, expect, test } from 'vitest'
import { addTrack, bindSections, muteTrack, updateParticipant, updateSubscription } from '../../../src/sfu/publish.ts'
import { activate, DETACHED_MS, detach, isFullFor, join, remove, tick } from '../../../src/sfu/room.ts'
import { createRoomState, type Effect, type Participant, type RoomState } from '../../../src/sfu/room-state.ts'
import type { OfferedSection } from '../../../src/sfu/sdp.ts'
import { reconcile } from '../../../src/sfu/subscriptions.ts'

const newRoom = (maxParticipants = 0): RoomState =>
  createRoomState(
    'RM_1',
    'room',
    { emptyTimeoutS: 300, departureTimeoutS: 20, maxParticipants, metadata: '' },
    0,
    1_700_000_000_000,
  )

let lastSid = 0
const enter = (room: RoomState, identity: string, permission: Partial<ParticipantPermission> = {}, nowMs = 0) => {
  lastSid += 1
  const pass = {
    identity,
    name: identity,
    metadata: '',
    attributes: {},
    kind: ParticipantInfo_Kind.STANDARD,
    room: 'room',
    permission: new ParticipantPermission({ canSubscribe: true, canPublish: true, ...permission }),
    issuedAtS: 0,
  }
  return join(room, pass, { autoSubscribe: true, sid: `PA_${lastSid}`, nowMs, unixMs: 0 })
}
const stand = (room: RoomState, participant: Participant): Effect[] => {
  participant.mediaStands = true
  return [...activate(room, participant.info.sid), ...reconcile(room, participant)]
}
const seat = (room: RoomState, identity: string, permission: Partial<ParticipantPermission> = {}): Participant => {
  const { participant } = enter(room, identity, permission)
  stand(room, participant)
  return participant
}
const section = (mid: string, cid: string, sends = true): OfferedSection => ({
  mid,
  kind: 'audio',
  sends,
  cid,
  payloadType: 111,
  levelExtensionId: 1,
  stereo: false,
})
const microphone = (cid: string): AddTrackRequest =>
  new AddTrackRequest({ cid, type: TrackType.AUDIO, source: TrackSource.MICROPHONE })
const publish = (room: RoomState, participant: Participant, cid: string, mid = '1'): Effect[] => [
  ...addTrack(room, participant, microphone(cid), `TR_${cid}`),
  ...bindSections(room, participant, [section(mid, cid)]),
]
const only = <T extends Effect['type']>(effects: Effect[], type: T) =>
  effects.filter((effect): effect is Extract<Effect, { type: T }> => effect.type === type)
const events = (effects: Effect[]): string[] => only(effects, 'event').map(({ event }) => event)

describe('publishing', () => {
  test('a track is heard by everyone else who may subscribe, and by nobody who may not', () => {
    const room = newRoom()
    const speaker = seat(room, 'speaker')
    const listener = seat(room, 'listener')
    seat(room, 'deaf', { canSubscribe: false })
    const effects = publish(room, speaker, 'mic')
    expect(only(effects, 'subscribe').map(({ subscriber }) => subscriber)).toEqual([listener.info.sid])
    expect(only(effects, 'gate')).toEqual([{ type: 'gate', trackSid: 'TR_mic', open: true }])
    expect(events(effects)).toEqual(['track_published'])
  })

  test('an announcement may come after the offer', () => {
    const room = newRoom()
    const speaker = seat(room, 'speaker')
    expect(only(bindSections(room, speaker, [section('1', 'mic')]), 'publish')).toEqual([])
    expect(only(addTrack(room, speaker, microphone('mic'), 'TR_1'), 'publish')).toHaveLength(1)
  })

  test('a republished track with an unknown id is taken for the announced one', () => {
    const room = newRoom()
    const speaker = seat(room, 'speaker')
    addTrack(room, speaker, microphone('mic'), 'TR_1')
    expect(only(bindSections(room, speaker, [section('1', 'random')]), 'publish')).toMatchObject([
      { trackSid: 'TR_1', mid: '1' },
    ])
  })

  test('a section that stops sending ends its track', () => {
    const room = newRoom()
    const speaker = seat(room, 'speaker')
    const listener = seat(room, 'listener')
    publish(room, speaker, 'mic')
    const effects = bindSections(room, speaker, [section('1', 'mic', false)])
    expect(only(effects, 'unsubscribe')).toEqual([
      { type: 'unsubscribe', subscriber: listener.info.sid, trackSid: 'TR_mic' },
    ])
    expect(events(effects)).toEqual(['track_unpublished'])
    expect(speaker.info.tracks).toEqual([])
  })

  test.each([
    ['without the right', { canPublish: false }, TrackSource.MICROPHONE, RequestResponse_Reason.NOT_ALLOWED],
    [
      'of a source not named',
      { canPublishSources: [TrackSource.CAMERA] },
      TrackSource.MICROPHONE,
      RequestResponse_Reason.NOT_ALLOWED,
    ],
    ['of a screen', {}, TrackSource.SCREEN_SHARE_AUDIO, RequestResponse_Reason.UNSUPPORTED_TYPE],
  ])('a track %s is refused', (_what, permission, source, reason) => {
    const room = newRoom()
    const speaker = seat(room, 'speaker', permission)
    const effects = addTrack(room, speaker, new AddTrackRequest({ cid: 'c', type: TrackType.AUDIO, source }), 'TR_1')
    expect(only(effects, 'send').map(({ message }) => message)).toMatchObject([
      { case: 'requestResponse', value: { reason } },
    ])
    expect(only(bindSections(room, speaker, [section('1', 'c')]), 'publish')).toEqual([])
  })

  test('a right taken away unpublishes at once, a pending track too', () => {
    const room = newRoom()
    const speaker = seat(room, 'speaker')
    seat(room, 'listener')
    publish(room, speaker, 'mic')
    addTrack(room, speaker, microphone('second'), 'TR_second')
    const effects = updateParticipant(room, speaker, { permission: new ParticipantPermission({ canSubscribe: true }) })
    expect(only(effects, 'unpublish')).toMatchObject([{ trackSid: 'TR_mic' }])
    expect(only(effects, 'unsubscribe')).toHaveLength(1)
    expect(only(bindSections(room, speaker, [section('2', 'second')]), 'publish')).toEqual([])
  })

  test('a mute closes the gate for all, once', () => {
    const room = newRoom()
    const speaker = seat(room, 'speaker')
    publish(room, speaker, 'mic')
    expect(only(muteTrack(room, speaker, 'TR_mic', true, true), 'gate')).toEqual([
      { type: 'gate', trackSid: 'TR_mic', open: false },
    ])
    expect(muteTrack(room, speaker, 'TR_mic', true, true)).toEqual([])
  })
})

describe('coming and going', () => {
  test('a late joiner is subscribed to what is there once its connection stands', () => {
    const room = newRoom()
    publish(room, seat(room, 'speaker'), 'mic')
    const { participant, effects } = enter(room, 'late')
    expect(only(effects, 'subscribe')).toEqual([])
    expect(only(stand(room, participant), 'subscribe')).toMatchObject([{ trackSid: 'TR_mic' }])
  })

  test('a second join with one identity ends the first', () => {
    const room = newRoom()
    const first = seat(room, 'twin')
    const { participant, effects } = enter(room, 'twin')
    expect(only(effects, 'leave')).toMatchObject([{ sid: first.info.sid, reason: DisconnectReason.DUPLICATE_IDENTITY }])
    expect([...room.participants.keys()]).toEqual([participant.info.sid])
  })

  test('who lost the signal comes back as the same participant, and nobody is told of a leave', () => {
    const room = newRoom()
    const first = seat(room, 'person')
    const other = seat(room, 'other')
    publish(room, first, 'mic')
    detach(room, first.info.sid, 1000)
    const { participant, effects } = enter(room, 'person', {}, 2000)
    expect(participant.info.sid).toBe(first.info.sid)
    expect(events(effects)).toEqual(['track_unpublished'])
    expect(only(effects, 'leave')).toEqual([])
    expect(only(effects, 'unsubscribe')).toMatchObject([{ subscriber: other.info.sid }])
    expect(events(stand(room, participant))).toEqual([])
    expect(tick(room, 2000 + DETACHED_MS).effects).toEqual([])
  })

  test('who comes back is sent what it had asked for, without asking again', () => {
    const room = newRoom()
    const speaker = seat(room, 'speaker')
    publish(room, speaker, 'mic')
    const first = seat(room, 'person')
    first.autoSubscribe = false
    updateSubscription(room, first, { trackSids: ['TR_mic'], subscribe: true, participantTracks: [] })
    detach(room, first.info.sid, 1000)
    const { participant } = enter(room, 'person', {}, 2000)
    participant.autoSubscribe = false
    expect(only(stand(room, participant), 'subscribe')).toMatchObject([{ trackSid: 'TR_mic' }])
  })

  test('who does not come back in time has left', () => {
    const room = newRoom()
    const person = seat(room, 'person')
    detach(room, person.info.sid, 1000)
    expect(tick(room, 1000 + DETACHED_MS - 1).effects).toEqual([])
    expect(events(tick(room, 1000 + DETACHED_MS).effects)).toEqual(['participant_left'])
  })

  test('who never gets a media connection is told so, and was never there', () => {
    const room = newRoom()
    enter(room, 'stuck')
    const { effects } = tick(room, 60_000)
    expect(only(effects, 'leave')).toMatchObject([{ reason: DisconnectReason.CONNECTION_TIMEOUT }])
    expect(events(effects)).toEqual(['participant_connection_aborted'])
  })

  test('a hidden participant hears all and is told to nobody', () => {
    const room = newRoom()
    publish(room, seat(room, 'speaker'), 'mic')
    const { participant, effects } = enter(room, 'ghost', { hidden: true })
    const updates = only(effects, 'send').filter(
      ({ to, message }) => to !== participant.info.sid && message.case === 'update',
    )
    expect(updates).toEqual([])
    const standing = stand(room, participant)
    expect(events(standing)).toEqual([])
    expect(only(standing, 'subscribe')).toHaveLength(1)
  })

  test('a full room is full for others, not for who is in it', () => {
    const room = newRoom(1)
    seat(room, 'one')
    expect([isFullFor(room, 'one'), isFullFor(room, 'two')]).toEqual([false, true])
  })

  test('an empty room ends after its timeout: the long one before anyone came, the short one after', () => {
    const untouched = newRoom()
    expect(tick(untouched, 299_999).finished).toBe(false)
    expect(tick(untouched, 300_000).finished).toBe(true)
    const room = newRoom()
    const person = seat(room, 'person')
    expect(tick(room, 1_000_000).finished).toBe(false)
    remove(room, person.info.sid, DisconnectReason.CLIENT_INITIATED, 1_000_000, false)
    expect(tick(room, 1_019_999).finished).toBe(false)
    expect(events(tick(room, 1_020_000).effects)).toEqual(['room_finished'])
  })
})
