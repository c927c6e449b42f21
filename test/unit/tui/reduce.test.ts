import { describe, expect, it } from 'vitest'
import { type Effect, type Happening, initialModel, type Model } from '../../../src/tui/model.ts'
import { reduce } from '../../../src/tui/reduce.ts'
import { visibleRows } from '../../../src/tui/reduce-hallway.ts'
import { aRoom, aSeat, playsIn, roomId, someEvents } from '../../support/tui-fixtures.ts'

const start = initialModel({ version: '0', server: 'http://127.0.0.1:8080', columns: 80, rows: 24, nowMs: 0 })
const account = { id: roomId(90), handle: 'ana', name: 'Ana', kind: 'person' as const, isOperator: false }
const rooms = (count: number): Happening => ({
  type: 'rooms',
  search: '',
  rooms: { rooms: Array.from({ length: count }, (_, index) => aRoom(index)), nextCursor: null, eventCursor: '5' },
})
const key = (name: string): Happening => ({ type: 'key', key: name })
const keys = (text: string): Happening[] => [...text].map((character) => key(character === ' ' ? 'space' : character))

/** The model after all happenings, with every effect they asked for. */
const play = (from: Model, ...happenings: Happening[]): { model: Model; effects: Effect[] } =>
  happenings.reduce<{ model: Model; effects: Effect[] }>(
    ({ model, effects }, happening) => {
      const next = reduce(model, happening)
      return { model: next.model, effects: [...effects, ...next.effects] }
    },
    { model: from, effects: [] },
  )

const hallway = play(start, { type: 'signed-in', account }, rooms(3)).model
const inRoom = (role: 'moderator' | 'listener' | 'speaker') =>
  play(hallway, key('enter'), { type: 'joined', seat: aSeat(role) }).model
const commands = (effects: Effect[]) => effects.flatMap((effect) => (effect.do === 'command' ? [effect.command] : []))

describe('sign-in', () => {
  const asked = play(start, { type: 'sign-in-needed' }, ...keys('+370 6'), key('enter'), {
    type: 'login-started',
    loginId: 'L',
  })

  it('asks for phone, name and code, in that order, and proves them at the end', () => {
    expect(asked.effects).toEqual([{ do: 'start-login', phone: '+370 6' }])
    const { effects } = play(asked.model, ...keys('Ana'), key('enter'), ...keys('123456'), key('enter'))
    expect(effects).toEqual([{ do: 'verify-login', loginId: 'L', code: '123456', name: 'Ana' }])
  })

  it('lets who has an account skip the name', () => {
    const { effects } = play(asked.model, key('enter'), ...keys('1'), key('enter'))
    expect(effects).toEqual([{ do: 'verify-login', loginId: 'L', code: '1' }])
  })

  it('says that a code is wrong and takes another; a used-up one starts over with the same number', () => {
    const wrong = play(asked.model, key('enter'), ...keys('999'), key('enter'), {
      type: 'login-failed',
      code: 'wrong-code',
      message: 'That is not it.',
    }).model
    expect(wrong.signIn).toMatchObject({ step: 'code', text: '', error: 'That is not it.', isBusy: false })
    const over = play(wrong, { type: 'login-failed', code: 'code-expired', message: 'Too old.' }).model
    expect(over.signIn).toMatchObject({ step: 'phone', text: '+370 6', error: 'Too old.' })
  })

  it('takes one answer at a time: keys while it waits change nothing', () => {
    const busy = play(start, { type: 'sign-in-needed' }, ...keys('+3'), key('enter')).model
    expect(play(busy, ...keys('99'), key('enter'))).toEqual({ model: busy, effects: [] })
  })
})

describe('hallway', () => {
  it('keeps the selected room by its id while rooms come, change and go', () => {
    const chosen = play(hallway, key('down')).model
    expect(chosen.hallway.selectedId).toBe(roomId(1))
    const later = play(
      chosen,
      { type: 'hallway', event: { type: 'room', room: aRoom(7) } },
      { type: 'hallway', event: { type: 'room-ended', roomId: roomId(0), by: null, at: '2026-11-21T10:00:00.000Z' } },
      { type: 'hallway', event: { type: 'room', room: aRoom(1, { title: 'Renamed' }) } },
    ).model
    expect(later.hallway.selectedId).toBe(roomId(1))
    expect(later.hallway.rows.map(({ room, isNew, isEnded }) => [room.title, isNew, isEnded])).toEqual([
      ['Morning sit', false, true],
      ['Renamed', false, false],
      ['Derby, second half', false, false],
      ['Room 7', true, false],
    ])
  })

  it('tidies marks and ended rooms away when you move, and never rests on an ended room', () => {
    const { model } = play(
      hallway,
      { type: 'hallway', event: { type: 'room', room: aRoom(7) } },
      { type: 'hallway', event: { type: 'room-ended', roomId: roomId(1), by: null, at: '2026-11-21T10:00:00.000Z' } },
      key('down'),
    )
    expect(model.hallway.selectedId).toBe(roomId(2))
    expect(model.hallway.rows.every(({ isNew, isEnded }) => !isNew && !isEnded)).toBe(true)
  })

  it('continues the live list from the cursor of the page it has', () => {
    expect(play(start, { type: 'signed-in', account }, rooms(1)).effects).toContainEqual({
      do: 'watch-rooms',
      cursor: '5',
    })
  })

  it('fetches anew after a reset', () => {
    expect(play(hallway, { type: 'hallway', event: { type: 'reset' } }).effects).toEqual([
      { do: 'load-rooms', search: '' },
    ])
  })

  it('fetches the next page before its end is reached, once, and adds it below without moving anything', () => {
    const paged: Happening = {
      type: 'rooms',
      search: '',
      rooms: { rooms: Array.from({ length: 100 }, (_, index) => aRoom(index)), nextCursor: 'c1', eventCursor: '5' },
    }
    const full = play(start, { type: 'signed-in', account }, paged).model
    expect(play(full, ...Array(79).fill(key('down'))).effects).toEqual([])
    const { model, effects } = play(full, ...Array(90).fill(key('down')))
    expect(effects).toEqual([{ do: 'load-rooms', search: '', cursor: 'c1' }])
    const rest = [aRoom(99), aRoom(100), aRoom(101)]
    const more: Happening = {
      type: 'rooms',
      search: '',
      isMore: true,
      rooms: { rooms: rest, nextCursor: null, eventCursor: '9' },
    }
    const { model: whole, effects: after } = play(model, more, key('G'))
    expect(after).toEqual([])
    expect(whole.hallway.rows.map(({ room }) => room.id)).toEqual(Array.from({ length: 102 }, (_, at) => roomId(at)))
    expect(whole.hallway.selectedId).toBe(roomId(101))
  })

  it('says what kept the next page away, and asks again when one goes on', () => {
    const page = { rooms: [aRoom(0), aRoom(1)], nextCursor: 'c1', eventCursor: '5' }
    const full = play(start, { type: 'signed-in', account }, { type: 'rooms', search: '', rooms: page }).model
    const failed: Happening = { type: 'rooms-failed', code: 'internal', message: 'Not now.', isMore: true }
    const { model } = play(full, key('down'), failed)
    expect(model).toMatchObject({ notice: { text: 'Not now.' }, hallway: { status: 'open' } })
    expect(model.hallway.rows).toHaveLength(2)
    expect(play(model, key('down')).effects).toEqual([{ do: 'load-rooms', search: '', cursor: 'c1' }])
  })

  it('calls no room new that is only older than what was fetched', () => {
    const page = { rooms: [aRoom(0)], nextCursor: 'c1', eventCursor: '5' }
    const full = play(start, { type: 'signed-in', account }, { type: 'rooms', search: '', rooms: page }).model
    const old = aRoom(9, { createdAt: '2026-11-20T08:00:00.000Z' })
    const { model } = play(full, { type: 'hallway', event: { type: 'room', room: old } })
    expect(model.hallway.rows).toHaveLength(1)
  })

  it('searches while you type, asks the server at the end, and Esc shows all again', () => {
    const typing = play(hallway, key('/'), ...keys('balt'))
    expect(typing.model.hallway.search).toBe('balt')
    expect(play(typing.model, key('enter')).effects).toEqual([{ do: 'load-rooms', search: 'balt' }])
    expect(play(typing.model, key('escape'))).toMatchObject({
      model: { hallway: { search: '' }, overlay: null },
      effects: [{ do: 'load-rooms', search: '' }],
    })
  })

  it('starts a room by its title and opens one by a link', () => {
    expect(play(hallway, key('n'), ...keys('Tea'), key('enter')).effects).toEqual([{ do: 'create-room', title: 'Tea' }])
    const opened = play(hallway, key(':'), ...keys('https://h/r/1'), key('enter'))
    expect(opened.effects).toEqual([{ do: 'join', room: 'https://h/r/1' }])
    expect(opened.model.screen).toBe('joining')
  })

  it('gives a join up on Esc, and comes back with the reason when it fails', () => {
    const joining = play(hallway, key('enter')).model
    expect(play(joining, key('escape'))).toMatchObject({
      model: { screen: 'hallway' },
      effects: [{ do: 'close-seat' }],
    })
    const failed = play(joining, { type: 'join-failed', code: 'room-ended', message: 'The room has ended.' }).model
    expect(failed).toMatchObject({ screen: 'hallway', notice: { text: 'The room has ended.', isError: true } })
  })
})

describe('room', () => {
  it('mutes and unmutes with one key, only on stage', () => {
    expect(commands(play(inRoom('moderator'), key('space')).effects)).toEqual([{ verb: 'mute' }])
    expect(commands(play(inRoom('listener'), key('space')).effects)).toEqual([])
  })

  it('raises a hand with a question or without, and lowers it with the same key', () => {
    const room = inRoom('listener')
    expect(commands(play(room, key('h'), ...keys('Why so'), key('enter')).effects)).toEqual([
      { verb: 'hand', question: 'Why so' },
    ])
    expect(commands(play(room, key('h'), key('enter')).effects)).toEqual([{ verb: 'hand' }])
    const seat = aSeat('listener')
    const up = { ...seat, you: { ...seat.you, hand: { position: 1, question: null } } }
    expect(commands(play(room, { type: 'seat', seat: up }, key('h')).effects)).toEqual([{ verb: 'lower' }])
  })

  it('admits a raised hand: choose, act, one key', () => {
    const atHands = play(inRoom('moderator'), key('tab'), key('tab'))
    expect(atHands.model.focus).toEqual({ section: 'hands', id: 'p-0' })
    const { model, effects } = play(atHands.model, key('enter'), key('a'))
    expect(commands(effects)).toEqual([{ verb: 'stage', action: 'admit', who: 'p-0' }])
    expect(model.overlay).toBeNull()
  })

  it('asks before it removes somebody', () => {
    const menu = play(inRoom('moderator'), key('tab'), key('enter'), key('r'))
    expect(menu.effects).toEqual([])
    expect(menu.model.overlay).toMatchObject({ kind: 'confirm', question: 'Remove Guide? They cannot come back.' })
    expect(commands(play(menu.model, key('y')).effects)).toEqual([{ verb: 'stage', action: 'kick', who: 'Guide' }])
    expect(play(menu.model, key('escape'))).toMatchObject({ model: { overlay: null }, effects: [] })
  })

  it('silences somebody for you alone, and lets them be heard again', () => {
    const room = inRoom('listener')
    const menu = play(room, key('tab'), key('enter'))
    expect(commands(play(menu.model, key('x')).effects)).toEqual([{ verb: 'silence', who: 'Guide' }])
    const seat = aSeat('listener')
    const participants = seat.participants.map((one) => (one.id === 'Guide' ? { ...one, isSilenced: true } : one))
    const silenced = play(menu.model, { type: 'seat', seat: { ...seat, participants } }).model
    expect(commands(play(silenced, key('x')).effects)).toEqual([{ verb: 'hear', who: 'Guide' }])
  })

  it('follows the chosen person from the audience to the stage, and lets go when they leave', () => {
    const room = inRoom('moderator')
    const chosen = { ...room, focus: { section: 'listening' as const, id: 'p-3' } }
    const seat = aSeat('moderator')
    const promoted = seat.participants.map((one) => (one.id === 'p-3' ? { ...one, role: 'speaker' as const } : one))
    expect(play(chosen, { type: 'seat', seat: { ...seat, participants: promoted } }).model.focus).toEqual({
      section: 'stage',
      id: 'p-3',
    })
    const gone = seat.participants.filter(({ id }) => id !== 'p-3')
    expect(play(chosen, { type: 'seat', seat: { ...seat, participants: gone } }).model.focus).toBeNull()
  })

  it('chooses somebody else first: you have keys of your own', () => {
    const seat = aSeat('moderator')
    const youFirst = { ...seat, participants: [...seat.participants].sort((a, b) => Number(b.isYou) - Number(a.isYou)) }
    expect(play(inRoom('moderator'), { type: 'seat', seat: youFirst }, key('down')).model.focus?.id).toBe('Guide')
  })

  it('narrows the hallway to the topic or language of the chosen room, and widens it again', () => {
    const load = { do: 'load-rooms', search: '' }
    const topic = play(hallway, key('t'))
    expect(topic.effects).toEqual([{ ...load, topic: 'meditation' }])
    const both = play(topic.model, key('l'))
    expect(both.effects).toEqual([{ ...load, topic: 'meditation', language: 'de' }])
    const other = { type: 'hallway' as const, event: { type: 'room' as const, room: aRoom(1) } }
    expect(visibleRows(play(both.model, other).model.hallway).map(({ room }) => room.topic)).toEqual(['meditation'])
    expect(play(both.model, key('t')).effects).toEqual([{ ...load, language: 'de' }])
    expect(play(both.model, key('escape')).effects).toEqual([load])
    expect(play(both.model, key('r')).effects).toEqual([{ ...load, topic: 'meditation', language: 'de' }])
  })

  it('joins an announced session that is live, and says of another when it opens', () => {
    const now = { type: 'tick' as const, nowMs: Date.parse('2026-11-21T18:00:00Z') }
    const events = play(hallway, now, { type: 'events', events: someEvents(now.nowMs) }, key('e')).model
    expect(play(events, key('enter')).effects).toEqual([{ do: 'join', room: roomId(0) }])
    const later = play(events, key('down'), key('enter'))
    expect(later.effects).toEqual([])
    expect(later.model.notice?.text).toMatch(/^Press call opens at \d\d:\d\d\.$/)
    expect(play(later.model, key('escape')).model.overlay).toBeNull()
  })

  it('commands what a bot plays from its menu, asks for words where it needs some, and first before the end', () => {
    const playing = { kind: 'sound', title: 'Raga', artist: null, startedAt: '', until: null, isPaused: false } as const
    const room = play(inRoom('moderator'), { type: 'seat', seat: playsIn(aSeat('moderator'), playing) })
    const menu = play(room.model, key('tab'), key('enter')).model
    const asked = (...pressed: Happening[]) =>
      play(menu, ...pressed).effects.flatMap((effect) => (effect.do === 'program' ? [effect.words] : []))
    expect(asked(key('z'))).toEqual(['pause'])
    expect(asked(key('s'))).toEqual(['skip'])
    expect(asked(key('f'))).toEqual(['extend 5m'])
    expect(asked(key('c'), ...keys('long gong'), key('enter'))).toEqual(['cue long gong'])
    expect(asked(key('t'), ...keys('12:30'), key('enter'))).toEqual(['goto 12:30'])
    expect(asked(key('l'), ...keys('bed -6dB'), key('enter'))).toEqual(['level bed -6dB'])
    expect(asked(key('l'), key('enter'))).toEqual([])
    expect(asked(key('b'))).toEqual([])
    expect(asked(key('b'), key('y'))).toEqual(['stop'])
    const paused = play(menu, { type: 'seat', seat: playsIn(aSeat('moderator'), { ...playing, isPaused: true }) }).model
    expect(play(paused, key('z')).effects).toMatchObject([{ do: 'program', who: 'Guide', words: 'resume' }])
    // Nothing of it for listeners, nor where nothing is played.
    expect(play(inRoom('listener'), key('tab'), key('enter'), key('s')).effects).toEqual([])
    expect(play(inRoom('moderator'), key('tab'), key('enter'), key('s')).effects).toEqual([])
  })

  it('closes the menu of a person who leaves', () => {
    const seat = aSeat('moderator')
    const menu = play(inRoom('moderator'), key('tab'), key('enter')).model
    const gone = { ...seat, participants: seat.participants.filter(({ id }) => id !== 'Guide') }
    expect(play(menu, { type: 'seat', seat: gone }).model.overlay).toBeNull()
  })

  it('never leaves a live room by q or Esc without asking', () => {
    for (const name of ['q', 'escape']) {
      const asked = play(inRoom('listener'), key(name))
      expect(asked.effects).toEqual([])
      expect(asked.model.overlay?.kind).toBe('confirm')
    }
    const { effects } = play(inRoom('listener'), key('q'), key('y'))
    expect(effects).toEqual([{ do: 'leave-and-quit', exitCode: 0 }])
  })

  it('leaves at once with L, but warns the only moderator that this ends the room', () => {
    expect(commands(play(inRoom('moderator'), key('L')).effects)).toEqual([{ verb: 'leave' }])
    const seat = aSeat('moderator')
    const alone = { ...seat, participants: seat.participants.filter(({ id }) => id !== 'Lena') }
    const asked = play(inRoom('moderator'), { type: 'seat', seat: alone }, key('L'))
    expect(asked.effects).toEqual([])
    expect(asked.model.overlay).toMatchObject({ kind: 'confirm', question: expect.stringContaining('only moderator') })
  })

  it('shows why a room ended, and goes back to the hallway when you left yourself', () => {
    const seat = aSeat('listener')
    const over = (reason: 'room-ended' | 'left'): Happening => ({
      type: 'seat',
      seat: { ...seat, connection: { status: 'left', reason, by: 'Lena' } },
    })
    const ended = play(inRoom('listener'), over('room-ended'))
    expect(ended.model).toMatchObject({ screen: 'ended', ended: { reason: 'room-ended', by: 'Lena' }, seat: null })
    expect(play(ended.model, key('enter')).model.screen).toBe('hallway')
    const left = play(inRoom('listener'), over('left'))
    expect(left.model).toMatchObject({ screen: 'hallway', notice: { text: 'You left Morning sit.' } })
    expect(left.effects).toContainEqual({ do: 'load-rooms', search: '' })
  })

  it('ends with the seat when that is all it was opened for, by the exit code of the reason', () => {
    const seat = aSeat('listener')
    const single = { ...inRoom('listener'), isSingleRoom: true }
    const kicked = { ...seat, connection: { status: 'left' as const, reason: 'kicked' as const, by: 'Lena' } }
    expect(play(single, { type: 'seat', seat: kicked }, key('enter')).effects).toContainEqual({
      do: 'quit',
      exitCode: 8,
    })
  })

  it('interrupts everywhere, in a room by leaving it', () => {
    expect(play(hallway, key('ctrl+c')).effects).toEqual([{ do: 'quit', exitCode: 130 }])
    expect(play(inRoom('listener'), key('h'), key('ctrl+c')).effects).toEqual([{ do: 'leave-and-quit', exitCode: 130 }])
  })
})

describe('push-to-talk', () => {
  const muted = () => {
    const seat = aSeat('speaker')
    return play(inRoom('speaker'), {
      type: 'seat',
      seat: { ...seat, you: { ...seat.you, microphone: 'muted', isMuted: true } },
    }).model
  }
  const on = { do: 'command', command: { verb: 'talk', on: true } }
  const off = { do: 'command', command: { verb: 'talk', on: false } }

  it('opens with the first press, stays while repetitions come in time, and closes without one', () => {
    const held = play(muted(), key('t'), key('t'), key('t'))
    expect(held.effects).toEqual([
      on,
      { do: 'let-go-after', ms: 1000 },
      { do: 'let-go-after', ms: 300 },
      { do: 'let-go-after', ms: 300 },
    ])
    expect(play(held.model, { type: 'let-go' }, { type: 'let-go' }).effects).toEqual([off])
  })

  it('goes by the release alone where the terminal tells of it, or by the loss of the keyboard', () => {
    const told = play(muted(), { type: 'kitty' }).model
    const held = play(told, key('t'), { type: 'key', key: 't', isRepeat: true })
    expect(held.effects).toEqual([on])
    expect(play(held.model, { type: 'released', key: 'x' }).effects).toEqual([])
    expect(play(held.model, { type: 'released', key: 't' }).effects).toEqual([off])
    expect(play(held.model, { type: 'blurred' }, { type: 'released', key: 't' }).effects).toEqual([off])
  })

  it('closes the microphone before the keyboard is given away', () => {
    const held = play(muted(), { type: 'kitty' }, key('t')).model
    expect(play(held, key('ctrl+z')).effects).toEqual([off, { do: 'suspend' }])
  })

  it('is not for who may not speak, or is heard already', () => {
    for (const role of ['listener', 'speaker'] as const) expect(play(inRoom(role), key('t')).effects).toEqual([])
  })
})

describe('no server', () => {
  it('tries again by itself, later each time', () => {
    const once = play(start, { type: 'offline', cause: 'no answer' }).model
    expect(once).toMatchObject({ screen: 'offline', offline: { retryAtMs: 1000 } })
    expect(play(once, { type: 'tick', nowMs: 500 }).effects).toEqual([])
    const due = play(once, { type: 'tick', nowMs: 1000 })
    expect(due.effects).toEqual([{ do: 'check-sign-in' }])
    expect(play(due.model, { type: 'offline', cause: 'no answer' }).model.offline).toMatchObject({
      retryAtMs: 3000,
      sinceMs: 0,
    })
  })
})
