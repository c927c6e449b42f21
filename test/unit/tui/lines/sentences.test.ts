import { describe, expect, it } from 'vitest'
import type { SeatEvent, SeatState } from '../../../../src/protocol/seat.ts'
import { describe as sentence } from '../../../../src/tui/lines/sentences.ts'
import { aSeat } from '../../../support/tui-fixtures.ts'

const at = '2026-11-21T18:02:00.000Z'
const person = { participantId: 'p-0', name: 'Omar', handle: 'omar', isYou: false }
const you = { participantId: 'you-1', name: 'Ana', handle: 'ana', isYou: true }
const say = (event: SeatEvent, role: 'moderator' | 'listener' = 'listener') => sentence(event, aSeat(role))

describe('lines of what happens', () => {
  it('says words before symbols: who, what, which place, which question', () => {
    const event: SeatEvent = { at, type: 'hand-raised', ...person, question: 'How long should I hold?', position: 2 }
    expect(say(event, 'moderator')).toBe('Omar raised a hand, second in line: How long should I hold?')
  })

  it('is silent about what neither concerns you nor changes the stage', () => {
    const quiet: SeatEvent[] = [
      { at, type: 'speaking', participantId: 'p-0', name: 'Omar', isYou: false, isSpeaking: true, levelDb: -20 },
      { at, type: 'participant-joined', ...person, role: 'listener', kind: 'person' },
      { at, type: 'participant-left', ...person, reason: 'left', by: null },
      { at, type: 'muted', ...person, byModerator: false },
      {
        at,
        type: 'heard',
        who: 'Guide',
        handle: null,
        participantId: 'Guide',
        seconds: 5,
        levelDb: -19,
        frequencyHz: 200,
        longestGapMs: 0,
        isFinal: false,
      },
    ]
    expect(quiet.map((event) => say(event))).toEqual(quiet.map(() => undefined))
  })

  it('tells you that it was you who ended the room, by your name alone where nobody shares it', () => {
    const ended: SeatEvent = { at, type: 'left', reason: 'room-ended', by: 'Ana', message: '' }
    const two = aSeat('moderator')
    const namesake = two.participants.map((one) => (one.id === 'Lena' ? { ...one, name: 'Ana' } : one))
    expect(say(ended, 'moderator')).toBe('You ended the room.')
    expect(say(ended, 'listener')).toBe('Ana ended the room.')
    expect(sentence(ended, { ...two, participants: namesake })).toBe('Ana ended the room.')
  })

  it('tells that somebody of the stage left, from the state before', () => {
    const before = aSeat('listener')
    const after = { ...before, participants: before.participants.filter(({ id }) => id !== 'Lena') }
    const event: SeatEvent = {
      at,
      type: 'participant-left',
      participantId: 'Lena',
      name: 'Lena',
      handle: 'lena',
      reason: 'left',
      by: null,
    }
    expect(sentence(event, after, before)).toBe('Lena left the room.')
  })

  it('tells you where you stand after each change of your own', () => {
    const told = [
      say({ at, type: 'role-changed', ...you, role: 'listener', was: 'speaker' }),
      say({ at, type: 'muted', ...you, byModerator: true }),
      say({ at, type: 'unmuted', ...you, byModerator: false }),
      say({ at, type: 'reconnecting', cause: 'the network is down' }),
      say({ at, type: 'reconnected', afterMs: 3200 }),
      say({ at, type: 'left', reason: 'kicked', by: 'Lena', message: '' }),
    ]
    expect(told).toEqual([
      'You are back in the audience.',
      'A moderator muted you. You cannot unmute yourself now.',
      'Your microphone is open.',
      'Connection lost: the network is down. Reconnecting.',
      'Connected again after 3 s.',
      'You were removed by Lena.',
    ])
  })

  it('says whether the microphone is closed, about to open, or has nothing more to say', () => {
    const seatWith = (change: Partial<SeatState['you']>) => {
      const seat = aSeat('moderator')
      return { ...seat, you: { ...seat.you, ...change } }
    }
    const onStage: SeatEvent = { at, type: 'role-changed', ...you, role: 'speaker', was: 'listener' }
    expect(sentence(onStage, seatWith({ microphone: 'muted', isMuted: true }))).toBe(
      'You are on stage. Your microphone is muted.',
    )
    expect(sentence(onStage, seatWith({ microphone: 'muted', isMuted: false }))).toBe(
      'You are on stage. Your microphone opens in a moment.',
    )
    const muted: SeatEvent = { at, type: 'muted', ...you, byModerator: false }
    expect(sentence(muted, seatWith({ microphone: 'muted', isMuted: true }))).toBe('You are muted.')
    expect(sentence(muted, seatWith({ microphone: 'no-microphone', isMuted: true }))).toBe(
      'The sound for your microphone has ended: you are not heard any more.',
    )
  })

  it('lets no control character of a name or question through', () => {
    const event: SeatEvent = {
      at,
      type: 'hand-raised',
      ...person,
      name: '\u001b[2JOmar',
      question: 'a\u202eb\u0007',
      position: 1,
    }
    expect(say(event)).toBe('Omar raised a hand, first in line: ab')
  })
})
