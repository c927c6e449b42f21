import { execFileSync } from 'node:child_process'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { tmuxMissing } from '../support/tmux.ts'
import { buildTuiHarness, openTuiTerminal, type TuiTerminal } from '../support/tui.ts'
import { aRoom, aSeat, roomId } from '../support/tui-fixtures.ts'

const at = '2026-11-21T18:02:00.000Z'

describe.skipIf(tmuxMissing)('the terminal UI in a terminal', () => {
  let harness: Awaited<ReturnType<typeof buildTuiHarness>>
  let terminal: TuiTerminal
  beforeAll(async () => {
    harness = await buildTuiHarness()
  })
  afterAll(() => harness?.close())
  afterEach(() => terminal?.close())
  const open = async (scene: string, columns = 80, rows = 24) => {
    terminal = await openTuiTerminal(harness, scene, { columns, rows })
    return terminal
  }
  const tells = (wanted: unknown) =>
    eventually(
      () => {
        expect(terminal.told()).toContainEqual(wanted)
        return true
      },
      { withinMs: 10_000, what: `the UI asks for ${JSON.stringify(wanted)}` },
    )
  /** Back in the shell: its prompt takes input, no line of the UI is left, the cursor shows. */
  const isRestored = async (exit: string) => {
    const seen = await terminal.sees(exit)
    expect(seen).not.toMatch(/MIC OPEN|LISTENING|─/)
    expect(terminal.flags()).toBe('cursor 1 alternate 0 wrap 1')
    terminal.type('echo "in $(stty -a | grep -o " icanon") $(stty -a | grep -o " echo ")"')
    terminal.press('Enter')
    await terminal.sees(/^in {2}icanon {2}echo/m)
  }

  it('signs in with the code that this machine shows, lists rooms and joins one', async () => {
    await open('sign-in')
    await terminal.sees('Sign in with your phone number')
    terminal.type('+370 600 00001')
    terminal.press('Enter')
    await terminal.sees('How shall others call you?')
    terminal.type('Ana')
    terminal.press('Enter')
    await terminal.sees('Your code: 123456')
    terminal.type('111111')
    terminal.press('Enter')
    await terminal.sees('That code is not right.')
    terminal.type('123456')
    terminal.press('Enter')
    await terminal.sees('Baltic founders')
    await tells({ code: '123456', name: 'Ana' })
    terminal.press('Down', 'Enter')
    await tells({ join: roomId(1) })
    await terminal.sees('LISTENING')
  })

  it('keeps the chosen room while others come and go above and below', async () => {
    await open('hallway')
    await terminal.sees('Derby')
    terminal.press('Down', 'Down')
    await terminal.sees('▌ Derby')
    terminal.play({ hallway: { type: 'room', room: aRoom(12) } })
    terminal.play({ hallway: { type: 'room-ended', roomId: roomId(0), by: null, at } })
    await terminal.sees('new Room 12')
    expect(await terminal.sees(/Morning sit +ended/)).toContain('▌ Derby')
  })

  it('raises a hand, is invited, accepts, speaks and mutes', async () => {
    await open('listener')
    await terminal.sees('LISTENING')
    terminal.press('h')
    await terminal.sees('Your question')
    terminal.type('How long?')
    terminal.press('Enter')
    await terminal.sees('HAND RAISED 2nd  How long?')
    const invitation = { by: 'Lena', expiresAt: new Date(Date.now() + 60_000).toISOString() }
    terminal.play({ you: { microphone: 'invited', invitation } })
    await terminal.sees(/INVITED TO SPEAK \(y\/n\) +by Lena · \d+ s left/)
    terminal.press('y')
    await terminal.sees(/ MUTED +you are on stage/)
    terminal.press('Space')
    await terminal.sees('MIC OPEN')
    terminal.press('Space')
    await terminal.sees(/ MUTED /)
    terminal.play({ you: { isTalkingWhileMuted: true } })
    await terminal.sees('you are talking')
    await tells({ command: { verb: 'hand', question: 'How long?' } })
  })

  it('shows news in words and a refusal as it was said', async () => {
    await open('moderator')
    await terminal.sees('MIC OPEN')
    const who = { participantId: 'p-0', name: 'Omar', handle: 'omar', isYou: false }
    terminal.play({ event: { at, type: 'hand-raised', ...who, question: 'How long?', position: 1 } })
    await terminal.sees('Omar raised a hand, first in line: How long?')
    terminal.press('x')
    await terminal.sees('The room does not allow that.')
  })

  it('admits a hand and asks before removing somebody', async () => {
    await open('moderator')
    await terminal.sees('Hands 3')
    terminal.press('Tab', 'Tab', 'Enter')
    await terminal.sees('admit to the stage')
    terminal.press('a')
    await tells({ command: { verb: 'stage', action: 'admit', who: 'p-0' } })
    terminal.press('Enter', 'r')
    await terminal.sees('Remove Omar? They cannot come back.')
    terminal.press('y')
    await tells({ command: { verb: 'stage', action: 'kick', who: 'p-0' } })
  })

  it('tells who ended the room and offers what comes next', async () => {
    await open('hallway')
    await terminal.sees('Derby')
    terminal.press('Enter')
    await terminal.sees('LISTENING')
    terminal.play({ seat: { connection: { status: 'left', reason: 'room-ended', by: 'Lena' } } })
    await terminal.sees('Lena ended the room.')
    terminal.press('Enter')
    await terminal.sees('Derby')
  })

  it('explains an empty house and an absent server', async () => {
    await open('empty')
    await terminal.sees('Press n to start a room')
    terminal.close()
    await open('offline')
    await terminal.sees(/does not answer[\s\S]*Next try in \d+ s/)
  })

  it('counts the seconds of a lost connection and never says open meanwhile', async () => {
    await open('moderator')
    await terminal.sees('MIC OPEN')
    terminal.play({
      seat: { connection: { status: 'reconnecting', since: new Date().toISOString(), cause: 'no network' } },
    })
    await terminal.sees('RECONNECTING 1 s')
    expect(await terminal.sees('RECONNECTING 2 s')).not.toContain('MIC OPEN')
  })

  it('takes pasted text as text: into a question, never as keys', async () => {
    await open('listener')
    await terminal.sees('LISTENING')
    terminal.paste('hLq\ny')
    terminal.press('h')
    await terminal.sees('Your question (may stay empty)')
    terminal.paste('two\nlines')
    await terminal.sees('two lines')
    terminal.press('Enter')
    await tells({ command: { verb: 'hand', question: 'two lines' } })
    expect(terminal.told()).toHaveLength(1)
  })

  it('draws anew at any size, down to one cell', async () => {
    await open('moderator', 120, 40)
    await terminal.sees('May I share how it went yesterday at t')
    terminal.resize(40, 15)
    await terminal.sees(/^ MIC OPEN .*\n space mute .*\? keys/m)
    terminal.resize(1, 1)
    await eventually(() => terminal.screen().trim().length <= 2, { withinMs: 5000, what: 'one cell' })
    terminal.resize(80, 24)
    await terminal.sees(/^ Morning sit .* not recorded\n(.*\n){21} MIC OPEN .*\n space mute .*\? keys/)
  })

  it('writes nothing while nobody speaks', async () => {
    await open('listener')
    await terminal.sees('LISTENING')
    const quiet = aSeat('listener').participants.map((one) => ({ ...one, isSpeaking: false, levelDb: -100 }))
    terminal.play({ seat: { participants: quiet } })
    await terminal.sees('······ open')
    const written = terminal.written()
    for (let turn = 0; turn < 20; turn += 1)
      terminal.play({ seat: { participants: quiet.map((one) => ({ ...one, levelDb: -70 - turn })) } })
    // A change that shows, so that the quiet ones before it are known to be through.
    terminal.play({ event: { at, type: 'room-changed', title: 'After' } })
    await terminal.sees('The room is now called After.')
    expect(terminal.written() - written).toBeLessThan(200)
  })

  it('has no colours without them, and still marks an open microphone', async () => {
    await open('plain')
    await terminal.sees('Derby')
    expect(terminal.screen(true)).not.toMatch(/\u001b\[[0-9;]*3[0-7]m/)
    terminal.press('Enter')
    await terminal.sees('LISTENING')
    terminal.play({ you: { microphone: 'open', role: 'speaker' } })
    await terminal.sees('MIC OPEN')
    expect(terminal.screen(true)).toMatch(/7m(\u001b\[[0-9;]*m)* MIC OPEN /)
  })

  describe('gives the terminal back', () => {
    it('after q, with the question in between', async () => {
      await open('listener')
      await terminal.sees('LISTENING')
      terminal.press('q')
      await terminal.sees('Leave Morning sit?')
      terminal.press('y')
      await isRestored('exit 0')
      expect(terminal.told()).toContainEqual({ command: { verb: 'leave' } })
    })

    it('after going on in the background, and says how to come back', async () => {
      await open('listener')
      await terminal.sees('LISTENING')
      terminal.press('q')
      await terminal.sees('keep listening')
      terminal.press('b')
      await isRestored('Still in Morning sit. roomtone attach shows it again')
      expect(terminal.told()).not.toContainEqual({ command: { verb: 'leave' } })
    })

    it('after Ctrl+C, having left the room', async () => {
      await open('listener')
      await terminal.sees('LISTENING')
      terminal.press('C-c')
      await isRestored('exit 130')
      expect(terminal.told()).toContainEqual({ command: { verb: 'leave' } })
    })

    for (const signal of ['SIGTERM', 'SIGHUP', 'SIGINT'] as const)
      it(`after ${signal}`, async () => {
        await open('listener')
        await terminal.sees('LISTENING')
        process.kill(terminal.pid(), signal)
        await isRestored('exit 130')
      })

    it('after an error that nobody caught, which is then told', async () => {
      await open('moderator')
      await terminal.sees('MIC OPEN')
      terminal.play({ crash: 'a hole in the floor' })
      await isRestored('threw: a hole in the floor')
    })

    it('while stopped by Ctrl+Z, and takes it again with fg', async () => {
      await open('moderator')
      await terminal.sees('MIC OPEN')
      terminal.press('C-z')
      await isRestored('Stopped')
      terminal.type('fg')
      terminal.press('Enter')
      await terminal.sees('MIC OPEN')
      terminal.press('Space')
      await terminal.sees(/ MUTED /)
    })
  })

  it('ends when its terminal does', async () => {
    await open('listener')
    await terminal.sees('LISTENING')
    const pid = terminal.pid()
    terminal.hangUp()
    await eventually(() => execFileSync('ps', ['-o', 'pid=', '-p', `${pid},1`], { encoding: 'utf8' }).trim() === '1', {
      withinMs: 10_000,
      what: 'the process is gone',
    })
  })
})
