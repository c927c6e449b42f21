import { PassThrough } from 'node:stream'
import { afterEach, describe, expect, it } from 'vitest'
import { programCommandOf } from '../../../../src/cli/program-words.ts'
import type { ListRooms } from '../../../../src/protocol/rooms.ts'
import type { SeatCommand, SeatEvent, SeatState } from '../../../../src/protocol/seat.ts'
import type { SeatLine } from '../../../../src/tui/deps.ts'
import type { LineDeps, LinesEnd } from '../../../../src/tui/lines/deps.ts'
import { runLines } from '../../../../src/tui/lines/run.ts'
import { eventually } from '../../../support/eventually.ts'
import { aRoom, aSeat, playsIn, roomId, someEvents } from '../../../support/tui-fixtures.ts'

const account = { id: roomId(90), handle: 'ana', name: 'Ana', kind: 'person' as const, isOperator: false }
const failure = (message: string, code: string) => Object.assign(new Error(message), { code })
type Undated<T> = T extends unknown ? Omit<T, 'at'> : never

/** A seat that does what it is asked, and can be made to tell things. */
const fakeSeat = (role: 'moderator' | 'listener') => {
  let state = aSeat(role)
  const asked: SeatCommand[] = []
  const onState: ((state: SeatState) => void)[] = []
  const onEvent: ((event: SeatEvent) => void)[] = []
  const tell = (event: Undated<SeatEvent>) => {
    for (const listener of onEvent) listener({ at: '2026-11-21T18:02:00.000Z', ...event } as SeatEvent)
  }
  const line: SeatLine = {
    request: async (command) => {
      asked.push(command)
      if (command.verb === 'stage' && command.action === 'invite')
        throw failure('Nobody here is called that.', 'not-found')
      if (command.verb === 'leave') tell({ type: 'left', reason: 'left', by: null, message: '' })
      return state
    },
    state: () => state,
    onState: (listener) => onState.push(listener),
    onEvent: (listener) => onEvent.push(listener),
    onClosed: () => undefined,
    close: () => undefined,
  }
  const become = (next: SeatState) => {
    state = next
    for (const listener of onState) listener(next)
  }
  return { line, asked, tell, become, state: () => state }
}

const running: Promise<LinesEnd>[] = []
const stops: (() => void)[] = []
afterEach(async () => {
  for (const stop of stops.splice(0)) stop()
  await Promise.all(running.splice(0))
})

/** Line mode over scripted values; `says` waits for a line, in order. */
const start = (given: Partial<LineDeps> & { isTTY?: boolean } = {}) => {
  const { isTTY = true, ...over } = given
  const input = Object.assign(new PassThrough(), { isTTY }) as unknown as NodeJS.ReadStream
  const said: string[] = []
  const noted: string[] = []
  let setting: string | undefined
  const interrupts = new Set<() => void>()
  const stop = () => {
    for (const interrupt of interrupts) interrupt()
  }
  const nothing = async () => {
    throw failure('not here', 'internal')
  }
  const end = runLines({
    isSignedIn: async () => true,
    account: async () => account,
    login: { start: nothing, verify: nothing },
    rooms: {
      list: async () => ({ rooms: [], nextCursor: null, eventCursor: '0' }),
      subscribe: () => ({ close: () => undefined }),
      create: nothing,
    },
    join: nothing,
    devices: { list: async () => ({ choices: [], problem: null }), use: nothing, try: nothing },
    settings: { list: async () => [], set: nothing },
    rename: async (name) => ({ ...account, name }),
    openLink: async () => undefined,
    readProgramCommand: programCommandOf,
    events: async () => [],
    hasHallway: true,
    typedFrom: input,
    say: (text) => said.push(text),
    note: (text) => noted.push(text),
    told: {
      get: () => setting,
      set: async (value) => {
        setting = value
      },
    },
    canShowScreen: true,
    onInterrupt: (listener) => {
      interrupts.add(listener)
      return () => interrupts.delete(listener)
    },
    onOutputClosed: () => () => undefined,
    onHangUp: () => () => undefined,
    ...over,
  })
  running.push(end)
  stops.push(stop)
  let seen = 0
  const waitFor = (lines: string[], text: string) =>
    eventually(() => lines.some((line) => line.includes(text)) || raise(lines), { withinMs: 3_000, what: text })
  return {
    end,
    said,
    noted,
    stop,
    setting: () => setting,
    type: (...lines: string[]) => {
      for (const line of lines) (input as unknown as PassThrough).write(`${line}\n`)
    },
    endInput: () => (input as unknown as PassThrough).end(),
    notes: (text: string) => waitFor(noted, text),
    says: async (text: string) => {
      await eventually(() => said.slice(seen).some((line) => line.includes(text)) || raise(said.slice(seen)), {
        withinMs: 3_000,
        what: text,
      })
      seen += said.slice(seen).findIndex((line) => line.includes(text)) + 1
    },
  }
}
const raise = (lines: string[]): never => {
  throw new Error(lines.join('\n'))
}

describe('the hallway in lines', () => {
  const crowd = Array.from({ length: 23 }, (_, index) => aRoom(index))
  const rooms = (list: typeof crowd): LineDeps['rooms'] => ({
    list: async ({ search, topic }) => ({
      rooms: list.filter((one) => one.title.includes(search ?? '') && (topic ?? one.topic) === one.topic),
      nextCursor: null,
      eventCursor: '0',
    }),
    subscribe: () => ({ close: () => undefined }),
    create: async ({ title }) => aRoom(50, { title }),
  })

  it('lists ten rooms at a time by number, searches, and tells of one', async () => {
    const { type, says, said, end } = start({ rooms: rooms(crowd) })
    await says('You are in the hallway as Ana, @ana.')
    await says('13 more: type more.')
    expect(said.at(-1)).toMatch(
      /^23 rooms live:\n1\. Morning sit, by Lena, meditation, in German, 2 on stage, 146 listening\.\n/,
    )
    type('more', 'last', 'more', 'first')
    await says('11. Room 10')
    await says('21. Room 20')
    await says('That was the last room.')
    await says('1. Morning sit')
    type('search Derby')
    await says('1 room for "Derby":\n1. Derby, second half')
    type('about 1', 'link 1', 'back')
    await says('Everyone may raise a hand.')
    await says(`https://example.test/r/${roomId(2)}`)
    await says('23 rooms live:')
    type('quit')
    expect(await end).toEqual({ exitCode: 0 })
  })

  it('narrows the list by topic and language, says what bots play, and what is announced', async () => {
    const until = new Date(2026, 10, 21, 7, 52).toISOString()
    const silence = { kind: 'silence', title: null, artist: null, startedAt: until, until, isPaused: false } as const
    const sit = aRoom(0, { playing: { ...silence, by: { name: 'Guide', handle: 'guide' } } })
    const asked: ListRooms[] = []
    const list = (query: ListRooms) => {
      asked.push(query)
      return rooms([sit, ...crowd.slice(1)]).list(query)
    }
    const { type, says, said } = start({ rooms: { ...rooms([]), list }, events: async () => someEvents(Date.now()) })
    type('topic meditation')
    await says('1 room of topic meditation:\n1. Morning sit, by Lena, meditation, in German')
    expect(said.at(-1)).toContain('146 listening, silence until 07:52.')
    type('language de', 'topic', 'back', 'back', 'events')
    await says('1 room of topic meditation in German:')
    await says(' in German:')
    await says('23 rooms live:')
    await says('You are in the hallway.')
    await says('live now: Evening sit, by Lena, join https://example.test/r/0.')
    expect(said.at(-1)).toMatch(
      /, in 42 min: Press call, by Lena, food, in German\.\n.*, in 14 h: Sunday sit, by Lena\.$/,
    )
    const narrowed = [{}, { topic: 'meditation' }, { topic: 'meditation', language: 'de' }, { language: 'de' }, {}]
    expect(asked).toEqual(narrowed)
  })

  it('goes on to rooms that the first answer did not hold', async () => {
    const list = async ({ cursor }: ListRooms) => ({
      rooms: cursor === undefined ? crowd.slice(0, 10) : crowd.slice(10),
      nextCursor: cursor === undefined ? 'c1' : null,
      eventCursor: '0',
    })
    const { type, says, said, end } = start({ rooms: { ...rooms(crowd), list } })
    await says('There are more: type more.')
    expect(said.at(-1)).toMatch(/^The newest 10 rooms live:\n/)
    type('more')
    await says('11. Room 10')
    expect(said.at(-1)).toContain('\n3 more: type more.')
    type('more', 'more')
    await says('23. Room 22')
    await says('That was the last room.')
    type('quit')
    expect(await end).toEqual({ exitCode: 0 })
  })

  it('joins by number, link or title, comes back after leaving, and goes in again', async () => {
    const joined: string[] = []
    const join = async (room: string) => {
      joined.push(room)
      if (room === 'nowhere') throw failure('there is no live room "nowhere"', 'not-found')
      return fakeSeat('listener').line
    }
    const { type, says, notes } = start({ rooms: rooms(crowd), join })
    type('2')
    await says('Joining Baltic founders.')
    type('leave')
    await says('You left the room.')
    await says('You are in the hallway')
    type('open nowhere')
    await notes('there is no live room "nowhere"')
    type('rejoin', 'leave')
    await says('You left the room.')
    type('create Noon', 'leave')
    await says('Joining Noon.')
    await says('You left the room.')
    expect(joined).toEqual([roomId(1), 'nowhere', aSeat('listener').room.id, roomId(50)])
  })

  it('tries a server that does not answer again by itself, and at once when asked, telling it once', async () => {
    let tries = 0
    const isSignedIn = async () => {
      tries += 1
      if (tries < 4) throw failure('The server does not answer.', 'unreachable')
      return true
    }
    const { type, says, said } = start({ isSignedIn })
    await says('The server does not answer. It is tried again by itself')
    type('retry', 'retry', 'retry')
    await says('You are in the hallway')
    expect(said.filter((line) => line.includes('does not answer'))).toHaveLength(1)
  })

  it('signs in with a wrong code, a step back and a new name between, and again when signed out', async () => {
    const asked: unknown[] = []
    let listings = 0
    const { type, says, notes } = start({
      isSignedIn: async () => false,
      login: {
        start: async (phone) => {
          asked.push(phone)
          return { loginId: 'login', localCode: async () => '123456' }
        },
        verify: async (_id, code, name) => {
          asked.push([code, name])
          if (code !== '123456') throw failure('That code is not right.', 'wrong-code')
          return { account, isNew: true }
        },
      },
      rooms: {
        ...rooms([]),
        list: async () => {
          listings += 1
          if (listings === 1) throw failure('Sign in first.', 'sign-in-needed')
          return { rooms: [], nextCursor: null, eventCursor: '0' }
        },
      },
    })
    await says('Sign in with your phone number.')
    type('+49151', 'Nobody', 'back', 'Ana', 'list', '111 111', '123456')
    await says('the code is 123456.')
    await notes('A code has digits alone.')
    await notes('That code is not right.')
    await says('You are in the hallway')
    await notes('Sign in first.')
    await says('Sign in with your phone number.')
    expect(asked).toEqual(['+49151', ['111 111', 'Ana'], ['123456', 'Ana']])
  })

  it('ends where its pipe ends, with the code of how far it came', async () => {
    const here = start({ isTTY: false })
    await here.says('You are in the hallway')
    here.endInput()
    expect(await here.end).toEqual({ exitCode: 0 })
    const stranger = start({ isTTY: false, isSignedIn: async () => false })
    stranger.endInput()
    expect(await stranger.end).toEqual({ exitCode: 4 })
    const away = start({
      isTTY: false,
      isSignedIn: async () => {
        throw failure('The server does not answer.', 'unreachable')
      },
    })
    away.endInput()
    expect(await away.end).toEqual({ exitCode: 7 })
  })
})

describe('a room in lines', () => {
  it('confirms what cannot be undone on a terminal, and takes anything but yes for no', async () => {
    const seat = fakeSeat('moderator')
    const { type, says } = start({ initialSeat: seat.line })
    type('kick @h0', 'now')
    await says('Remove Omar? They cannot come back. yes does it, anything else does not.')
    await says('Nothing was done.')
    await says('Speaking: Guide.')
    expect(seat.asked).toEqual([])
    type('moderator @guide', 'no', 'end', 'yes')
    await says('Give Guide the same power over the room as you?')
    await says('End Morning sit for everyone?')
    await eventually(() => seat.asked.length > 0, { withinMs: 3_000, what: 'the end is asked for' })
    expect(seat.asked).toEqual([{ verb: 'end-room' }])
  })

  it('asks nobody at a pipe, and stays when that ends', async () => {
    const seat = fakeSeat('moderator')
    const { type, endInput, stop, end, says } = start({ initialSeat: seat.line, isTTY: false })
    type('kick @h0')
    endInput()
    await eventually(() => seat.asked.length > 0, { withinMs: 3_000, what: 'the removal' })
    expect(seat.asked).toEqual([{ verb: 'stage', action: 'kick', who: '@h0' }])
    seat.tell({ type: 'reconnecting', cause: 'no network' })
    await says('Connection lost: no network. Reconnecting.')
    stop()
    expect(await end).toEqual({ exitCode: 130 })
    expect(seat.asked.at(-1)).toEqual({ verb: 'leave' })
  })

  it('says what no event tells: hearing, volume, the right to speak given back, a refusal', async () => {
    const seat = fakeSeat('listener')
    const { type, says, notes } = start({ initialSeat: seat.line })
    type('deafen', 'undeafen', 'louder', 'volume 80 @h0', 'silence @h0', 'hear @h0', 'invite @x')
    await says('You hear nothing now.')
    await says('You hear again.')
    await says('Volume 100 %.')
    await says('Omar at 80 % for you.')
    await says('You do not hear Omar any more; nobody is told.')
    await says('You hear Omar again.')
    await notes('Nobody here is called that.')
    const mutedIs = (mutedByModerator: boolean): SeatState => ({
      ...seat.state(),
      participants: seat.state().participants.map((one) => (one.id === 'Guide' ? { ...one, mutedByModerator } : one)),
    })
    seat.become(mutedIs(true))
    seat.become(mutedIs(false))
    await says('Guide may speak again.')
  })

  it('commands what a bot plays, tells what was done, and asks before its end', async () => {
    const seat = fakeSeat('moderator')
    const { type, says, notes } = start({ initialSeat: seat.line })
    const until = new Date(2026, 10, 21, 7, 52).toISOString()
    const playing = { kind: 'silence', title: null, artist: null, startedAt: until, until, isPaused: false } as const
    seat.become(playsIn(seat.state(), playing))
    type(
      'now',
      'pause',
      'cue long gong',
      'extend 5m @guide',
      'level bed -6dB',
      'goto 12:30',
      'skip @nobody',
      'extend soon',
    )
    await says('Guide keeps silence until 07:52.')
    await says('Guide is paused.')
    await says('Guide plays long gong.')
    await says('It lasts 5 minutes longer.')
    await says('The bed is at -6 dB.')
    await says('Guide goes on from 12:30.')
    await notes('No bot here is called @nobody.')
    await notes('extend wants a duration such as 20s, 5m or 1h30m, not "soon"')
    type('stop', 'yes')
    await says('End the program of Guide?')
    await says('The program of Guide ends.')
    expect(seat.asked.at(-1)).toEqual({ verb: 'program', who: 'Guide', command: { do: 'stop' } })
    type('act @guide', 'say playing')
    await says('  extend 5m @guide: five minutes more')
    await says('playing is said by itself.')
    seat.tell({
      type: 'playing',
      playing: { ...playing, kind: 'sound', title: 'Raga', by: { name: 'Guide', handle: 'g' } },
    })
    await says('Guide plays Raga')
  })

  it('says that the seat does not answer, since when, and that it does again', async () => {
    const seat = fakeSeat('listener')
    const { type, says } = start({ initialSeat: seat.line })
    type('now')
    await says('Connected')
    const since = new Date(2026, 10, 21, 18, 2, 7).toISOString()
    seat.become({ ...seat.state(), connection: { status: 'unresponsive', since } })
    await says('The seat has not answered since 18:02:07.')
    type('now')
    await says('The seat has not answered since 18:02:07; what follows is what it said last.')
    seat.become(aSeat('listener'))
    await says('The seat answers again.')
  })

  it('tells the running seat of a setting that counts at once', async () => {
    const seat = fakeSeat('listener')
    const cue = { key: 'cue-open', label: 'a sound', value: 'on', values: ['on', 'off'] }
    const { type, says } = start({
      initialSeat: seat.line,
      settings: { list: async () => [cue], set: async () => ({ verb: 'sound', cues: [] }) },
    })
    type('set cue-open off')
    await says('cue-open is off now.')
    expect(seat.asked).toEqual([{ verb: 'sound', cues: [] }])
  })

  it('takes noise on and off for the setting', async () => {
    const changed: string[] = []
    const noise = { key: 'noise', label: 'take the noise out of your voice', value: 'on', values: ['on', 'off'] }
    const { type, says, notes } = start({
      initialSeat: fakeSeat('listener').line,
      settings: {
        list: async () => [noise],
        set: async (key, value) => {
          changed.push(`${key} ${value}`)
          return undefined
        },
      },
    })
    type('noise off', 'noise loud')
    await says('noise is off now.')
    await notes('Type noise on or noise off.')
    expect(changed).toEqual(['noise off'])
  })

  it('holds news until Enter while pulled, but not the answer to what was typed', async () => {
    const seat = fakeSeat('listener')
    const { type, says, said, notes, setting } = start({ initialSeat: seat.line })
    type('say pull')
    await says('Lines wait until you press Enter.')
    expect(setting()).toBe('stage,hands,room,pull')
    type('say audience on', '')
    await says('audience is said by itself.')
    await notes('Nothing new.')
    const join = (name: string): Undated<SeatEvent> => ({
      type: 'participant-joined',
      participantId: name,
      name,
      handle: null,
      role: 'listener',
      kind: 'person',
    })
    for (const name of ['Bo', 'Chi', 'Dee']) seat.tell(join(name))
    expect(said.join()).not.toContain('Bo joined')
    type('')
    await says('Bo joined.')
    await says('Chi and Dee joined. 145 listeners now.')
    type('again 2')
    await says('Bo joined.\nChi and Dee joined. 145 listeners now.')
    type('again')
    await says('Chi and Dee joined. 145 listeners now.')
  })

  it('hands the seat to the full screen as it is, and takes it back telling where one is', async () => {
    const seat = fakeSeat('listener')
    const first = start({ initialSeat: seat.line, initialAccount: account })
    first.type('screen')
    expect(await first.end).toMatchObject({ seat: seat.line, account })
    const again = start({ initialSeat: seat.line, isResumed: true })
    await again.says('Morning sit: live 12 min')
    expect(seat.asked).toEqual([])
    const plain = start({ initialSeat: seat.line, canShowScreen: false })
    plain.type('screen')
    await plain.notes('This terminal cannot show the full screen.')
  })

  it('writes nothing that draws or moves the cursor, whatever others are called', async () => {
    const seat = fakeSeat('listener')
    const { says, said } = start({ initialSeat: seat.line })
    const person = { participantId: 'x', handle: null, isYou: false }
    seat.tell({ type: 'role-changed', ...person, name: '\u001b[2J█▌⠿Max\r\b\u202e', role: 'speaker', was: 'listener' })
    await says('Max is on stage now.')
    expect(said.join('\n')).not.toMatch(/[\u001b\r\b\u202e\u2500-\u259f\u2800-\u28ff]/)
  })

  it('ends with the code of why the seat left where there is no hallway', async () => {
    const seat = fakeSeat('listener')
    const { says, end } = start({ initialSeat: seat.line, hasHallway: false })
    seat.tell({ type: 'left', reason: 'kicked', by: 'Lena', message: '' })
    await says('You were removed by Lena.')
    expect(await end).toEqual({ exitCode: 8 })
  })
})
