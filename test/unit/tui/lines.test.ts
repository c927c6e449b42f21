import { describe, expect, it } from 'vitest'
import type { SeatEvent, SeatState } from '../../../src/protocol/seat.ts'
import { answerLine, describeState, lineHelp, parseLine, describe as sentence } from '../../../src/tui/lines.ts'
import { aSeat } from '../../support/tui-fixtures.ts'

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

  it('uses no escapes, box, block or braille characters anywhere', () => {
    const state = aSeat('moderator')
    const all = [
      describeState(state),
      lineHelp(),
      ...(['who', 'levels', 'hands'] as const).map((ask) => answerLine(ask, state)),
    ]
    expect(all.join('\n')).not.toMatch(/[\u001b\u2500-\u259f\u2800-\u28ff]/)
  })
})

describe('answers to questions', () => {
  it('tells room, your own state, stage and hands', () => {
    expect(describeState(aSeat('moderator')).split('\n')).toEqual([
      'Morning sit: live 12 min, 148 people here, not recorded.',
      'You are a moderator. Your microphone is open: you are heard.',
      'On stage: Guide (bot, speaking), Lena (moderator, muted), you (moderator, open).',
      'Hand 1: Omar: How long should I hold?',
      'Hand 2: Ines',
      'Hand 3: Wei: May I share how it went yesterday at the lake?',
      'Link: https://example.test/r/00000000',
    ])
  })

  it('names listeners and counts the rest', () => {
    expect(answerLine('who', aSeat('listener'))).toMatch(/Listening: Omar, .*, Gus, you, 130 more\./)
  })
})

describe('typed lines', () => {
  it('reads commands for yourself', () => {
    expect(parseLine('mute')).toEqual({ command: { verb: 'mute' } })
    expect(parseLine('  Hand  How long? ')).toEqual({ command: { verb: 'hand', question: 'How long?' } })
    expect(parseLine('hand')).toEqual({ command: { verb: 'hand' } })
    expect(parseLine('step down')).toEqual({ command: { verb: 'step-down' } })
    expect(parseLine('volume 80 @omar')).toEqual({ command: { verb: 'volume', percent: 80, who: '@omar' } })
    expect(parseLine('end')).toEqual({ command: { verb: 'end-room' } })
  })

  it('reads what a moderator does to others', () => {
    for (const action of ['invite', 'admit', 'mute', 'allow', 'demote', 'kick', 'moderator', 'lower'])
      expect(parseLine(`${action} @omar`)).toEqual({ command: { verb: 'stage', action, who: '@omar' } })
  })

  it('reads questions and knows nothing else', () => {
    expect(parseLine('who')).toEqual({ question: 'who' })
    expect(parseLine('')).toEqual({ empty: true })
    expect(parseLine('dance')).toEqual({ unknown: '"dance" is not a command. Type help for the list.' })
    expect(parseLine('volume 300')).toHaveProperty('unknown')
    expect(parseLine('kick')).toEqual({ unknown: 'Say whom: kick @name' })
    expect(parseLine('accept it')).toHaveProperty('unknown')
  })

  it('lists every word in the help', () => {
    for (const word of [
      'mute',
      'unmute',
      'hand',
      'lower',
      'accept',
      'decline',
      'leave',
      'who',
      'levels',
      'status',
      'volume',
      'deafen',
      'undeafen',
      'step down',
      'invite',
      'admit',
      'allow',
      'demote',
      'kick',
      'moderator',
      'end',
      'help',
    ])
      expect(lineHelp()).toMatch(new RegExp(`^  ${word}`, 'm'))
  })
})
