import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { frequencyOf } from '../../../src/audio/spectrum.ts'
import { headphonesHint } from '../../../src/client/headphones-hint.ts'
import { documents } from '../../support/cli-schema.ts'
import { eventually } from '../../support/eventually.ts'
import { secondsOf } from '../../support/heard-sound.ts'
import { type House, openHouse } from '../../support/house.ts'
import { type Pulse, pulseMissing, startPulse } from '../../support/pulse.ts'
import { roomtone, throwawayHome } from '../../support/roomtone.ts'

/** What the player holds back: only a machine that stands still for longer tears the sound without our doing. */
const PLAYER_MS = 500
const HEARD_MS = 6_000
const AUDIBLE = 200

const hasCard = existsSync('/dev/snd/controlC0')
const skipped = pulseMissing ? ` (skipped: ${pulseMissing})` : ''

// A private sound server with null sinks: a speaker, a microphone, and one that hears the speaker.
describe.skipIf(pulseMissing)(`devices${skipped}`, () => {
  let pulse: Pulse
  let house: House
  beforeAll(async () => {
    pulse = await startPulse()
    house = await openHouse(['Ana', 'Omar'], { env: pulse.env })
  })
  afterEach(() => house.leaveAll())
  afterAll(async () => {
    await house?.close()
    await pulse?.close()
  })

  const list = async () => documents['devices --json'].parse(JSON.parse(await house.must('devices', '--json')))
  const test = async (...name: string[]) =>
    documents['devices test --json'].parse(JSON.parse(await house.must('devices', 'test', ...name, '--json')))
  /** The names as the engine in use gives them: PortAudio where it was built, else PulseAudio's own. */
  const names = async () => {
    const { inputs, outputs } = await list()
    const called = (devices: typeof inputs, ending: RegExp) => devices.find(({ name }) => ending.test(name))!.name
    return { speaker: called(outputs, /speaker/i), mic: called(inputs, /mic/i), loop: called(inputs, /loop|speaker/i) }
  }

  it('are listed by name, with the ones in use', async () => {
    const { speaker, mic } = await names()
    expect(await list()).toMatchObject({ chosen: { microphone: 'default', speaker: 'default' } })
    const rows = (await house.must('devices')).trim().split('\n')
    const of = (kind: string) => rows.filter((row) => row.startsWith(`${kind} `)).map((row) => row.slice(kind.length))
    expect(of('speaker').filter((row) => row.trim().startsWith(speaker))).toHaveLength(1)
    expect(of('microphone').filter((row) => row.trim().startsWith(mic))).toHaveLength(1)
    for (const kind of ['speaker', 'microphone'])
      expect(of(kind).filter((row) => row.includes('in use'))).toHaveLength(1)
  })

  it('are tested: a tone on the speaker, its level and pitch in a microphone that hears it', async () => {
    const { speaker, mic, loop } = await names()
    await house.must('devices', 'use', speaker)
    await house.must('config', 'set', 'microphone', loop)
    const heard = await test()
    expect(heard).toMatchObject({ speaker, microphone: loop })
    expect(Math.abs(heard.frequencyHz - 440)).toBeLessThan(3)
    expect(heard.levelDb).toBeGreaterThan(-30)
    expect(await house.must('devices', 'test')).toMatch(
      /^speaker .*: played 440 Hz for 2 s\nmicrophone .*: -\d\d dBFS, and it hears the speaker\n$/,
    )
    // Louder than the tone of the test itself, which pacat plays into the sink of this name.
    const played = pulse.playTone(1000, -10, 8000)
    const spoken = await test(mic)
    await played
    expect(spoken.microphone).toBe(mic)
    expect(Math.abs(spoken.frequencyHz - 1000)).toBeLessThan(3)
    expect(spoken.levelDb).toBeGreaterThan(-30)
  })

  it('are taken by a running seat, which stays in its room', async () => {
    const { speaker } = await names()
    const room = await house.createRoom('New headphones')
    await house.join('ana', room, '--microphone', 'tone:440', '--speaker', 'none')
    const omar = await house.join('omar', room, '--microphone', 'none', '--speaker', 'none')
    await omar.tells('speaking', { where: ({ isSpeaking }) => isSpeaking })
    const before = pulse.recordSpeaker(500)
    expect(secondsOf(await before)).toEqual([])
    await house.must('devices', 'use', speaker)
    const [heard] = secondsOf(await pulse.recordSpeaker(3000))
    expect(Math.abs(heard!.hz - 440)).toBeLessThanOrEqual(1)
    const { stdout } = await omar.verb('status', '--json')
    expect(JSON.stringify(JSON.parse(stdout))).toContain(JSON.stringify({ name: speaker, status: 'ok' }))
    expect((await house.run('devices', 'use', 'no such thing')).code).toBe(6)
  })

  it('are used by a later join, once they were chosen by a part of their name', async () => {
    const { speaker } = await names()
    const chosen = await house.run('devices', 'use', speaker.slice(1, -1).toUpperCase())
    expect(chosen).toMatchObject({ code: 0, stdout: '', stderr: expect.stringContaining(`speaker: ${speaker}\n`) })
    expect(await house.must('config', 'get', 'speaker')).toBe(`${speaker}\n`)
    const room = await house.createRoom('Loud')
    await house.join('ana', room, '--microphone', 'tone:660', '--speaker', 'none')
    const omar = await house.join('omar', room, '--microphone', 'none')
    expect((await omar.state()).devices.speaker).toEqual({ name: speaker, status: 'ok' })
    await omar.tells('speaking', { where: ({ isSpeaking }) => isSpeaking })
    const heard = secondsOf(await pulse.recordSpeaker(2500))
    expect(heard.length).toBeGreaterThanOrEqual(1)
    // On a busy machine sound is torn, not out of tune.
    for (const { hz } of heard) expect(Math.abs(hz - 660)).toBeLessThan(10)
    expect(await house.run('devices', 'use', 'default')).toMatchObject({ code: 0 })
    expect((await list()).chosen).toEqual({ microphone: 'default', speaker: 'default' })
  })

  it('that are not there are 6, told with those there are', async () => {
    await house.must('devices', 'use', 'default')
    const { speaker, mic } = await names()
    const room = await house.createRoom('Quiet')
    for (const args of [
      ['devices', 'use', 'Yeti'],
      ['devices', 'test', 'Yeti'],
      ['join', room.id, '--profile', 'ana', '--microphone', 'none', '--speaker', 'Yeti'],
    ]) {
      const ran = await house.run(...args)
      expect(ran).toMatchObject({ code: 6, stdout: '', stderr: expect.stringContaining(speaker) })
      expect(ran.stderr.trim().split('\n')).toHaveLength(1)
    }
    expect((await house.run('devices', 'use', 'Yeti')).stderr).toContain(mic)
    expect((await list()).chosen).toEqual({ microphone: 'default', speaker: 'default' })
  })

  it('are replaced by the default one while unplugged, with one warning, and taken again, in a seat that stays', async () => {
    await pulse.plugHeadset()
    await house.must('config', 'set', 'sound-engine', 'pacat')
    const room = await house.createRoom('Loose plug')
    await house.join('ana', room, '--microphone', 'tone:440', '--speaker', 'none')
    const omar = await house.join('omar', room, '--microphone', 'none', '--speaker', 'headset')
    await omar.tells('speaking', { where: ({ isSpeaking }) => isSpeaking })
    await pulse.unplugHeadset()
    await omar.tells('device-lost', { where: ({ name }) => name === 'headset' })
    await omar.tells('warning', { where: ({ message }) => message.includes("system's default") })
    expect((await omar.state()).devices.speaker).toEqual({ name: 'headset', status: 'replaced' })
    expect(Math.abs(secondsOf(await pulse.recordSpeaker(2_000))[0]!.hz - 440)).toBeLessThan(5)
    await pulse.plugHeadset()
    await omar.tells('device-back', { where: ({ name }) => name === 'headset' })
    expect((await omar.state()).devices.speaker).toEqual({ name: 'headset', status: 'ok' })
    expect(omar.told('warning')).toHaveLength(1)
    await house.must('config', 'set', 'sound-engine', 'auto')
  })

  // As in docs/ssh.md, without the SSH between.
  it('are a player at the end of a pipe, too: heard within 2 s, no gap above 60 ms, and all text on stderr', async () => {
    const room = await house.createRoom('Pipe')
    await house.join('ana', room, '--microphone', 'tone:440', '--speaker', 'none')
    const played: number[] = []
    const stop = pulse.listen((samples) => played.push(...samples))
    const omar = house.start(['join', room.id, '--profile', 'omar', '--microphone', 'none', '--speaker', 'stdout'])
    const player = startPlayer(pulse)
    omar.child.stdout!.pipe(player.stdin!)
    await eventually(() => omar.stderr().includes('You are in Pipe'), { withinMs: 15_000, what: 'Omar is in the room' })
    const inRoomAt = played.length
    const begins = () => played.findIndex((sample) => Math.abs(sample) > AUDIBLE)
    const heardMs = () => (begins() < 0 ? 0 : (played.length - begins()) / 48)
    await eventually(() => heardMs() >= HEARD_MS, {
      withinMs: HEARD_MS + 10_000,
      what: `${HEARD_MS} ms of sound at the speaker`,
      everyMs: 200,
    })
    stop()
    player.kill()
    expect((begins() - inRoomAt) / 48).toBeLessThan(2_000)
    const sound = Int16Array.from(played.slice(begins()))
    expect(Math.abs(frequencyOf(sound) - 440)).toBeLessThan(1)
    expect(longestSilenceMs(sound)).toBeLessThan(60)
    expect(omar.stdout()).not.toContain('You are')
  })

  const both = () => ['--microphone', pulse.microphone, '--speaker', pulse.speaker]

  it('play a cue, the last one to its end', async () => {
    let soundMs = 0
    const stop = pulse.listen((samples) => {
      for (const sample of samples) if (Math.abs(sample) > 20) soundMs += 1 / 48
    })
    const isPlayed = (ms: number) =>
      eventually(() => soundMs > ms || Promise.reject(new Error(`${soundMs} ms`)), {
        withinMs: 5_000,
        what: `${ms} ms of sound`,
      })
    const room = await house.createRoom('Devices')
    const ana = await house.join('ana', room, ...both())
    expect((await ana.verb('unmute')).code).toBe(0)
    // Each less than its cue is long: a busy machine tears it.
    await isPlayed(120)
    soundMs = 0
    await house.must('room', 'end', room.id, '--profile', 'ana')
    expect((await ana.ended).code).toBe(8)
    await isPlayed(300)
    stop()
  })

  it('that are no headphones are told so once, unless that is switched off', async () => {
    const mark = join(house.home, 'state', 'headphones-hint')
    rmSync(mark, { force: true })
    const open = async () => {
      const room = await house.createRoom('Loudspeaker')
      const ana = await house.join('ana', room, ...both())
      expect((await ana.verb('unmute')).code).toBe(0)
      return ana
    }
    const first = await open()
    expect((await first.tells('warning')).message).toBe(headphonesHint)
    await house.leaveAll()
    await house.must('config', 'set', 'headphones-hint', 'off')
    rmSync(mark)
    const second = await open()
    await house.leaveAll()
    expect([second.told('warning'), existsSync(mark)]).toEqual([[], false])
  })

  it('are told to be gone when the sound server dies, and to be back', async () => {
    const room = await house.createRoom('Fragile')
    const ana = await house.join('ana', room, '--microphone', 'none')
    await pulse.kill()
    await ana.tells('device-lost', { where: ({ device }) => device === 'speaker' })
    await pulse.start()
    await ana.tells('device-back', { where: ({ device }) => device === 'speaker' })
  })
})

describe.skipIf(hasCard)('a machine without a sound device', () => {
  const place = throwawayHome()
  const nothing = mkdtempSync(join(tmpdir(), 'roomtone-nothing-'))
  afterAll(async () => {
    rmSync(nothing, { recursive: true })
    await place.close()
  })
  const silent = {
    PATH: nothing,
    PULSE_SERVER: `unix:${nothing}/none`,
    ALSA_CONFIG_PATH: undefined,
    XDG_RUNTIME_DIR: nothing,
  }
  const run = (...args: string[]) => roomtone(args, { home: place.home, env: silent })

  it('lists none and says why, and everything else goes on', async () => {
    const listed = documents['devices --json'].parse(JSON.parse((await run('devices', '--json')).stdout))
    expect(listed).toMatchObject({ engine: 'none', inputs: [], outputs: [] })
    expect(listed.problem).toMatch(/^no sound device can be used/)
    expect(await run('devices')).toMatchObject({ code: 0, stdout: '', stderr: `${listed.problem}\n` })
    expect(await run('devices', 'use', 'default')).toMatchObject({ code: 0 })
  })

  it('is told by doctor, which over SSH names the two ways to hear all the same', async () => {
    const doctorSays = async (env: Record<string, string>) => {
      const { stdout } = await roomtone(['doctor', '--json'], { home: place.home, env: { ...silent, ...env } })
      const { findings } = documents['doctor --json'].parse(JSON.parse(stdout))
      return findings.find(({ name }) => name === 'sound devices')!
    }
    expect(await doctorSays({})).toMatchObject({ status: 'warning' })
    expect((await doctorSays({})).mend).toBeUndefined()
    const { mend } = await doctorSays({ SSH_CONNECTION: '10.0.0.2 50000 10.0.0.1 22' })
    expect(mend).toContain('--speaker stdout')
    expect(mend).toContain('PULSE_SERVER')
  })

  it('is 1 for what needs one, in one sentence', async () => {
    for (const args of [['test'], ['test', 'Yeti'], ['use', 'Yeti']]) {
      const ran = await run('devices', ...args)
      expect(ran).toMatchObject({ code: 1, stdout: '', stderr: expect.stringMatching(/no sound device can be used/) })
      expect(ran.stderr.trim().split('\n')).toHaveLength(1)
    }
  })

  it('is 2 for a test of what is no device', async () => {
    await run('config', 'set', 'speaker', 'none')
    await run('config', 'set', 'microphone', 'tone:440')
    expect(await run('devices', 'test')).toMatchObject({
      code: 2,
      stderr: 'roomtone: neither tone:440 nor none is a device: say which, devices test NAME\n',
    })
  })
})

const startPlayer = ({ env }: Pulse): ChildProcess => {
  const format = ['--raw', '--format=s16le', '--rate=48000', '--channels=1', `--latency-msec=${PLAYER_MS}`]
  const player = spawn('pacat', [...format, '--device=speaker'], {
    env: { ...process.env, ...env },
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  player.stdin.on('error', () => {})
  return player
}

const longestSilenceMs = (samples: Int16Array): number => {
  let run = 0
  let longest = 0
  for (const sample of samples) {
    run = Math.abs(sample) > AUDIBLE ? 0 : run + 1
    longest = Math.max(longest, run)
  }
  return longest / 48
}
