import { stripVTControlCharacters } from 'node:util'
import { renderToString } from 'ink'
import { describe, expect, it } from 'vitest'
import type { SeatState } from '../../../src/protocol/seat.ts'
import { cleanLine } from '../../../src/protocol/text.ts'
import { Screen } from '../../../src/tui/app.tsx'
import { rebind } from '../../../src/tui/bindings.ts'
import { microphoneWords } from '../../../src/tui/components/microphone-line.tsx'
import { keyTable } from '../../../src/tui/keys.ts'
import { helpLayout } from '../../../src/tui/layout.ts'
import { initialModel, type Model } from '../../../src/tui/model.ts'
import { reduce } from '../../../src/tui/reduce.ts'
import { widthOf } from '../../../src/tui/width.ts'
import { aParticipant, aRoom, aSeat, playsIn, roomId, someEvents } from '../../support/tui-fixtures.ts'
import { painted } from '../../support/tui-painted.tsx'

const sizes: [columns: number, rows: number][] = [
  [80, 24],
  [120, 40],
  [40, 15],
  [300, 100],
  [20, 6],
  [20, 3],
  [5, 2],
  [1, 1],
]

const at = (columns: number, rows: number, change: Partial<Model>): Model => ({
  ...initialModel({ version: '0', server: 'http://127.0.0.1:8080', columns, rows, nowMs: Date.now() }),
  ...change,
})
const draw = (model: Model): string[] => painted(model).map((line) => stripVTControlCharacters(line).trimEnd())
const inRoom = (seat: SeatState, change: Partial<Model> = {}): Partial<Model> => ({ screen: 'room', seat, ...change })

const hallway: Partial<Model> = {
  screen: 'hallway',
  hallway: {
    rows: Array.from({ length: 30 }, (_, index) => ({ room: aRoom(index), isNew: index === 29, isEnded: index === 2 })),
    selectedId: roomId(1),
    search: '',
    status: 'open',
    cause: null,
    nextCursor: null,
    topic: null,
    language: null,
    events: someEvents(Date.now()),
  },
}
const log = [{ at: '2026-11-21T18:02:00.000Z', text: 'Omar raised a hand', isError: false }]
const pictures: [name: string, change: Partial<Model>][] = [
  ['starting', {}],
  ['sign-in', { screen: 'sign-in' }],
  ['offline', { screen: 'offline', offline: { cause: 'no answer', sinceMs: 0, retryAtMs: 0, attempts: 1 } }],
  ['hallway', hallway],
  [
    'search',
    {
      ...hallway,
      overlay: { kind: 'prompt', purpose: 'search', label: 'Search', text: 'x'.repeat(80), maxCharacters: 80 },
    },
  ],
  ['moderator', inRoom(aSeat('moderator'), { log })],
  ['listener', inRoom(aSeat('listener'), { log })],
  ['card', inRoom(aSeat('moderator'), { focus: { section: 'listening', id: 'p-9' } })],
  ['menu', inRoom(aSeat('moderator'), { overlay: { kind: 'menu', personId: 'p-0', index: 0 } })],
  ['help', inRoom(aSeat('moderator'), { overlay: { kind: 'help', page: 0 } })],
  [
    'confirm',
    inRoom(aSeat('moderator'), {
      overlay: { kind: 'confirm', question: 'Leave?', choices: [{ key: 'y', label: 'leave', does: [] }] },
    }),
  ],
  ['palette', inRoom(aSeat('moderator'), { overlay: { kind: 'palette', text: 'mu', index: 0 } })],
  [
    'devices',
    inRoom(aSeat('speaker'), {
      overlay: {
        kind: 'devices',
        choices: Array.from({ length: 30 }, (_, index) => ({
          kind: 'speaker',
          name: `Headphones ${index} 耳机`,
          isInUse: index === 3,
        })),
        problem: 'naudiodon, for PortAudio, is not built',
        index: 20,
        trial: { what: 'loopback', levelDb: -20 },
      },
    }),
  ],
  [
    'settings',
    {
      ...hallway,
      overlay: {
        kind: 'settings',
        items: [{ key: 'theme', label: 'colours', value: 'auto', values: ['auto'] }],
        index: 0,
      },
    },
  ],
  ['events', { ...hallway, overlay: { kind: 'events', index: 1 } }],
  ['ended', { screen: 'ended', ended: { title: 'T', reason: 'kicked', by: 'Lena', roomId: null, minutes: 3 } }],
]

describe('every screen at every size', () => {
  for (const [name, change] of pictures)
    it(`is painted as Ink would, cell by cell: ${name}`, () => {
      const model = at(80, 24, change)
      const byInk = stripVTControlCharacters(renderToString(<Screen model={model} />, { columns: 80 })).split('\n')
      expect(draw(model).join('\n')).toBe(byInk.join('\n'))
    })

  for (const [columns, rows] of sizes)
    it(`fits ${columns}x${rows}`, () => {
      for (const [name, change] of pictures) {
        const lines = draw(at(columns, rows, change))
        expect(lines.length, name).toBeLessThanOrEqual(rows)
        for (const line of lines) expect(widthOf(line), `${name}: ${line}`).toBeLessThanOrEqual(columns)
      }
    })
})

describe('the hallway', () => {
  it('says topic, language and what a bot plays of each room, and what is announced where there is space', () => {
    const until = new Date(Date.now() + 230_000).toISOString()
    const by = { name: 'Guide', handle: 'guide' }
    const playing = {
      kind: 'sound',
      title: 'Raga',
      artist: null,
      startedAt: until,
      until,
      isPaused: false,
      by,
    } as const
    const rows = [aRoom(0, { playing }), aRoom(1)].map((room) => ({ room, isNew: false, isEnded: false }))
    const picture = draw(at(80, 24, { ...hallway, hallway: { ...hallway.hallway!, rows } })).join('\n')
    expect(picture).toMatch(/Morning sit +meditation · de +2 on +148\n +Guide \(bot\), Lena +Raga, 4 min left/)
    expect(picture).toMatch(/Upcoming\n.* Evening sit +Lena +live\n.* Press call +food · de · Lena +in 42 min\n/)
    const narrow = draw(at(40, 15, { ...hallway, hallway: { ...hallway.hallway!, rows } })).join('\n')
    expect(narrow).toContain('Raga, 4 min left')
    expect(narrow).not.toContain('meditation')
  })
})

describe('the room', () => {
  it('never moves the microphone line, whatever is open', () => {
    for (const [columns, rows] of sizes.slice(0, 5))
      for (const [name, change] of pictures.filter(([, { screen }]) => screen === 'room'))
        expect(draw(at(columns, rows, change)).at(-2), `${name} ${columns}x${rows}`).toMatch(/MIC OPEN|LISTENING/)
  })

  it('shows title, stage with who speaks, hands in order with questions, audience and news', () => {
    const picture = draw(at(80, 24, inRoom(aSeat('moderator'), { log }))).join('\n')
    expect(picture).toMatch(/Morning sit .* live 12 min · 148 here · not recorded/)
    expect(picture).toMatch(/▸ Guide +bot +▁▂▃▅▆· -19 dB/)
    expect(picture).toMatch(/Lena +moderator ······ muted/)
    expect(picture).toMatch(/1 Omar How long should I ho…/)
    expect(picture).toMatch(/Listening 145 · 1 to 14/)
    expect(picture).toMatch(/Omar raised a hand/)
  })

  it('says beside the stage what a bot plays and how long still, however long its name, and moves nothing', () => {
    const until = new Date(Date.now() + 230_000).toISOString()
    const title = 'A very long morning raga in the garden'
    const piece = { kind: 'sound', title, artist: 'Anoushka', startedAt: until, until, isPaused: false } as const
    for (const [columns, rows] of sizes.slice(0, 3)) {
      const seat = aSeat('moderator')
      const [before, after] = [seat, playsIn(seat, piece)].map((one) => draw(at(columns, rows, inRoom(one))))
      expect(after!.join('\n')).toMatch(/On stage 3 · A very .* 4 min left/)
      const others = (lines: string[] | undefined) => lines!.filter((line) => !line.includes('On stage'))
      expect(others(after)).toEqual(others(before))
    }
  })

  it('says title, topic and language, the title first', () => {
    const seat = aSeat('moderator')
    const room = { ...seat.room, topic: 'meditation', language: 'de' }
    expect(draw(at(80, 24, inRoom({ ...seat, room })))[0]).toMatch(/^ Morning sit · meditation · de +live/)
    const long = { ...room, title: 'A title that has more to say than fits here' }
    expect(draw(at(80, 24, inRoom({ ...seat, room: long })))[0]).toMatch(
      /^ A title that has more to say than fit.* live/,
    )
  })

  it('shows of a menu longer than the screen what is around the choice', () => {
    const piece = { kind: 'sound', title: 'Raga', artist: null, startedAt: '', until: null, isPaused: false } as const
    const seat = playsIn(aSeat('moderator'), piece)
    const menu = (index: number) =>
      draw(at(40, 15, inRoom(seat, { overlay: { kind: 'menu', personId: 'Guide', index } }))).join('\n')
    expect(menu(0)).toContain('▌ z pause')
    expect(menu(99)).toContain('remove from the room')
  })

  it('says of whom on stage you hear more, less or nothing', () => {
    const seat = aSeat('moderator')
    const [guide, lena, ...others] = seat.participants
    for (const [columns, rows] of [
      [80, 24],
      [40, 15],
    ] as const) {
      const tuned = [{ ...guide!, volume: 30 }, { ...lena!, isSilenced: true }, ...others]
      const picture = draw(at(columns, rows, inRoom({ ...seat, participants: tuned }))).join('\n')
      expect(picture).toContain('▸ Guide 30 %')
      expect(picture).toContain('Lena silenced')
    }
  })

  it('keeps stage, microphone line and keys at 40x15', () => {
    const picture = draw(at(40, 15, inRoom(aSeat('moderator')))).join('\n')
    for (const part of ['▸ Guide', 'Lena', 'MIC OPEN', 'space mute', '? keys']) expect(picture).toContain(part)
  })

  it('keeps the way out and the help in the bottom line at any size, on stage, with a hand up and invited', () => {
    const listener = aSeat('listener')
    const invitation = { by: 'Lena', expiresAt: '2026-11-21T18:03:00.000Z' }
    const invited = { ...listener, you: { ...listener.you, microphone: 'invited' as const, invitation } }
    for (const seat of [aSeat('moderator'), aSeat('speaker'), listener, invited])
      for (const columns of [20, 30, 40, 60, 80])
        expect(draw(at(columns, 15, inRoom(seat))).at(-1), `${columns} ${seat.you.role}`).toMatch(/L leave {2}\? keys/)
  })

  it('says that the microphone is about to open, and that space would close it', () => {
    const seat = aSeat('moderator')
    const opening = { ...seat, you: { ...seat.you, microphone: 'muted' as const, isMuted: false } }
    const picture = draw(at(80, 24, inRoom(opening)))
    expect(picture.at(-2)).toContain('MIC OPENING  not heard yet')
    expect(picture.at(-1)).toContain('space mute')
  })

  it('offers every answer to its question at 80 columns', () => {
    const seat = aSeat('moderator')
    const asked = reduce({ ...at(80, 24, inRoom(seat)) }, { type: 'key', key: 'q' }).model
    expect(draw(asked).at(-1)).toBe(' y leave and quit  L leave  b quit, keep listening  esc back')
  })

  it('gives the selected person a card at 120x40', () => {
    const focus = { section: 'listening' as const, id: 'p-0' }
    const picture = draw(at(120, 40, inRoom(aSeat('moderator'), { focus }))).join('\n')
    expect(picture).toContain('@h0 · listener · hand up, first in line')
  })

  it('keeps a chosen listener in view, far down a room of thousands', () => {
    const people = Array.from({ length: 5000 }, (_, index) => aParticipant(`n${index}`, { name: `Name ${index}` }))
    const seat = aSeat('listener', { participants: people, counts: { speakers: 0, listeners: 5000 } })
    const picture = draw(at(80, 24, inRoom(seat, { focus: { section: 'listening', id: 'n4321' } }))).join('\n')
    expect(picture).toContain('Name 4321')
  })

  it('lets no control sequence of a name or title through, and counts wide glyphs', () => {
    const evil = aParticipant('x', {
      name: '\u001b[2J\u001b]0;owned\u0007Eve\u202e',
      role: 'speaker',
      isSpeaking: true,
      levelDb: -20,
    })
    const seat = aSeat('listener')
    const model = at(80, 24, inRoom({ ...seat, participants: [evil, ...seat.participants] }))
    const raw = painted(model).join('\n')
    expect(raw).not.toMatch(/\u001b\[2J|\u001b\]|\u0007|\u202e/)
    expect(raw).toMatch(/▸ Eve/)
  })
})

describe('a name', () => {
  const names: [name: string, columns: number][] = [
    ['Lena', 4],
    ['李华', 4],
    ['ＦＵＬＬ', 8],
    ['Zoë', 3],
    ['Zoe\u0308', 3],
    ['a\u0301\u0302\u0303\u0304\u0305\u0306', 1],
    ['🎉🎉', 4],
    ['👩‍👩‍👧', 6],
    ['🇱🇹', 2],
    ['שלום', 4],
    ['مرحبا', 5],
    ['Björn 李华 🎸', 13],
    ['\u202eeve\u0007', 3],
    ['长'.repeat(60), 120],
  ]

  it('has the columns that it takes on a terminal', () => {
    for (const [name, columns] of names) expect(widthOf(cleanLine(name)), name).toBe(columns)
  })

  it('moves nothing that stands beside it', () => {
    for (const [name] of names) {
      const seat = aSeat('moderator')
      const participants = [aParticipant('x', { name, role: 'speaker' }), ...seat.participants]
      const hands = seat.hands.map((hand) => ({ ...hand, name }))
      const lines = draw(at(80, 24, inRoom({ ...seat, participants, hands })))
      const columnsOf = (mark: string) =>
        new Set(lines.filter((line) => line.includes(mark)).map((line) => widthOf(line.split(mark)[0]!)))
      expect(columnsOf('│').size, name).toBe(1)
      expect(columnsOf('······').size, name).toBe(1)
    }
  })
})

describe('the help', () => {
  it('shows every key of the screen, whole where the terminal is 80 columns wide, over as many pages as it takes', () => {
    for (const [columns, rows] of sizes.slice(0, 4))
      for (const screen of [inRoom(aSeat('moderator')), hallway]) {
        let model = at(columns, rows, { ...screen, overlay: { kind: 'help', page: 0 } })
        const { lines, pages } = helpLayout(model)
        const seen: string[] = []
        for (let page = 0; page < pages; page += 1) {
          seen.push(...draw(model))
          model = reduce(model, { type: 'key', key: 'pagedown' }).model
        }
        const wanted = lines.map(({ help }) => (columns < 80 ? help.slice(0, 20) : help))
        expect(wanted.filter((help) => !seen.some((line) => line.includes(help)))).toEqual([])
        expect(model.overlay).toEqual({ kind: 'help', page: pages - 1 })
      }
  })
})

describe('the microphone line', () => {
  const words = (you: Partial<SeatState['you']>, change: Partial<SeatState> = {}, table = keyTable) => {
    const seat = aSeat('speaker', change)
    const { badge, detail } = microphoneWords(
      { ...seat, you: { ...seat.you, ...you } },
      { nowMs: Date.parse('2026-11-21T10:00:10.000Z'), keyTable: table },
    )
    return `${badge}|${detail}`
  }

  it('says each state in plain words', () => {
    const invitation = { by: 'Lena', expiresAt: '2026-11-21T10:00:37.000Z' }
    expect([
      words({ microphone: 'open' }),
      words({ microphone: 'muted', isMuted: true, isTalkingWhileMuted: true }),
      words({ microphone: 'muted-by-moderator' }).split('|')[0],
      words({ microphone: 'listening' }),
      words({ microphone: 'hand-raised', hand: { position: 2, question: 'Why?' } }),
      words({ microphone: 'invited', invitation }),
      words({ microphone: 'no-microphone' }),
    ]).toEqual([
      'MIC OPEN|',
      'MUTED|you are talking: space to be heard',
      'MUTED BY MODERATOR',
      'LISTENING|',
      'HAND RAISED 2nd|Why?',
      'INVITED TO SPEAK (y/n)|by Lena · 27 s left',
      'NO MICROPHONE|you can listen',
    ])
  })

  it('names the keys as they are bound now', () => {
    const { table } = rebind({ accept: 'f6', decline: 'f7', 'toggle-mute': 'M' })
    const invitation = { by: 'Lena', expiresAt: '2026-11-21T10:00:37.000Z' }
    expect(words({ microphone: 'invited', invitation }, {}, table)).toBe('INVITED TO SPEAK (f6/f7)|by Lena · 27 s left')
    const talking = words({ microphone: 'muted', isMuted: true, isTalkingWhileMuted: true }, {}, table)
    expect(talking).toBe('MUTED|you are talking: M to be heard')
  })

  it('never says open while the connection is gone', () => {
    const connection = { status: 'reconnecting' as const, since: '2026-11-21T10:00:06.000Z', cause: 'no network' }
    expect(words({ microphone: 'open' }, { connection })).toBe('RECONNECTING 4 s|no network')
    expect(words({ microphone: 'open' }, { connection: { status: 'joining' } })).toBe('JOINING|not heard yet')
    const unresponsive = { status: 'unresponsive' as const, since: '2026-11-21T10:00:06.000Z' }
    expect(words({ microphone: 'open' }, { connection: unresponsive })).toBe('NO ANSWER 4 s|the seat does not answer')
  })
})
