import { describe, expect, it } from 'vitest'
import { patchBetween, patched } from '../../../src/client/seat-patch.ts'
import { aParticipant, aSeat } from '../../support/tui-fixtures.ts'

const people = Array.from({ length: 10_000 }, (_, index) => aParticipant(`p${index}`))
const crowd = aSeat('listener', { participants: people, counts: { speakers: 3, listeners: 9_997 } })

describe('a change of state on the control socket', () => {
  it('is a few rows when three of ten thousand speak, and gives the same state to who had the one before', () => {
    const participants = people.map((one, index) => (index < 3 ? { ...one, levelDb: -20 - index } : one))
    const next = { ...crowd, participants, you: { ...crowd.you, levelDb: -30 } }
    const patch = patchBetween(crowd, next)!
    const line = JSON.stringify(patch)
    expect(line.length).toBeLessThan(2000)
    const seen = patched(crowd, JSON.parse(line))
    expect(seen).toEqual(next)
    expect(seen.participants[500]).toBe(people[500])
    expect(seen.hands).toBe(crowd.hands)
  })

  it('is told whole when people come and go, or most have changed', () => {
    expect(patchBetween(crowd, { ...crowd, participants: people.slice(1) })).toBeUndefined()
    expect(patchBetween(crowd, { ...crowd, participants: people.map((one) => ({ ...one })) })).toBeUndefined()
  })
})
