import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { listSeats } from '../../src/client/seat.ts'
import { eventually } from '../support/eventually.ts'
import { watchSound } from '../support/heard-sound.ts'
import { cleanEnvironment, login, roomtone, roomtoneBin, startRoomtone, throwawayHome } from '../support/roomtone.ts'
import { openTerminal, type Terminal, tmuxMissing } from '../support/tmux.ts'

// The built program in real terminals, on its own server. Ana moderates in silence, Omar's microphone is a tone, and Wei's
// speaker is a pipe into this test: whatever sounds there is Omar.
describe.skipIf(tmuxMissing)('the full screen on a real server', () => {
  let place: ReturnType<typeof throwawayHome>
  const open: { close: () => void }[] = []
  beforeAll(async () => {
    place = throwawayHome()
    for (const device of ['microphone', 'speaker'])
      expect(await run('config', 'set', device, 'none')).toMatchObject({ code: 0 })
    mkdirSync(folderOf('omar'))
    writeFileSync(join(folderOf('omar'), 'roomtone.yaml'), 'microphone: tone:880\n')
  })
  afterEach(() => {
    for (const one of open.splice(0)) one.close()
  })
  afterAll(() => place.close())

  const folderOf = (name: string) => join(place.home, name)
  const run = (...args: string[]) => roomtone(args, { home: place.home })
  const terminal = (args: string, folder = place.home, columns = 80, rows = 24): Terminal => {
    const opened = openTerminal({
      folder: place.home,
      command: `cd ${folder} && ${process.execPath} ${roomtoneBin} ${args}; echo "exit $?"`,
      size: { columns, rows },
      env: { ...cleanEnvironment(), ROOMTONE_HOME: place.home },
    })
    open.push(opened)
    return opened
  }
  /** Somebody new: number, name, code, up to the hallway. */
  const signIn = async (who: Terminal, phone: string, name: string) => {
    // A server starts first.
    await who.sees('Sign in with your phone number', 60_000)
    await fill(who, phone)
    await who.sees('How shall others call you?')
    await fill(who, name)
    const code = /Your code: (\d+)/.exec(await who.sees(/Your code: \d+/))![1]!
    await fill(who, code === '000000' ? '111111' : '000000')
    await who.sees('not the code')
    await fill(who, code)
  }
  const fill = async (who: Terminal, text: string) => {
    who.type(text)
    await who.sees(text)
    who.press('Enter')
  }
  /** What the chosen person's menu offers by that key. */
  const act = async (who: Terminal, key: string, label: string) => {
    who.press('Enter')
    await who.sees(label)
    who.press(key)
  }

  it('takes a new user from sign-in through a room with hands, stage and moderation, heard, and back to the hallway', async () => {
    const ana = terminal('')
    await signIn(ana, '+49 151 12345670', 'Ana')
    await ana.sees('Nobody is talking yet')
    ana.press('n')
    await ana.sees('Title of the new room')
    await fill(ana, 'Morning sit')
    await ana.sees(/You are in Morning sit as a moderator[\s\S]*NO MICROPHONE/)

    const omar = terminal('--profile omar', folderOf('omar'))
    await signIn(omar, '+49 151 12345671', 'Omar')
    await omar.sees('▌ Morning sit')
    omar.press('Enter')
    await omar.sees('LISTENING')
    await login(place.home, '+4915112345672', 'Wei', 'wei')
    const wei = startRoomtone(['join', 'Morning sit', '--profile', 'wei', '--speaker', 'stdout'], { home: place.home })
    open.push({ close: () => wei.kill('SIGTERM') })
    const ear = watchSound()
    wei.child.stdout!.on('data', ear.push)
    const sounds = async (what: string, sinceMs: number) => {
      await eventually(() => ear.soundAfter(sinceMs) !== undefined, { withinMs: 5_000, what: `sound: ${what}` })
      await eventually(() => Math.abs(ear.hzSince(sinceMs) - 880) < 5, { withinMs: 5_000, what: `880 Hz: ${what}` })
    }
    const isSilent = (what: string, sinceMs: number) =>
      eventually(() => ear.silenceAfter(sinceMs) !== undefined, { withinMs: 5_000, what: `silence: ${what}` })
    await ana.sees('Listening 2')

    omar.press('h')
    await omar.sees('Your question')
    await fill(omar, 'How long should I hold?')
    await omar.sees('HAND RAISED 1st')
    await ana.sees('Omar raised a hand, first in line: How long should I hold?')
    ana.press('Tab', 'Tab')
    await ana.sees('▌  1 Omar')
    await act(ana, 'o', 'lower the hand')
    await omar.sees('A moderator lowered your hand.')
    await act(ana, 'i', 'invite to speak')
    await omar.sees('INVITED TO SPEAK (y/n)')
    // A tone is open as soon as one may speak.
    let atMs = performance.now()
    omar.press('y')
    await omar.sees('MIC OPEN')
    await sounds('accepted', atMs)
    await ana.sees(/▸ Omar .*-\d+ dB/)

    atMs = performance.now()
    await act(ana, 'm', 'mute')
    await omar.sees('MUTED BY MODERATOR')
    await isSilent('muted by the moderator', atMs)
    await ana.sees(/Omar .*barred/)
    await act(ana, 'w', 'allow to speak again')
    await omar.sees(/ MUTED +you are on stage/)
    atMs = performance.now()
    omar.press('Space')
    await omar.sees('MIC OPEN')
    await sounds('allowed again', atMs)
    atMs = performance.now()
    await act(ana, 'e', 'send back to the audience')
    await omar.sees('LISTENING')
    await isSilent('demoted', atMs)

    omar.press('h', 'Enter')
    await omar.sees('HAND RAISED 1st')
    atMs = performance.now()
    await act(ana, 'a', 'admit to the stage')
    await omar.sees('MIC OPEN')
    await sounds('admitted', atMs)
    atMs = performance.now()
    await act(ana, 'r', 'remove from the room')
    await ana.sees('Remove Omar? They cannot come back.')
    ana.press('y')
    await omar.sees('You were removed by Ana.')
    await isSilent('removed', atMs)
    omar.press('Enter')
    await omar.sees('▌ Morning sit')
    omar.press('Enter')
    await omar.sees('A moderator removed you from this room.')

    ana.press('E')
    await ana.sees('End Morning sit for everyone?')
    ana.press('y')
    await ana.sees('You ended the room.')
    expect((await wei.ended).code).toBe(8)
    ana.press('Enter')
    await ana.sees('Nobody is talking yet')
    for (const who of [ana, omar]) {
      who.press('q')
      await who.sees('exit 0')
    }
  })

  it('shows one seat on two screens: what one does is seen on both, each in its own size, and one stays when the other goes', async () => {
    const room = JSON.parse((await run('room', 'create', 'Noon', '--json')).stdout)
    const joined = await run('join', room.id, '--detach', '--microphone', 'tone:440')
    expect(joined).toMatchObject({ code: 0 })
    const seats = await listSeats(join(place.home, 'run'))
    const attach = `attach --seat ${seats.find(({ title }) => title === 'Noon')!.seatId}`
    const small = terminal(attach)
    const large = terminal(attach, place.home, 120, 40)
    const both = (text: string | RegExp) => Promise.all([small.sees(text), large.sees(text)])
    await both('MIC OPEN')
    small.press('Space')
    await both(/ MUTED /)
    large.press('x')
    await both('DEAFENED')
    // What one looks at is one's own.
    large.press('?')
    await large.sees('raise or lower your hand')
    small.resize(40, 15)
    await small.sees(/^ Noon +1 here\n[\s\S]* MUTED /)
    expect(large.screen()).toContain('raise or lower your hand')
    expect(small.screen()).not.toContain('raise or lower')
    large.press('Escape')
    await large.sees('On stage')
    large.press('Space')
    await both('MIC OPEN')

    small.press('q')
    await small.sees('keep listening')
    small.press('b')
    await small.sees('exit 0')
    const again = terminal(attach)
    await again.sees('MIC OPEN')
    again.hangUp()
    large.press('Space')
    await large.sees(/ MUTED /)
    large.press('Space')
    await large.sees('MIC OPEN')
    large.press('L')
    await large.sees('leave and end it')
    large.press('y')
    await large.sees('exit 0')
  })
})
