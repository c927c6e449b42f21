import { describe, expect, it } from 'vitest'
import type { MediaParticipant } from '../../../src/client/media.ts'
import type { RoomInput, RoomModel } from '../../../src/client/room-model.ts'
import { beginRoom, reduce } from '../../../src/client/room-state.ts'
import type { Tunings } from '../../../src/client/room-tuning.ts'
import type { RoomEvent } from '../../../src/protocol/events.ts'
import type { Hand, Joined, Participant, Role } from '../../../src/protocol/rooms.ts'
import type { SeatEvent, SeatState } from '../../../src/protocol/seat.ts'

const at = '2026-11-21T18:00:00.000Z'
const startMs = Date.parse(at)

const person = (id: string, role: Role = 'listener', more: Partial<Participant> = {}): Participant => ({
  id,
  name: id[0]!.toUpperCase() + id.slice(1),
  handle: id,
  kind: 'person',
  role,
  mutedByModerator: false,
  hasHandUp: false,
  isRecording: false,
  isAway: false,
  joinedAt: at,
  playing: null,
  ...more,
})

const joinedAs = (you: Participant, others: Participant[], more: Partial<Joined> = {}): Joined => ({
  room: {
    id: '5b0c8f9e-6b1f-4c55-9b7a-0d9f6a3c2e11',
    title: 'Morning sit',
    link: 'https://host/r/1',
    host: { name: 'Lena', handle: 'lena' },
    topic: null,
    language: null,
    sound: 'voice',
    hands: 'everyone',
    handsList: [],
    recording: 'off',
    isRecorded: false,
    createdAt: at,
    endedAt: null,
    stage: [],
    counts: { speakers: 0, listeners: 0 },
    awaited: null,
    playing: null,
    session: null,
  },
  you,
  participants: [you, ...others],
  hands: [],
  invitation: null,
  isMuted: true,
  media: { url: 'ws://host', token: 't' },
  eventCursor: '1',
  heartbeatMs: 5_000,
  ...more,
})

const hand = (id: string, position: number): Hand => ({
  participantId: id,
  name: id,
  handle: id,
  question: null,
  raisedAt: at,
  position,
})

const media = (id: string, more: Partial<MediaParticipant> = {}): MediaParticipant => ({
  id,
  name: id,
  kind: 'person',
  canPublish: true,
  isMuted: false,
  hasTrack: true,
  isConnected: true,
  ...more,
})

const story = (first = begin()) => {
  let model: RoomModel = first
  let nowMs = startMs
  return {
    take: (...inputs: RoomInput[]): SeatEvent[] =>
      inputs.flatMap((input) => {
        const step = reduce(model, input, nowMs)
        model = step.model
        return step.events
      }),
    server: (event: RoomEvent): RoomInput => ({ type: 'server', event }),
    wait: (ms: number) => {
      nowMs += ms
    },
    seat: () => model.seat,
    model: () => model,
  }
}

const begin = (isMuted = true, tunings?: Tunings) =>
  beginRoom({
    seatId: 'seat',
    pid: 1,
    isMuted,
    devices: { microphone: { name: 'Headset', status: 'ok' }, speaker: { name: 'Headset', status: 'ok' } },
    tunings,
  })

const changed = (participant: Participant, isNew = false): RoomEvent => ({ type: 'participant', participant, isNew })

describe('a cut', () => {
  const levels = (heard: [string, number][]): RoomInput => ({
    type: 'levels',
    levels: new Map(heard),
    youDb: -100,
    isTalkingWhileMuted: false,
  })
  const speaking = (...ids: string[]): RoomInput => ({ type: 'media', event: { type: 'speaking', ids } })
  const who = ({ participants }: SeatState) => participants.filter(({ isSpeaking }) => isSpeaking).map(({ id }) => id)
  const inRoom = () => {
    const told = story()
    told.take({
      type: 'joined',
      joined: joinedAs(person('omar'), [person('lena', 'moderator'), person('kim', 'speaker')]),
    })
    told.take({ type: 'live' }, speaking('lena', 'kim'))
    return told
  }

  it('lets nobody seem to speak who has not been heard for 1.5 s, until there is sound again or a new word', () => {
    const { take, seat } = inRoom()
    const silence = levels([['kim', -30]])
    for (let look = 0; look < 14; look++) expect(take(silence)).toEqual([])
    expect(who(seat())).toEqual(['lena', 'kim'])
    expect(take(silence)).toMatchObject([{ type: 'speaking', participantId: 'lena', isSpeaking: false }])
    expect(who(seat())).toEqual(['kim'])
    expect(
      take(
        levels([
          ['kim', -30],
          ['lena', -25],
        ]),
      ),
    ).toMatchObject([{ participantId: 'lena', isSpeaking: true }])
    for (let look = 0; look < 40; look++)
      take(
        levels([
          ['kim', -30],
          ['lena', -25],
        ]),
      )
    take(speaking())
    expect(who(seat())).toEqual([])
  })

  it('leaves nothing of what was known of voices and lines, and has it again when it is told', () => {
    const { take, seat } = inRoom()
    take({ type: 'media', event: { type: 'quality', id: 'lena', quality: 'good' } })
    take({ type: 'media', event: { type: 'quality', id: 'omar', quality: 'excellent' } })
    take({ type: 'network', network: { ...seat().network, roundTripMs: 20, lossPercent: 0 } })
    const events = take({ type: 'reconnecting', cause: 'cut', silentMs: 4_000 })
    expect(events.map(({ type }) => type)).toEqual(['reconnecting', 'speaking', 'speaking'])
    expect(seat().connection).toEqual({ status: 'reconnecting', cause: 'cut', since: '2026-11-21T17:59:56.000Z' })
    expect(seat().network).toEqual({ roundTripMs: null, lossPercent: null, quality: 'lost' })
    expect(seat().participants.map(({ quality }) => quality)).toEqual(['unknown', 'unknown', 'unknown'])
    expect(take(speaking('lena'))).toEqual([])
    expect(who(seat())).toEqual([])
    expect(take({ type: 'live' }, speaking('lena'))).toMatchObject([
      { type: 'reconnected', afterMs: 4_000 },
      { type: 'speaking', participantId: 'lena', isSpeaking: true },
    ])
  })

  it('lasts as long as it lasts, however the clock is set', () => {
    const { take, seat, wait } = inRoom()
    take({ type: 'reconnecting', cause: 'cut' })
    wait(1_000)
    wait(3 * 3_600_000)
    take({ type: 'clock-set', byMs: 3 * 3_600_000 })
    wait(1_000)
    expect(seat().connection).toMatchObject({ since: '2026-11-21T21:00:00.000Z' })
    expect(take({ type: 'live' })).toMatchObject([{ type: 'reconnected', afterMs: 2_000 }])
    expect(take({ type: 'clock-set', byMs: -5 })).toEqual([])
  })
})

describe('the state of a room', () => {
  it('follows a listener from hand to stage and back, telling each step once', () => {
    const { take, server, seat } = story()
    take({ type: 'joined', joined: joinedAs(person('omar'), [person('lena', 'moderator')]) })
    expect(take({ type: 'live' })).toMatchObject([{ type: 'joined', title: 'Morning sit', participants: 2, at }])
    expect(seat().you.microphone).toBe('listening')

    take(server({ type: 'hand-raised', hand: hand('omar', 1) }))
    expect(seat().you).toMatchObject({ microphone: 'hand-raised', hand: { position: 1 } })
    take(server({ type: 'invited-to-speak', participantId: 'omar', invitation: { by: 'Lena', expiresAt: at } }))
    expect(seat().you.microphone).toBe('invited')
    take(server({ type: 'invitation-closed', participantId: 'omar', outcome: 'accepted' }))
    take(server({ type: 'hand-lowered', participantId: 'omar', reason: 'on-stage' }))
    expect(take(server(changed(person('omar', 'speaker'))))).toMatchObject([
      { type: 'role-changed', isYou: true, role: 'speaker', was: 'listener' },
    ])
    expect(seat().you.microphone).toBe('muted')
    expect(seat().counts).toEqual({ speakers: 2, listeners: 0 })

    expect(take({ type: 'mute-wish', isMuted: false })).toEqual([])
    expect(seat().you.microphone).toBe('muted')
    expect(take({ type: 'sending', isSending: true })).toMatchObject([{ type: 'unmuted', isYou: true }])
    expect(seat().you.microphone).toBe('open')

    const taken = take(server(changed(person('omar', 'speaker', { mutedByModerator: true }))))
    expect(taken).toMatchObject([{ type: 'muted', isYou: true, byModerator: true }])
    expect(seat().you).toMatchObject({ microphone: 'muted-by-moderator', isMuted: true })
    expect(take(server(changed(person('omar', 'speaker'))))).toEqual([])
    expect(seat().you.microphone).toBe('muted')

    take(server(changed(person('omar'))))
    expect(seat().you.microphone).toBe('listening')
  })

  it('tells once that a microphone opened by itself, after joining, and neither again after a cut nor before a muting', () => {
    const { take, seat } = story(begin(false))
    take({ type: 'joined', joined: joinedAs(person('omar', 'speaker'), []) })
    expect(take({ type: 'live' }).map(({ type }) => type)).toEqual(['joined'])
    expect(seat().you).toMatchObject({ microphone: 'muted', isMuted: false })
    expect(take({ type: 'sending', isSending: true })).toMatchObject([{ type: 'unmuted', isYou: true }])
    expect(take({ type: 'reconnecting', cause: 'cut' }, { type: 'live' }).map(({ type }) => type)).toEqual([
      'reconnecting',
      'reconnected',
    ])
    expect(take({ type: 'sending', isSending: true })).toEqual([])
    expect(seat().you.microphone).toBe('open')
    expect(take({ type: 'mute-wish', isMuted: true }, { type: 'sending', isSending: false })).toMatchObject([
      { type: 'muted', isYou: true },
    ])
    expect(take({ type: 'mute-wish', isMuted: false }, { type: 'sending', isSending: true })).toMatchObject([
      { type: 'unmuted', isYou: true },
    ])
  })

  it('keeps stage before audience, and each in its order', () => {
    const { take, server, seat } = story()
    const others = [person('bo'), person('lena', 'moderator'), person('kim', 'speaker')]
    take({ type: 'joined', joined: joinedAs(person('omar'), others) }, { type: 'live' })
    expect(take(server(changed(person('ada', 'speaker'), true)))).toMatchObject([{ type: 'participant-joined' }])
    take(server(changed(person('bo', 'moderator'))))
    expect(seat().participants.map(({ id }) => id)).toEqual(['lena', 'bo', 'kim', 'ada', 'omar'])
    expect(seat().counts).toEqual({ speakers: 4, listeners: 1 })
  })

  it('joins what LiveKit knows to the roster by identity, and shows nobody that only LiveKit knows', () => {
    const { take, seat } = story()
    take({ type: 'joined', joined: joinedAs(person('omar'), [person('lena', 'moderator')]) })
    const participants = [media('lena'), media('stranger')]
    take(
      { type: 'media-joined', you: media('omar', { canPublish: false }), roomName: 'x', participants },
      { type: 'live' },
    )
    expect(seat().participants.map(({ id, isMuted }) => [id, isMuted])).toEqual([
      ['lena', false],
      ['omar', false],
    ])
    expect(
      take({ type: 'media', event: { type: 'participant', participant: media('lena', { isMuted: true }) } }),
    ).toMatchObject([{ type: 'muted', participantId: 'lena', byModerator: false }])
    expect(take({ type: 'media', event: { type: 'speaking', ids: ['lena', 'stranger'] } })).toMatchObject([
      { type: 'speaking', participantId: 'lena', isSpeaking: true },
    ])
  })

  it('knows how loud somebody is who comes again by another id, a bot by its name, and nobody by another kind', () => {
    const tunings = new Map([
      ['@lena', { volume: 30, isSilenced: true }],
      ['@kim bot Radio', { volume: 50, isSilenced: false }],
    ])
    const { take, seat } = story(begin(true, tunings))
    const bot = person('b1', 'speaker', { handle: 'kim', kind: 'bot', name: 'Radio' })
    take({ type: 'joined', joined: joinedAs(person('omar'), [person('x9', 'moderator', { handle: 'lena' }), bot]) })
    const tuning = (id: string) => {
      const { volume, isSilenced } = seat().participants.find((one) => one.id === id)!
      return { volume, isSilenced }
    }
    expect(tuning('x9')).toEqual({ volume: 30, isSilenced: true })
    expect(tuning('b1')).toEqual({ volume: 50, isSilenced: false })
    const usual = { volume: 100, isSilenced: false }
    for (const one of [
      person('kim', 'speaker'),
      person('b2', 'speaker', { handle: 'kim', kind: 'bot', name: 'News' }),
      person('c1', 'listener', { handle: 'lena', kind: 'companion', name: 'Lena' }),
    ]) {
      take({ type: 'server', event: changed(one, true) })
      expect(tuning(one.id)).toEqual(usual)
    }
    take({ type: 'tuned', who: '@lena', tuning: usual })
    expect(tuning('x9')).toEqual(usual)
  })

  it('tells after a cut what changed meanwhile, and keeps the mute wish and volumes', () => {
    const { take, seat, wait } = story()
    take({ type: 'joined', joined: joinedAs(person('omar', 'speaker'), [person('lena', 'moderator'), person('bo')]) })
    take({ type: 'live' }, { type: 'mute-wish', isMuted: false }, { type: 'sending', isSending: true })
    take({ type: 'tuned', who: '@lena', tuning: { volume: 140, isSilenced: false } })
    expect(take({ type: 'reconnecting', cause: 'cut' })).toMatchObject([{ type: 'reconnecting', cause: 'cut' }])
    expect(seat().you.microphone).toBe('muted')
    wait(4_000)
    const again = joinedAs(person('omar', 'speaker'), [person('lena', 'moderator'), person('kim')], {
      hands: [hand('kim', 1)],
    })
    expect(take({ type: 'joined', joined: again }).map(({ type }) => type)).toEqual([
      'participant-joined',
      'participant-left',
    ])
    expect(take({ type: 'live' })).toMatchObject([{ type: 'reconnected', afterMs: 4_000 }])
    expect(seat().you.isMuted).toBe(false)
    expect(seat().participants.find(({ id }) => id === 'lena')?.volume).toBe(140)
  })

  it('shows hands to moderators alone, and moves the others up when one goes', () => {
    const { take, server, seat } = story()
    take(
      { type: 'joined', joined: joinedAs(person('lena', 'moderator'), [person('a1'), person('b2')]) },
      { type: 'live' },
    )
    take(server({ type: 'hand-raised', hand: hand('a1', 1) }), server({ type: 'hand-raised', hand: hand('b2', 2) }))
    take(server({ type: 'hand-lowered', participantId: 'a1', reason: 'self' }))
    expect(seat().hands).toMatchObject([{ participantId: 'b2', position: 1 }])
    take(server(changed(person('lena', 'speaker'))))
    expect(seat().hands).toEqual([])
  })

  it('makes a roster of LiveKit alone where there is no server of ours', () => {
    const { take, seat } = story()
    const you = media('me', { canPublish: false, isMuted: true, hasTrack: false })
    take({ type: 'media-joined', you, roomName: 'any', participants: [media('ann', { name: 'A\u001b[31mnn' })] })
    expect(take({ type: 'live' })).toMatchObject([{ type: 'joined', title: 'any', you: 'me', role: 'listener' }])
    expect(seat().participants).toMatchObject([
      { id: 'ann', name: 'Ann', role: 'speaker', handle: null },
      { id: 'me', isYou: true, role: 'listener' },
    ])
    expect(take({ type: 'media', event: { type: 'participant-left', id: 'ann' } })).toMatchObject([
      { type: 'participant-left', name: 'Ann' },
    ])
  })

  it('says a lost microphone is none, tells loss and return once, and returns the same model when nothing changed', () => {
    const { take, model, seat } = story()
    take({ type: 'joined', joined: joinedAs(person('omar', 'speaker'), []) }, { type: 'live' })
    const lost: RoomInput = { type: 'device', device: 'microphone', name: 'Headset', status: 'lost' }
    expect(take(lost)).toMatchObject([{ type: 'device-lost' }])
    expect(take(lost)).toEqual([])
    expect(seat().you.microphone).toBe('no-microphone')
    expect(take({ ...lost, status: 'ok' })).toMatchObject([{ type: 'device-back' }])
    const before = model()
    take(
      { type: 'levels', levels: new Map(), youDb: -100, isTalkingWhileMuted: false },
      { type: 'sending', isSending: false },
    )
    expect(model()).toBe(before)
  })

  it('takes 10,000 participants and their changes without falling behind', () => {
    const { take, server, seat } = story()
    const crowd = Array.from({ length: 10_000 }, (_, index) => person(`p${index}`))
    take({ type: 'joined', joined: joinedAs(person('omar'), crowd) }, { type: 'live' })
    const start = performance.now()
    for (let index = 0; index < 500; index++) take(server(changed(person(`p${index}`, 'listener', { isAway: true }))))
    for (let index = 0; index < 100; index++)
      take({ type: 'levels', levels: new Map([['p9', -index]]), youDb: -100, isTalkingWhileMuted: false })
    expect(seat().counts.listeners).toBe(10_001)
    expect(performance.now() - start).toBeLessThan(5_000)
  })
})
