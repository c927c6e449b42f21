import { describe, expect, it } from 'vitest'
import {
  createIncidents,
  type IncidentNews,
  type OpenIncidents,
  type Standing,
} from '../../../../src/bot/watch/incidents.ts'

const START_MS = Date.UTC(2026, 11, 1, 7)

/** Stands on air but for what is said; looked at each second for so long. */
const watched = (before: OpenIncidents = {}) => {
  const incidents = createIncidents(before)
  const told: IncidentNews[] = []
  let nowMs = START_MS
  const stand = (seconds: number, standing: Partial<Standing> = {}) => {
    for (let gone = 0; gone < seconds; gone++) {
      nowMs += 1_000
      const now: Standing = {
        nowMs,
        dueSinceMs: START_MS,
        isOnAir: true,
        deadSinceMs: null,
        checkProblem: null,
        isSettled: true,
        reason: null,
        ...standing,
      }
      told.push(...incidents.observe(now))
    }
  }
  return { stand, told, now: () => nowMs, seen: () => told.map(({ kind, state }) => `${kind} ${state}`) }
}

describe('incidents', () => {
  it('tells once that it is not on air 30 s after the start, and once that it is', () => {
    const { stand, told, seen } = watched()
    stand(29, { isOnAir: false })
    expect(told).toEqual([])
    stand(60, { isOnAir: false, reason: 'the server does not answer' })
    expect(told).toEqual([
      {
        kind: 'not-on-air',
        state: 'began',
        sinceMs: START_MS,
        message: 'Not on air 30 s after its start: the server does not answer.',
      },
    ])
    stand(60)
    expect(seen()).toEqual(['not-on-air began', 'not-on-air over'])
  })

  it('tells of dead air once it has lasted ten seconds, and of its end', () => {
    const { stand, told, now, seen } = watched()
    stand(60)
    const deadSinceMs = now()
    stand(9, { deadSinceMs })
    expect(told).toEqual([])
    stand(20, { deadSinceMs })
    stand(60)
    expect(seen()).toEqual(['dead-air began', 'dead-air over'])
    expect(told[1]!.message).toBe('On air again after 30 s of dead air.')
  })

  it('tells of nothing twice when another process goes on watching, and of its end once that is known', () => {
    const { stand, told, now, seen } = watched({ 'dead-air': START_MS - 30_000 })
    stand(5, { isOnAir: false, isSettled: false })
    stand(20, { deadSinceMs: now() })
    expect(told).toEqual([])
    stand(60)
    expect(seen()).toEqual(['dead-air over'])
    expect(told[0]!.message).toBe('On air again after 56 s of dead air.')
  })

  it('tells of each incident anew', () => {
    const { stand, now, seen } = watched()
    for (let round = 0; round < 2; round++) {
      stand(30)
      stand(15, { deadSinceMs: now() })
    }
    stand(10)
    expect(seen()).toEqual(['dead-air began', 'dead-air over', 'dead-air began', 'dead-air over'])
  })

  it('tells of a failing check, and that it passes again', () => {
    const { stand, told, seen } = watched()
    const checkProblem = 'sit.session.yaml:9:12: no such file: gong.wav.'
    stand(3, { dueSinceMs: null, isOnAir: false, checkProblem })
    expect(told[0]!.message).toBe(checkProblem)
    stand(3, { dueSinceMs: null, isOnAir: false })
    expect(seen()).toEqual(['check-failed began', 'check-failed over'])
  })

  it('is over where nothing is due any more', () => {
    const { stand, seen } = watched()
    stand(40, { isOnAir: false })
    stand(2, { isOnAir: false, dueSinceMs: null })
    expect(seen()).toEqual(['not-on-air began', 'not-on-air over'])
  })
})
