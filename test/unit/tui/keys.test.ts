import { describe, expect, it } from 'vitest'
import { bindingFor, helpLines, keyFileText, placeOf, possibleKeys, rebind } from '../../../src/tui/bindings.ts'
import { keyTable } from '../../../src/tui/keys.ts'
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
  withYou(moderator, { microphone: 'muted', isMuted: true }),
  { ...room(moderator), overlay: { kind: 'help', page: 0 } },
  { ...room(moderator), overlay: { kind: 'menu', personId: 'Guide', index: 0 } },
  { ...room(moderator), overlay: { kind: 'palette', text: '', index: 0 } },
  { ...hallway, overlay: { kind: 'devices', choices: [], problem: null, index: 0, trial: null } },
  { ...hallway, account: { id: roomId(90), handle: 'ana', name: 'Ana', kind: 'person', isOperator: false } },
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
      const place = placeOf(model)
      const possible = keyTable.filter(({ places, isPossible }) => places.includes(place) && isPossible(model))
      const keys = possible.flatMap(({ keys: all }) => all)
      expect(new Set(keys).size, `${place}: ${keys}`).toBe(keys.length)
    }
  })

  it('lists every key of a screen in its help', () => {
    for (const place of ['hallway', 'room', 'ended', 'offline'] as const) {
      const helped = helpLines(keyTable, place).map(({ help }) => help)
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
    expect(labels(empty)).toEqual(['new room', 'search', 'keys', 'quit'])
  })
})

describe('rebinding', () => {
  const keysOf = (wanted: unknown, action: string) =>
    rebind(wanted).table.find((binding) => binding.action === action)?.keys

  it('gives actions other keys, one or several, and help and bottom line tell of them', () => {
    const { table, problem } = rebind({ hand: 'H', 'toggle-mute': ['f5', 'ctrl+t'], talk: 'space' })
    expect(problem).toBeUndefined()
    const model = { ...room(listener), keyTable: table }
    expect(bindingFor(model, 'H')?.action).toBe('hand')
    expect(bindingFor(model, 'h')).toBeUndefined()
    expect(possibleKeys(model)[0]).toEqual({ keys: 'H', label: 'hand', isKept: false })
    expect(helpLines(table, 'room')).toContainEqual({ keys: ['f5', '^T'], help: 'open or close your mic' })
  })

  it('keeps the usual keys for a file that cannot be meant, and says why in one sentence', () => {
    for (const [wanted, why] of [
      [{ dance: 'd' }, 'there is no action "dance"'],
      [{ hand: 'L' }, '"L" would be both hand and leave'],
      [{ hand: 'hyper+x' }, '"hyper+x" for hand is no key'],
      [{ hand: [] }, '"" for hand is no key'],
      [{ interrupt: 'f9' }, 'ctrl+c must stay the way out'],
      ['unreadable', 'it must hold lines such as "hand: h"'],
      [[1, 2], 'it must hold lines such as "hand: h"'],
    ] as const) {
      const { table, problem } = rebind(wanted)
      expect(problem).toContain(why)
      expect(table).toBe(keyTable)
    }
    expect(rebind(null)).toEqual({ table: keyTable })
  })

  it('prints a file of all actions that, read again, changes nothing', async () => {
    const { parse } = await import('yaml')
    const { table, problem } = rebind(parse(keyFileText(keyTable)))
    expect(problem).toBeUndefined()
    expect(table.map(({ action, keys }) => [action, keys])).toEqual(keyTable.map(({ action, keys }) => [action, keys]))
    expect(keysOf(parse(keyFileText(keyTable)), 'redraw')).toEqual(['ctrl+l'])
  })
})
