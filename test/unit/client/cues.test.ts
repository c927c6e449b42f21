import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createCues } from '../../../src/client/cues.ts'
import { type CueKind, cueKinds } from '../../../src/protocol/cues.ts'
import type { SeatState } from '../../../src/protocol/seat.ts'
import { aSeat } from '../../support/tui-fixtures.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

type Change = Partial<SeatState['you']> & { connection?: SeatState['connection']; afterMs?: number }

const start = aSeat('speaker')
const cut: SeatState['connection'] = { status: 'reconnecting', since: '2026-11-21T18:00:00.000Z', cause: 'cut' }
const live: SeatState['connection'] = { status: 'live' }
const invitation = { by: 'Lena', expiresAt: '2026-11-21T18:05:00.000Z' }

/** The cues that a story of changes plays, by their first and last sound; each change is of the state before it. */
const hear = (kinds: readonly CueKind[], ...changes: Change[]) => {
  const played: Int16Array[] = []
  const cues = createCues(kinds, (samples) => void played.push(samples))
  let seat: SeatState = { ...start, you: { ...start.you, microphone: 'muted', isMuted: true } }
  for (const { connection = seat.connection, afterMs = 0, ...you } of changes) {
    vi.advanceTimersByTime(afterMs)
    const next = { ...seat, connection, you: { ...seat.you, ...you } }
    cues.follow(seat, next)
    seat = next
  }
  return { played, cues }
}

const open: Change = { microphone: 'open', isMuted: false }
const muted: Change = { microphone: 'muted', isMuted: true }
/** Wished open, not sending yet. */
const onItsWay: Change = { microphone: 'muted', isMuted: false }
const only = (kind: CueKind, ...changes: Change[]) => hear([kind], ...changes).played.length

describe('cues', () => {
  it('tell of a microphone when it opens, not when it was asked to, and when it closes', () => {
    expect(only('open', onItsWay)).toBe(0)
    expect(only('open', onItsWay, open)).toBe(1)
    expect(only('closed', open, muted)).toBe(1)
    expect(only('closed', open, { microphone: 'muted-by-moderator', isMuted: true })).toBe(1)
    expect(only('closed', open, { microphone: 'no-microphone' })).toBe(1)
    expect(only('closed', open, { microphone: 'listening', role: 'listener', isMuted: true })).toBe(1)
  })

  it('tell of a cut and its end, and not that a microphone closed and opened with it', () => {
    const story = [open, { connection: cut, ...onItsWay }, { connection: live, afterMs: 600 }, open]
    expect(only('reconnecting', ...story)).toBe(1)
    expect(only('back', ...story)).toBe(1)
    expect(only('open', ...story)).toBe(1)
    expect(only('closed', ...story)).toBe(0)
    expect(only('closed', open, { connection: cut, ...onItsWay }, muted, { connection: live })).toBe(1)
  })

  it('tell nothing of a cut that is over at once, or is the end', () => {
    const short = [
      open,
      { connection: cut, ...onItsWay },
      { connection: live, afterMs: 400 },
      { ...open, afterMs: 2_000 },
    ]
    expect(only('reconnecting', ...short)).toBe(0)
    expect(only('back', ...short)).toBe(0)
    const { cues, played } = hear(['reconnecting', 'removed'], { connection: cut })
    cues.end(false)
    cues.follow(start, { ...start, connection: cut })
    vi.advanceTimersByTime(2_000)
    expect(played).toHaveLength(1)
  })

  it('tell of an invitation once', () => {
    expect(only('invited', { invitation }, { levelDb: -30 }, { invitation: null }, { invitation })).toBe(2)
  })

  it('tell of an end that was not wished', () => {
    for (const isWished of [true, false]) {
      const { cues, played } = hear(['removed'])
      cues.end(isWished)
      expect(played).toHaveLength(isWished ? 0 : 1)
    }
  })

  it('are those that were chosen', () => {
    const { cues, played } = hear([], open, muted)
    expect(played).toHaveLength(0)
    cues.choose(['removed'])
    cues.end(false)
    expect(played).toHaveLength(1)
  })

  it('sound each different from all others', () => {
    const all = cueKinds.map((kind) => {
      const { cues, played } = hear(
        [kind],
        open,
        { connection: cut },
        { connection: live, afterMs: 600 },
        { invitation },
        muted,
      )
      cues.end(false)
      expect(played).toHaveLength(1)
      return played[0]!.join()
    })
    expect(new Set(all).size).toBe(cueKinds.length)
  })
})
