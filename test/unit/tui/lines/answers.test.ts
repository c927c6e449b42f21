import { expect, it } from 'vitest'
import type { SeatParticipant, SeatState } from '../../../../src/protocol/seat.ts'
import { answer, describePeople, describeState } from '../../../../src/tui/lines/answers.ts'
import type { Deed } from '../../../../src/tui/lines/vocabulary.ts'
import { aParticipant, aSeat } from '../../../support/tui-fixtures.ts'

const ask = (deed: Deed, role: 'moderator' | 'listener' = 'moderator') => answer(deed, aSeat(role))?.split('\n')

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

it('tells the present moment in few words', () => {
  expect(ask({ does: 'now' })).toEqual([
    'Connected: 62 ms, 0 % lost.',
    'Speaking: Guide.',
    'Your microphone is open: you are heard.',
    '3 hands up. Hand 1: Omar: How long should I hold?',
  ])
  expect(ask({ does: 'levels' })).toEqual(['Guide speaks at -19 dB.', 'Your microphone is at -23 dB.'])
})

it('names listeners page by page and counts the rest', () => {
  expect(ask({ does: 'who', text: '' }, 'listener')?.[1]).toMatch(/^Listening: Omar, .*, Gus, you, 130 more\.$/)
  const many = Array.from({ length: 10_000 }, (_, index) => aParticipant(`L${index}`))
  const crowd = aSeat('listener', { participants: many, counts: { speakers: 0, listeners: 10_000 } })
  expect(describePeople(crowd, 2)).toMatch(/^Listening: L20, .*, L39, 9960 more\.$/)
  expect(describePeople(crowd, 501)).toBe('That was everybody.')
})

it('finds somebody by a part of the name and says what you may do to them, in the words to type', () => {
  expect(ask({ does: 'who', text: 'oma' })).toEqual(['Omar, @h0: in the audience, hand up.'])
  expect(ask({ does: 'who', text: 'nobody' })).toEqual(['Nobody here is called nobody.'])
  expect(ask({ does: 'act', text: '@h0' })).toEqual([
    'Omar, @h0: in the audience, hand up.',
    '  admit @h0: admit to the stage',
    '  lower @h0: lower the hand',
    '  volume 110 @h0: louder for you (100 %)',
    '  volume 90 @h0: quieter for you',
    '  silence @h0: silence them for you alone',
    '  kick @h0: remove from the room',
  ])
  expect(ask({ does: 'act', text: '@h0' }, 'listener')?.join()).not.toMatch(/kick|admit/)
})

it('tells how loud somebody is for you alone, and the word back', () => {
  const seat = aSeat('listener')
  const tuned = (change: Partial<SeatParticipant>) => ({
    ...seat,
    participants: seat.participants.map((one) => (one.id === 'Guide' ? { ...one, ...change } : one)),
  })
  const of = (state: SeatState, deed: Deed) => answer(deed, state)
  const quieter = tuned({ volume: 30 })
  expect(of(quieter, { does: 'who', text: 'guide' })).toBe('Guide, @guide: on stage, bot, speaking, 30 % for you.')
  expect(of(quieter, { does: 'act', text: 'Guide' })).toContain('  silence @guide: silence them for you alone')
  const silenced = tuned({ volume: 30, isSilenced: true })
  expect(of(silenced, { does: 'who', text: '' })).toMatch(/^On stage: Guide \(bot, speaking, silenced for you\), Lena/)
  expect(of(silenced, { does: 'act', text: 'Guide' })).toContain('  hear @guide: hear them again')
})
