import { describe, expect, it } from 'vitest'
import { bindingFor, helpLines, keyTable, possibleKeys } from '../../../src/tui/keys.ts'
import { initialModel, type Model } from '../../../src/tui/model.ts'
import { aRoom, aSeat, roomId } from '../../support/tui-fixtures.ts'

const start = initialModel({ version: '0', server: 'http://127.0.0.1:8080', columns: 80, rows: 24, nowMs: 0 })
const hallway: Model = {
  ...start,
  screen: 'hallway',
  hallway: {
    ...start.hallway,
    rows: [0, 1].map((index) => ({ room: aRoom(index), isNew: false, isEnded: false })),
    selectedId: roomId(0),
  },
}
const moderator = aSeat('moderator')
const listener = aSeat('listener')
const room = (seat: typeof moderator): Model => ({ ...start, screen: 'room', seat })
const withYou = (seat: typeof moderator, you: Partial<typeof moderator.you>) =>
  room({ ...seat, you: { ...seat.you, ...you } })

/** Every situation in which some key means something. */
const situations: Model[] = [
  start,
  { ...start, screen: 'sign-in' },
  { ...start, screen: 'offline' },
  { ...start, screen: 'joining' },
  { ...start, screen: 'ended', ended: { title: 'T', reason: 'lost', by: null, roomId: roomId(0), minutes: null } },
  hallway,
  room(moderator),
  { ...room(moderator), focus: { section: 'stage', id: 'Guide' } },
  room(listener),
  withYou(listener, { hand: { position: 1, question: null } }),
  withYou(listener, { invitation: { by: 'Lena', expiresAt: '2026-11-21T10:00:00.000Z' } }),
  { ...room(moderator), overlay: { kind: 'help', offset: 0 } },
]

describe('key table', () => {
  it('gives every binding a key and some help, and every action a situation in which it is reached', () => {
    for (const binding of keyTable) {
      expect(binding.keys.length).toBeGreaterThan(0)
      expect(binding.help).not.toBe('')
      const reached = situations.some((model) => binding.keys.some((key) => bindingFor(model, key) === binding))
      expect(reached, `${binding.action} on ${binding.keys}`).toBe(true)
    }
  })

  it('means one thing by a key in any situation', () => {
    for (const model of situations) {
      const place = model.overlay?.kind ?? model.screen
      const possible = keyTable.filter(({ places, isPossible }) => places.includes(place) && isPossible(model))
      const keys = possible.flatMap(({ keys: all }) => all)
      expect(new Set(keys).size, `${place}: ${keys}`).toBe(keys.length)
    }
  })

  it('lists every key of a screen in its help', () => {
    for (const place of ['hallway', 'room', 'ended', 'offline'] as const) {
      const helped = helpLines(place).map(({ help }) => help)
      const bound = keyTable.filter(({ places }) => places.includes(place)).map(({ help }) => help)
      expect(new Set(helped)).toEqual(new Set(bound))
    }
  })

  it('offers in the bottom line only what works now', () => {
    const labels = (model: Model) => possibleKeys(model).map(({ label }) => label)
    expect(labels(room(listener))).toEqual(['hand', 'choose', 'leave', 'keys'])
    expect(labels(room(moderator))).toEqual(['mute', 'choose', 'hands', 'step down', 'leave', 'keys'])
    expect(labels(withYou(moderator, { microphone: 'muted', isMuted: true }))[0]).toBe('unmute')
    expect(labels(withYou(moderator, { microphone: 'muted-by-moderator' }))[0]).toBe('choose')
    const empty = { ...hallway, hallway: { ...start.hallway, status: 'open' as const } }
    expect(labels(empty)).toEqual(['new room', 'search', 'open link', 'keys', 'quit'])
  })
})
