import { describe, expect, it } from 'vitest'
import type { Playing } from '../../../src/protocol/program.ts'
import { initialModel } from '../../../src/tui/model.ts'
import { playingWords } from '../../../src/tui/playing.ts'
import { countsSeconds } from '../../../src/tui/reduce.ts'
import { looksSame } from '../../../src/tui/same-look.ts'
import { aSeat, playsIn } from '../../support/tui-fixtures.ts'

const nowMs = new Date(2026, 10, 21, 7, 40).getTime()
const inSeconds = (seconds: number) => new Date(nowMs + seconds * 1000).toISOString()
const piece = (seconds: number | null, change: Partial<Playing> = {}): Playing => ({
  kind: 'sound',
  title: 'Morning raga',
  artist: 'Anoushka',
  startedAt: inSeconds(-60),
  until: seconds === null ? null : inSeconds(seconds),
  isPaused: false,
  ...change,
})
const counts = (playing: Playing) =>
  countsSeconds({
    ...initialModel({ version: '0', server: '', columns: 80, rows: 24, nowMs }),
    screen: 'room',
    seat: playsIn(aSeat('listener'), playing),
  })

describe('what a bot plays', () => {
  it.each([
    [piece(240), 'Morning raga - Anoushka, 4 min left'],
    [piece(181, { artist: null }), 'Morning raga, 4 min left'],
    [piece(42), 'Morning raga - Anoushka, 42 s left'],
    [piece(-3), 'Morning raga - Anoushka'],
    [piece(null), 'Morning raga - Anoushka'],
    [piece(null, { isPaused: true }), 'Morning raga - Anoushka, paused'],
    [piece(null, { kind: 'speech', title: null, artist: null }), 'speech'],
    [piece(720, { kind: 'silence' }), 'silence until 07:52'],
    [piece(720, { kind: 'floor' }), 'the floor is open until 07:52'],
  ])('is said with how long still: %#', (playing, words) => {
    expect(playingWords(playing, nowMs)).toBe(words)
  })

  it('counts seconds in the last minute of a piece alone: an idle screen stays still', () => {
    expect([piece(59), piece(1)].map(counts)).toEqual([true, true])
    const still = [piece(61), piece(0), piece(null), piece(30, { isPaused: true }), piece(30, { kind: 'silence' })]
    expect(still.map(counts)).toEqual(still.map(() => false))
  })

  it('is no new picture when it comes again as it was', () => {
    const seat = playsIn(aSeat('listener'), piece(240))
    expect(looksSame(seat, structuredClone(seat))).toBe(true)
    expect(looksSame(seat, playsIn(seat, piece(241)))).toBe(false)
  })
})
