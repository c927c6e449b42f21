import { describe, expect, it } from 'vitest'
import { createCutGuard, type GuardAction, type Uplink } from '../../../src/bot/cut-guard.ts'

const STEP_MS = 250

/** A bot whose program runs while it is not held, looked at every 250 ms, with reports every 500 ms while linked. */
const simulate = (linkAt: (nowMs: number) => Partial<Uplink> | 'cut' | null, untilMs: number) => {
  const guard = createCutGuard()
  const log: { nowMs: number; action: GuardAction; programMs: number }[] = []
  let programMs = 0
  let isPlaying = false
  let bytesReceived = 0
  for (let nowMs = 0; nowMs <= untilMs; nowMs += STEP_MS) {
    if (isPlaying) programMs += STEP_MS
    const link = linkAt(nowMs)
    if (link !== 'cut' && link !== null && nowMs % 500 === 0) bytesReceived += 100
    const uplink =
      link === null
        ? null
        : { connection: 1, isReady: true, areOthersThere: true, bytesReceived, ...(link === 'cut' ? {} : link) }
    const action = guard.observe({ nowMs, programMs, uplink })
    if (action.do === 'hold') isPlaying = false
    if (action.do === 'resume') {
      isPlaying = true
      programMs = action.fromProgramMs
    }
    if (action.do !== 'nothing') log.push({ nowMs, action, programMs })
  }
  return { log, programMs }
}

describe('cut guard', () => {
  it('waits until somebody can hear, then begins at the beginning', () => {
    const { log } = simulate((nowMs) => ({ isReady: nowMs >= 1000 }), 3000)
    expect(log).toEqual([{ nowMs: 1000, action: { do: 'resume', fromProgramMs: 0 }, programMs: 0 }])
  })

  it('leaves a steady connection alone', () => {
    expect(simulate(() => ({}), 60_000).log).toHaveLength(1)
  })

  it('after a cut goes on at or before the cut, at most 1.5 s earlier', () => {
    for (let cutMs = 5000; cutMs < 6000; cutMs += 50) {
      const { log } = simulate((nowMs) => (nowMs >= cutMs && nowMs < cutMs + 4000 ? 'cut' : {}), 15_000)
      expect(log.map(({ action }) => action.do)).toEqual(['resume', 'hold', 'resume'])
      // The program began at 0 with the first look, so program time is wall time until the cut.
      const heardUntilMs = cutMs
      const { programMs } = log[2]!
      expect(programMs).toBeLessThanOrEqual(heardUntilMs)
      expect(heardUntilMs - programMs).toBeLessThanOrEqual(1500)
    }
  })

  it('plays again what a cut too short for a new connection swallowed', () => {
    const { log } = simulate((nowMs) => (nowMs >= 5000 && nowMs < 6800 ? 'cut' : {}), 15_000)
    expect(log.map(({ action }) => action.do)).toEqual(['resume', 'hold', 'resume'])
  })

  it('takes a new connection for a cut, and waits until it is heard', () => {
    const { log } = simulate((nowMs) => {
      if (nowMs < 5000) return { connection: 1 }
      if (nowMs < 7000) return null
      return { connection: 2, isReady: nowMs >= 8000 }
    }, 15_000)
    expect(log.map(({ nowMs, action }) => [nowMs, action.do])).toEqual([
      [0, 'resume'],
      [5000, 'hold'],
      [8000, 'resume'],
    ])
    expect(log[2]!.programMs).toBeGreaterThanOrEqual(4000)
    expect(log[2]!.programMs).toBeLessThanOrEqual(5000)
  })

  it('keeps the place over two cuts in a row', () => {
    const isCut = (nowMs: number) => (nowMs >= 5000 && nowMs < 8000) || (nowMs >= 8500 && nowMs < 12_000)
    const { log, programMs } = simulate((nowMs) => (isCut(nowMs) ? 'cut' : {}), 12_500)
    expect(log.at(-1)!.action.do).toBe('resume')
    expect(programMs).toBeGreaterThanOrEqual(4000)
    expect(programMs).toBeLessThanOrEqual(5500)
  })

  it('goes on from where it was sent to, when the cut comes right after a jump back or ahead', () => {
    for (const toMs of [2_000, 60_000]) {
      const guard = createCutGuard()
      let bytesReceived = 0
      const observe = (nowMs: number, programMs: number, isCut = false) => {
        if (!isCut) bytesReceived += 100
        return guard.observe({
          nowMs,
          programMs,
          uplink: { connection: 1, isReady: true, areOthersThere: true, bytesReceived },
        })
      }
      for (let nowMs = 0; nowMs <= 10_000; nowMs += STEP_MS) observe(nowMs, nowMs)
      guard.moved(toMs)
      expect(observe(10_250, toMs + 250)).toEqual({ do: 'nothing' })
      for (let ms = 500; ms <= 1250; ms += STEP_MS) observe(10_000 + ms, toMs + ms, true)
      expect(observe(11_500, toMs + 1500, true)).toEqual({ do: 'hold' })
      expect(observe(13_000, toMs + 1500)).toEqual({ do: 'resume', fromProgramMs: toMs })
    }
  })

  it('waits after a cut for the others who lost their connection, until they can hear', () => {
    const { log } = simulate((nowMs) => {
      if (nowMs < 5000) return { connection: 1 }
      return nowMs < 7000 ? null : { connection: 2, areOthersThere: nowMs >= 8500 }
    }, 15_000)
    expect(log.map(({ nowMs, action }) => [nowMs, action.do])).toEqual([
      [0, 'resume'],
      [5000, 'hold'],
      [9500, 'resume'],
    ])
  })

  it('goes on without those who do not come back within 5 s', () => {
    const { log } = simulate((nowMs) => {
      if (nowMs < 5000) return { connection: 1 }
      return nowMs < 7000 ? null : { connection: 2, areOthersThere: false }
    }, 15_000)
    expect(log.map(({ nowMs, action }) => [nowMs, action.do]).at(-1)).toEqual([12_000, 'resume'])
  })

  it('waits for nobody at its first beginning, nor after a cut that kept its connection', () => {
    const { log } = simulate((nowMs) => (nowMs >= 5000 && nowMs < 7000 ? 'cut' : { areOthersThere: false }), 15_000)
    expect(log.map(({ nowMs, action }) => [nowMs, action.do])).toEqual([
      [0, 'resume'],
      [5750, 'hold'],
      [7000, 'resume'],
    ])
  })
})
