import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { looksAs } from '../support/screens.ts'
import { tmuxMissing } from '../support/tmux.ts'
import { buildTuiHarness, openTuiTerminal, type TuiTerminal } from '../support/tui.ts'
import { aFullSeat, aSeat, playsIn } from '../support/tui-fixtures.ts'

const now = '2026-11-21T18:02:00.000Z'
const inSeconds = (seconds: number) => new Date(Date.parse(now) + seconds * 1000).toISOString()

// Every screen at 120x40, 40x15 and 80x24, held against pictures that somebody has looked at: test/e2e/screens.
describe.skipIf(tmuxMissing)('what the full screen shows', () => {
  let harness: Awaited<ReturnType<typeof buildTuiHarness>>
  let terminal: TuiTerminal
  beforeAll(async () => {
    harness = await buildTuiHarness()
  })
  afterAll(() => harness?.close())
  afterEach(() => terminal?.close())

  const open = async (scene: string, first: string | RegExp) => {
    terminal = await openTuiTerminal(harness, scene, { columns: 80, rows: 24 }, { CLOCK: now, TZ: 'UTC' })
    await terminal.sees(first)
  }
  /** Presses keys until the text stands there, then looks. */
  const shows = async (name: string, text: string | RegExp, ...keys: string[]) => {
    if (keys.length > 0) terminal.press(...keys)
    await terminal.sees(text)
    await looksAs(terminal, name)
  }
  /** Esc alone: with a key right behind it, it would be Alt. */
  const back = async () => {
    terminal.press('Escape')
    await terminal.sees(/^(?![\s\S]*esc back)/)
  }
  const types = async (typed: string) => {
    terminal.type(typed)
    await terminal.sees(typed)
  }

  it('on the way in: number, name, code, a code that is wrong', async () => {
    await open('sign-in', 'Sign in with your phone number')
    await types('+370 600 00001')
    await shows('sign-in-number', 'With its country code')
    terminal.press('Enter')
    await terminal.sees('How shall others call you?')
    await types('Ana')
    await shows('sign-in-name', 'Your handle is made from it')
    await shows('sign-in-code', 'Your code: 123456', 'Enter')
    terminal.type('111111')
    await shows('sign-in-refused', 'That code is not right.', 'Enter')
  })

  it('in the hallway: rooms, search, a new room, a name, a room that is not there', async () => {
    await open('hallway', 'Derby')
    await shows('hallway', '▌ Baltic', 'Down')
    await shows('hallway-topic', 'topic business', 't')
    terminal.press('t')
    await terminal.sees('Derby')
    await shows('events', '▌ 18:44', 'e', 'Down')
    await back()
    terminal.press('/')
    await types('ba')
    await shows('hallway-search', 'Search ba')
    await back()
    terminal.press('n')
    await types('Tea at five')
    await shows('hallway-new-room', 'Title of the new room')
    await back()
    await shows('profile', 'Your name Ana', 'N')
    await back()
    terminal.press(':')
    terminal.type('nowhere')
    await terminal.sees('open “nowhere”')
    await shows('error', 'There is no such room.', 'Enter')
  })

  it('in the hallway: none, more than a page, no match, no server', async () => {
    await open('empty', 'Nobody is talking yet')
    await shows('hallway-empty', 'Press n to start a room')
    terminal.close()
    await open('many', '100+ live')
    terminal.press('End')
    await terminal.sees('200+ live')
    terminal.press('End')
    await terminal.sees('250 live')
    await shows('hallway-many', '▌ Room 249', 'End')
    terminal.press('/')
    await types('zebra')
    await shows('hallway-no-match', 'No live room matches', 'Enter')
    terminal.close()
    await open('offline', 'No server')
    await shows('offline', 'does not answer')
  })

  it('over the hallway: help, palette, devices, settings', async () => {
    await open('hallway', 'Derby')
    await shows('help-hallway', 'Keys', '?')
    await back()
    await shows('palette-hallway', 'start a room of your own', ':')
    await back()
    await shows('devices', /▌ microphone +as the system has it/, 'd')
    await back()
    await shows('settings', /colours +auto/, ',')
  })

  it('in a room as a listener: hand, invitation, recording, a question before leaving', async () => {
    await open('listener', 'LISTENING')
    const awaited = { names: ['Rasa', 'Tomas'], until: inSeconds(120) }
    terminal.play({ event: { at: now, type: 'moderator-awaited', ...awaited } })
    await shows('room-listener', 'The room waits for Rasa and Tomas until 18:04.')
    terminal.press('h')
    await types('How long?')
    await shows('room-question', 'Your question')
    await shows('room-hand-raised', 'HAND RAISED 2nd', 'Enter')
    terminal.play({ you: { microphone: 'invited', invitation: { by: 'Lena', expiresAt: inSeconds(42) } } })
    await shows('room-invited', '42 s left')
    terminal.play({ you: { microphone: 'listening', invitation: null, hand: null } })
    terminal.play({ seat: { room: { ...aSeat('listener').room, startedAt: inSeconds(-8000), isRecorded: true } } })
    await shows('room-recorded', 'live 2 h 13 min')
    await shows('room-leave', 'Leave Morning sit?', 'q')
    await back()
    await shows('help-room', 'Keys', '?')
    await shows('help-room-next', 'page 2', 'Down')
  })

  it('in a room as a speaker: muted, talking unheard, barred, without a microphone, reconnecting', async () => {
    await open('speaker', 'MIC OPEN')
    await shows('room-speaker', 'MIC OPEN')
    terminal.play({ you: { microphone: 'muted', isMuted: true, isTalkingWhileMuted: true } })
    await shows('room-unheard', 'you are talking')
    terminal.play({ you: { microphone: 'muted-by-moderator', isMuted: true, isTalkingWhileMuted: false } })
    await shows('room-barred', 'MUTED BY MODERATOR')
    terminal.play({ you: { microphone: 'no-microphone' } })
    await shows('room-no-microphone', 'NO MICROPHONE')
    terminal.play({ seat: { connection: { status: 'reconnecting', since: inSeconds(-4), cause: 'no network' } } })
    await shows('room-reconnecting', 'RECONNECTING 4 s')
  })

  it('in a room as a moderator: hands in order, a menu, a question before removing somebody', async () => {
    await open('moderator', 'Hands 3')
    await shows('room-moderator', '▌  2 Ines', 'Tab', 'Tab', 'Down')
    await shows('room-menu', 'admit to the stage', 'Enter')
    await shows('room-confirm', 'Remove Ines?', 'r')
    await back()
    await shows('palette-room', 'louder: all louder, quieter', ':')
    await back()
    const silence = { kind: 'silence', title: null, artist: null, startedAt: now, isPaused: false } as const
    const { room, participants } = playsIn(aFullSeat('moderator'), { ...silence, until: inSeconds(600) })
    terminal.play({
      seat: { room: { ...room, startedAt: inSeconds(-720), topic: 'meditation', language: 'de' }, participants },
    })
    await shows('room-silence', 'silence until 18:12')
    await shows('room-program', 'skip to what comes next', 'Tab', 'Tab', 'Enter')
  })

  it('in a room with ten thousand listeners, and after it: ended, removed', async () => {
    await open('crowd', 'Listening 10000')
    terminal.press('/')
    await types('name 4321')
    await shows('room-crowd', '▌Name 4321', 'Enter')
    terminal.close()
    for (const [name, reason, text] of [
      ['ended', 'room-ended', 'Lena ended the room.'],
      ['removed', 'kicked', 'You were removed by Lena.'],
    ] as const) {
      await open('hallway', 'Derby')
      terminal.press('Enter')
      await terminal.sees('LISTENING')
      terminal.play({ seat: { connection: { status: 'left', reason, by: 'Lena' } } })
      await shows(name, text)
      terminal.close()
    }
    expect(terminal.told()).toContainEqual({ closed: true })
  })
})
