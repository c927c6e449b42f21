import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { SeatEvent } from '../../../../src/protocol/seat.ts'
import { checkTold, isPulled, isTold, type NewsKind, newsKinds, switchTold } from '../../../../src/tui/lines/kinds.ts'
import { startNews } from '../../../../src/tui/lines/news.ts'
import { newsOf } from '../../../../src/tui/lines/sentences.ts'
import { aSeat } from '../../../support/tui-fixtures.ts'

type Undated<T> = T extends unknown ? Omit<T, 'at'> : never

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

/** A desk with these kinds on; `said` holds each line with its second. */
const open = (kinds: readonly NewsKind[], role: 'moderator' | 'listener' = 'listener') => {
  const state = aSeat(role)
  const beganMs = Date.now()
  const said: { text: string; atMs: number }[] = []
  const desk = startNews({
    say: (text) => void said.push({ text, atMs: Date.now() - beganMs }),
    isTold: (kind) => kind === 'you' || kinds.includes(kind),
    state: () => state,
  })
  const take = (event: Undated<SeatEvent>) => {
    const news = newsOf({ at: '', ...event } as SeatEvent, state)
    if (news) desk.take(news)
  }
  return { desk, take, said, texts: () => said.map(({ text }) => text) }
}

const joined = (name: string): Undated<SeatEvent> => ({
  type: 'participant-joined',
  participantId: name,
  name,
  handle: null,
  role: 'listener',
  kind: 'person',
})
const speaks = (name: string, isSpeaking = true): Undated<SeatEvent> => ({
  type: 'speaking',
  participantId: name,
  name,
  isYou: false,
  isSpeaking,
  levelDb: -20,
})
const hand = (name: string, position: number): Undated<SeatEvent> => ({
  type: 'hand-raised',
  participantId: name,
  name,
  handle: null,
  isYou: false,
  question: null,
  position,
})
const invitation: Undated<SeatEvent> = {
  type: 'invited-to-speak',
  participantId: 'you-1',
  name: 'Ana',
  isYou: true,
  by: 'Lena',
  expiresAt: '2026-11-21T18:02:00.000Z',
}

describe('news in a burst', () => {
  it.each([
    ['the usual kinds', ['stage', 'hands', 'room'] as const],
    ['every kind', newsKinds],
  ])(
    '1,000 joins in 60 s with three speakers in turn are at most 10 lines with %s on, an invitation among them at once',
    (_, kinds) => {
      const { take, said } = open(kinds)
      const speakers = ['Guide', 'Lena', 'Tomas']
      for (let index = 0; index < 1000; index += 1) {
        take(joined(`L${index}`))
        if (index % 20 === 0) {
          take(speaks(speakers[(index / 20 + 2) % 3]!, false))
          take(speaks(speakers[(index / 20) % 3]!))
        }
        if (index === 500) {
          const before = said.length
          take(invitation)
          expect(said.slice(before).map(({ text }) => text)).toEqual([expect.stringMatching(/^Lena invites you/)])
        }
        vi.advanceTimersByTime(60)
      }
      expect(said.length).toBeLessThanOrEqual(10)
    },
  )

  it('loses nobody: what waited is counted in the line that follows', () => {
    const { take, texts } = open(['audience'])
    for (let index = 0; index < 50; index += 1) take(joined(`L${index}`))
    vi.advanceTimersByTime(60_000)
    expect(texts()).toEqual(['L0 joined.', '49 people joined. 145 listeners now.'])
  })

  it('names a few, and each speaker once', () => {
    const { take, texts } = open(['speaking'])
    for (const name of ['Guide', 'Lena', 'Guide', 'Lena', 'Guide']) take(speaks(name))
    vi.advanceTimersByTime(60_000)
    expect(texts()[0]).toBe('Guide speaks.')
    expect(texts()[1]).toMatch(/^Lena and Guide spoke\./)
  })

  it('says what matters three times at once before it waits, and says a single one that waited as it is', () => {
    const { take, texts } = open(['hands'], 'moderator')
    for (const [index, name] of ['Omar', 'Ines', 'Wei', 'Kim'].entries()) take(hand(name, index + 1))
    expect(texts()).toHaveLength(3)
    vi.advanceTimersByTime(3_000)
    expect(texts()[3]).toBe('Kim raised a hand, fourth in line.')
  })

  it('is quick again once it was calm', () => {
    const { take, said } = open(['audience'])
    take(joined('Bo'))
    vi.advanceTimersByTime(4_000)
    take(joined('Chi'))
    expect(said.map(({ atMs }) => atMs)).toEqual([0, 4_000])
  })

  it('says nothing more after its end', () => {
    const { take, desk, texts } = open(['audience'])
    take(joined('Bo'))
    take(joined('Chi'))
    desk.close()
    vi.advanceTimersByTime(60_000)
    expect(texts()).toEqual(['Bo joined.'])
  })
})

describe('the setting of what is said', () => {
  it('says stage, hands and room unless told otherwise, and always what is about you', () => {
    expect(newsKinds.filter((kind) => isTold(undefined, kind))).toEqual(['stage', 'hands', 'room'])
    expect(isTold('nothing', 'you')).toBe(true)
    expect(isTold('nothing', 'stage')).toBe(false)
  })

  it('switches one kind and keeps the others', () => {
    const more = switchTold(undefined, 'speaking', true)
    expect(more).toBe('stage,hands,room,speaking')
    expect(switchTold(more, 'stage', false)).toBe('hands,room,speaking')
    expect(switchTold('stage', 'stage', false)).toBe('nothing')
    const pulled = switchTold(undefined, 'pull', true)
    expect(isPulled(pulled)).toBe(true)
    expect(isPulled(switchTold(pulled, 'pull', false))).toBe(false)
  })

  it('refuses what is no kind', () => {
    for (const good of ['nothing', 'stage,speaking', 'stage, pull']) expect(checkTold(good)).toBeUndefined()
    for (const bad of ['', 'loud', 'stage;hands']) expect(checkTold(bad)).toMatch(/^must be some of/)
  })
})
