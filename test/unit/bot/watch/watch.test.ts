import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Alert } from '../../../../src/bot/script/script.ts'
import type { AlertMessage } from '../../../../src/bot/watch/alerts.ts'
import type { SessionView } from '../../../../src/bot/watch/report.ts'
import { startWatch, type WatchNews } from '../../../../src/bot/watch/watch.ts'

const START_MS = Date.UTC(2026, 11, 1, 7)
const alerts: Alert[] = [{ kinds: [], webhook: 'http://127.0.0.1:1/' }]

beforeEach(() => {
  vi.useFakeTimers({ now: START_MS })
})
afterEach(() => {
  vi.useRealTimers()
})

/** One hosted session on a clock of its own; the host tells of it twice a second, unless it hangs. */
const watched = () => {
  const news: WatchNews[] = []
  const repairs: string[] = []
  const told: Omit<AlertMessage, 'id'>[] = []
  let sentFrames = 0
  const watch = startWatch({
    alertsOf: () => alerts,
    alerts: { tell: (_, message) => void told.push(message), close: async () => {} },
    repair: (session, repair) => void repairs.push(`${session} ${repair}`),
    onNews: (one) => news.push(one),
    now: Date.now,
    monotonicMs: Date.now,
  })
  const run = (
    ms: number,
    view: Partial<SessionView> & { pace?: number; phase?: SessionView['report']['phase'] } = {},
  ) => {
    const { pace = 1, phase = 'on-air', ...more } = view
    for (let gone = 0; gone < ms; gone += 500) {
      vi.advanceTimersByTime(500)
      sentFrames += 50 * pace
      watch.see({
        report: {
          session: 'sit',
          title: 'Morning sit',
          phase,
          occurrence: null,
          startsAt: new Date(START_MS).toISOString(),
          room: null,
          programMs: 0,
          playing: null,
          listeners: 3,
          problem: null,
        },
        look: { nowMs: Date.now(), isDue: phase === 'on-air', sentFrames, isCut: false, heardPackets: null },
        dueSinceMs: phase === 'waiting' ? null : START_MS,
        hasFailed: false,
        checkProblem: null,
        starvedFrames: 0,
        ...more,
      })
    }
  }
  return {
    watch,
    news,
    repairs,
    told,
    run,
    hang: (ms: number) => vi.advanceTimersByTime(ms),
    one: () => watch.watched()[0]!,
  }
}

describe('the watch over a host', () => {
  it('has nothing to say of a session that is on air, and counts its frames', () => {
    const { run, news, one } = watched()
    run(60_000)
    expect(news).toEqual([])
    expect(one()).toMatchObject({ problem: null, figures: { sentFrames: 6000, isOnAir: true, deadAirs: 0 } })
  })

  it('notices within 3 s that the process hangs, tries to mend it, and alerts after ten seconds, once', () => {
    const { run, hang, news, repairs, told, one } = watched()
    run(60_000)
    hang(3_000)
    expect(news.map(({ type }) => type)).toEqual(['dead-air', 'repair'])
    hang(30_000)
    expect(repairs).toEqual(['sit republish', 'sit rejoin', 'sit restart'])
    expect(told.map(({ kind, state }) => `${kind} ${state}`)).toEqual(['dead-air began'])
    expect(one().problem).toMatch(/^Dead air for \d+ s: The bot's process does not answer\.$/)
    run(5_000)
    expect(told.map(({ kind, state }) => `${kind} ${state}`)).toEqual(['dead-air began', 'dead-air over'])
    expect(told[1]).toMatchObject({ session: 'sit', title: 'Morning sit', sitting: new Date(START_MS).toISOString() })
    expect(one().problem).toBeNull()
    expect(one().figures).toMatchObject({ deadAirs: 1, isOnAir: true })
  })

  it('calls it dead air until the session sounds again, not only until a new process is there', () => {
    const { run, hang, told, repairs } = watched()
    run(10_000)
    hang(4_000)
    run(1_000, { phase: 'waiting' })
    run(8_000, { phase: 'opening' })
    expect(told.map(({ kind, state }) => `${kind} ${state}`)).toEqual(['dead-air began'])
    run(1_000)
    expect(told.map(({ kind, state }) => `${kind} ${state}`)).toEqual(['dead-air began', 'dead-air over'])
    expect(repairs).toEqual(['sit republish'])
  })

  it('replaces a process that hangs while a session waits for its time, once', () => {
    const { run, hang, repairs, one } = watched()
    run(5_000, { phase: 'waiting' })
    hang(60_000)
    expect(repairs).toEqual(['sit restart'])
    expect(one().problem).not.toBeNull()
    run(1_000, { phase: 'waiting' })
    expect(one().problem).toBeNull()
  })

  it('alerts of a session that is not on air 30 s after its start, with the reason', () => {
    const { run, told, one } = watched()
    run(29_000, { phase: 'opening' })
    expect(one().problem).toBeNull()
    run(2_000, { phase: 'opening' })
    expect(told.map(({ kind }) => kind)).toEqual(['not-on-air'])
    expect(one().problem).toMatch(/^Not on air 3\d s after its start/)
  })

  it('takes a session that a human or an empty room keeps silent for well', () => {
    const { run, told, news, one } = watched()
    run(5_000)
    run(120_000, { phase: 'paused' })
    expect([...told, ...news]).toEqual([])
    expect(one().problem).toBeNull()
  })

  it('goes on adding over a new process, which counts from nothing', () => {
    const { run, one } = watched()
    run(10_000, { starvedFrames: 7 })
    run(500, {
      starvedFrames: 2,
      look: { nowMs: Date.now() + 500, isDue: true, sentFrames: 40, isCut: false, heardPackets: 20 },
    })
    expect(one().figures).toMatchObject({ sentFrames: 1040, starvedFrames: 9, heardPackets: 20 })
  })

  it('calls a session that cannot be held a problem', () => {
    const { run, one } = watched()
    run(500, { hasFailed: true })
    expect(one().problem).toBe('It cannot be held.')
  })
})
