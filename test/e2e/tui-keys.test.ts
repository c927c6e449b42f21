import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { tmuxMissing } from '../support/tmux.ts'
import { buildTuiHarness, openTuiTerminal, type TuiTerminal } from '../support/tui.ts'

describe.skipIf(tmuxMissing)('the keyboard and what it opens, in a terminal', () => {
  let harness: Awaited<ReturnType<typeof buildTuiHarness>>
  let terminal: TuiTerminal
  beforeAll(async () => {
    harness = await buildTuiHarness()
  })
  afterAll(() => harness?.close())
  afterEach(() => terminal?.close())
  const open = async (scene: string, env: Record<string, string> = {}, columns = 80, rows = 24) => {
    terminal = await openTuiTerminal(harness, scene, { columns, rows }, env)
    await terminal.sees(scene === 'hallway' ? 'Derby' : /MIC OPEN|LISTENING/)
  }
  const tells = (wanted: unknown) =>
    eventually(
      () => {
        expect(terminal.told()).toContainEqual(wanted)
        return true
      },
      { withinMs: 10_000, what: `the UI asks for ${JSON.stringify(wanted)}` },
    )
  const talk = (on: boolean) => ({ command: { verb: 'talk', on } })

  it('opens a room by its link from the palette, and does a command by its name', async () => {
    await open('hallway')
    terminal.press(':')
    await terminal.sees('start a room of your own')
    terminal.type('https://h/r/1')
    await terminal.sees('▌ open “https://h/r/1”')
    terminal.press('Enter')
    await tells({ join: 'https://h/r/1' })
    await terminal.sees('LISTENING')
    terminal.press('F2')
    await terminal.sees('raise or lower your hand')
    terminal.type('hand')
    terminal.press('Enter')
    await terminal.sees('Your question')
  })

  it('goes by vi keys, by function keys, and by the same places of a keyboard without Latin letters', async () => {
    await open('hallway')
    terminal.type('jj')
    await terminal.sees('▌ Derby')
    terminal.press('F1')
    await terminal.sees('Keys')
    terminal.press('Escape')
    await terminal.sees('▌ Derby')
    terminal.type('л')
    await terminal.sees('▌ Baltic founders')
    terminal.press('Enter')
    await terminal.sees('LISTENING')
    terminal.type('р')
    await terminal.sees('Your question')
    terminal.type('рано?')
    terminal.press('Enter')
    await tells({ command: { verb: 'hand', question: 'рано?' } })
  })

  it('takes the keys of a file, and the usual ones with a word about a file that is wrong', async () => {
    await open('listener', { KEYS: '{"hand":"H"}' })
    await terminal.sees(/^ H hand/m)
    terminal.press('H')
    await terminal.sees('Your question')
    terminal.close()
    await open('listener', { KEYS: '{"hand":"L"}' })
    await terminal.sees('"L" would be both hand and leave; the keys are as usual')
    terminal.press('h')
    await terminal.sees('Your question')
  })

  it('is heard as long as a key is held, by the word of a terminal that tells of releases', async () => {
    await open('speaker')
    terminal.send('\u001b[?0u')
    await eventually(() => terminal.output().includes('\u001b[>31u'), {
      withinMs: 5000,
      what: 'releases are asked for',
    })
    terminal.send('\u001b[109;1:1;109u\u001b[109;1:3u')
    await terminal.sees(/ MUTED .*(\n.*)*t hold to talk/)
    terminal.send('\u001b[116;1:1;116u')
    await terminal.sees('MIC OPEN')
    terminal.send('\u001b[116;1:2;116u\u001b[116;1:2;116u')
    await tells(talk(true))
    expect(terminal.told()).not.toContainEqual(talk(false))
    terminal.send('\u001b[116;1:3u')
    await terminal.sees(/ MUTED /)
    terminal.send('\u001b[116;1:1;116u')
    await terminal.sees('MIC OPEN')
    // The window is left with the key down: its release goes elsewhere.
    terminal.send('\u001b[O')
    await terminal.sees(/ MUTED /)
    terminal.send('\u001b[99;5u')
    await terminal.sees('exit 130')
    expect(terminal.output()).toContain('\u001b[<u')
  })

  it('elsewhere is heard as long as the key repeats itself', async () => {
    await open('speaker')
    terminal.press('m')
    await terminal.sees(/ MUTED /)
    terminal.type('tttttt')
    await terminal.sees('MIC OPEN')
    await terminal.sees(/ MUTED /)
    expect(terminal.told().slice(-2)).toEqual([talk(true), talk(false)])
  })

  it('chooses devices by name on the running seat, and tries them where nobody hears it', async () => {
    await open('speaker')
    terminal.press('d')
    await terminal.sees(/▌ microphone +as the system has it +in use/)
    terminal.press('Down', 'Enter')
    await tells({ command: { verb: 'devices', microphone: 'Headset' } })
    await terminal.sees(/▌ microphone +Headset +in use/)
    terminal.press('m')
    await terminal.sees(/▁▂▃▅·· -23 dB +Speak: nobody else hears it/)
    terminal.press('l')
    await terminal.sees('You should hear yourself')
    terminal.press('t')
    await tells({ trying: 'tone' })
    terminal.press('Escape')
    await terminal.sees('On stage')
  })

  it("copies and opens the room's link without leaving it, and changes settings and name", async () => {
    await open('listener')
    terminal.press('c')
    await terminal.sees('Copied: https://example.test/r/00000000')
    const copied = Buffer.from('https://example.test/r/00000000').toString('base64')
    expect(terminal.output()).toContain(`\u001b]52;c;${copied}`)
    terminal.press('o')
    await tells({ opened: 'https://example.test/r/00000000' })
    terminal.press(',')
    await terminal.sees(/▌ colours +auto/)
    terminal.press('Enter')
    await terminal.sees(/▌ colours +dark/)
    terminal.close()
    await open('hallway')
    terminal.press('N')
    await terminal.sees('Your name Ana')
    terminal.type('stasia')
    terminal.press('Enter')
    await tells({ renamed: 'Anastasia' })
  })

  it('takes garbage and pasted megabytes for nothing, and goes on', async () => {
    await open('listener')
    const garbage = '\u001b[999;999Z\u001b[?1;2c\u001b]52;c;cm0gLXJm\u0007\u001bPq~~\u001b\\\u001b[<0;10;10M\u001b[201~'
    terminal.send(`${garbage}WZ089@#$%\u0000\u0001\u000b\u001c\u001f`.repeat(40))
    terminal.paste('hLqy\n'.repeat(600_000))
    terminal.press('h')
    await terminal.sees('Your question')
    expect(terminal.told()).toEqual([])
    terminal.paste('y'.repeat(3_000_000))
    await terminal.sees('yyyyyyyyyy')
    terminal.press('Enter')
    await tells({ command: { verb: 'hand', question: 'y'.repeat(140) } })
  })

  it('pages through ten thousand listeners and finds one by name', async () => {
    await open('crowd')
    await terminal.sees(/Listening 10000 · 1 to \d+/)
    terminal.press('Down', 'Down', 'Down')
    await terminal.sees('▌Name 1 ')
    terminal.press('PageDown')
    await terminal.sees(/Listening 10000 · (?!1 )\d+ to \d+/)
    terminal.press('End')
    await terminal.sees(/Listening 10000 · \d+ to 10000/)
    await terminal.sees('▌Name 10000')
    terminal.press('/')
    terminal.type('name 4321')
    await terminal.sees('▌Name 4321')
    terminal.resize(40, 15)
    await terminal.sees('▌Name 4321')
    terminal.resize(120, 40)
    await terminal.sees(/@n4321 · listener[\s\S]*▌Name 4321/)
  })

  it('draws in colours for the background that the terminal tells', async () => {
    await open('listener', { COLORTERM: 'truecolor' })
    expect(terminal.screen(true)).toMatch(/\u001b\[36m/)
    terminal.send('\u001b]11;rgb:ffff/ffff/ffff\u001b\\')
    await eventually(() => terminal.screen(true).includes('38;2;0;95;135'), {
      withinMs: 5000,
      what: 'colours for light',
    })
    terminal.send('\u001b]11;rgb:0000/0000/0000\u001b\\')
    await eventually(() => terminal.screen(true).includes('38;2;86;199;232'), {
      withinMs: 5000,
      what: 'colours for dark',
    })
  })
})
