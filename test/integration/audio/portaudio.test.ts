import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type DeviceOptions, openMicrophone, openSpeaker } from '../../../src/audio/devices.ts'
import { createFrame } from '../../../src/audio/frame.ts'
import { eventually } from '../../support/eventually.ts'
import { buildPortAudioEntry, type PortAudioEntry, portAudioMissing } from '../../support/portaudio-entry.ts'
import { type Pulse, pulseMissing, startPulse } from '../../support/pulse.ts'
import { describeSound, feed, pull } from './device-signals.ts'

const missing =
  pulseMissing ?? portAudioMissing ?? (process.platform === 'linux' ? undefined : 'finds child processes by /proc')

describe.skipIf(missing)(`when sound fails under PortAudio${missing ? ` (skipped: ${missing})` : ''}`, () => {
  let pulse: Pulse
  let built: PortAudioEntry
  let options: DeviceOptions
  let opened: { close(): Promise<void> }[] = []
  const keep = <T extends { close(): Promise<void> }>(device: T): T => {
    opened.push(device)
    return device
  }

  beforeAll(async () => {
    pulse = await startPulse()
    built = await buildPortAudioEntry()
    options = { engine: 'portaudio', entry: built.entry, env: { ...process.env, ...pulse.env } }
  })

  afterEach(async () => {
    await Promise.all(opened.map((device) => device.close()))
    opened = []
  })

  afterAll(async () => {
    await pulse?.close()
    built?.close()
  })

  it('tells when the sound server dies, and plays and hears again when it is back', async () => {
    const microphone = keep(await openMicrophone('mic', options))
    const speaker = keep(await openSpeaker('speaker', options))
    const told: string[] = []
    microphone.onLost(() => told.push('microphone lost'))
    speaker.onLost(() => told.push('speaker lost'))
    microphone.onBack(() => told.push('microphone back'))
    speaker.onBack(() => told.push('speaker back'))
    const writing = setInterval(() => speaker.write(createFrame(2)), 10)

    const killedAt = performance.now()
    await pulse.kill()
    await eventually(() => told.includes('microphone lost') && told.includes('speaker lost'), {
      withinMs: 3_000,
      what: 'both directions told lost',
    })
    console.log(`sound server killed, both told after ${Math.round(performance.now() - killedAt)} ms`)
    expect(performance.now() - killedAt).toBeLessThan(1_500)
    await eventually(() => microphone.read(createFrame(1)) === 'starved', {
      withinMs: 1_000,
      what: 'the microphone gives silence',
    })

    await pulse.start()
    await eventually(() => told.includes('microphone back') && told.includes('speaker back'), {
      withinMs: 8_000,
      what: 'both directions told back',
    })
    clearInterval(writing)
    const tone = pulse.playTone(1_000, -20, 2_000)
    expect(Math.abs(describeSound(await pull(microphone, 1_500)).hz - 1_000)).toBeLessThan(1)
    await tone
    const recorded = pulse.recordSpeaker(1_500)
    await feed(speaker, { hz: 440, levelDb: -20, ms: 1_000 })
    expect(Math.abs(describeSound(await recorded).hz - 440)).toBeLessThan(1)
    expect(microphone.counts().losses).toBeGreaterThan(0)
  })

  it('comes back by itself when the PortAudio process is killed', async () => {
    const before = childrenRunning(built.entry)
    const speaker = keep(await openSpeaker('speaker', options))
    const told: string[] = []
    speaker.onLost(() => told.push('lost'))
    speaker.onBack(() => told.push('back'))
    const pid = childrenRunning(built.entry).find((each) => !before.includes(each))!
    process.kill(pid, 'SIGKILL')
    await eventually(() => told.join() === 'lost,back', { withinMs: 4_000, what: 'lost, then back' })
    const recorded = pulse.recordSpeaker(1_500)
    await feed(speaker, { hz: 440, levelDb: -20, ms: 1_000 })
    expect(describeSound(await recorded).audibleMs).toBeGreaterThan(800)
  })

  it('is lost and back when its process stands still', async () => {
    const before = childrenRunning(built.entry)
    const microphone = keep(await openMicrophone('mic', options))
    const told: string[] = []
    microphone.onLost(() => told.push('lost'))
    microphone.onBack(() => told.push('back'))
    const pid = childrenRunning(built.entry).find((each) => !before.includes(each))!
    process.kill(pid, 'SIGSTOP')
    await eventually(() => told.join() === 'lost,back', { withinMs: 4_000, what: 'lost, then back' })
    expect(childrenRunning(built.entry)).not.toContain(pid)
  })

  it('closes while the sound server is dead, and leaves no process', async () => {
    const speaker = await openSpeaker('speaker', options)
    await pulse.kill()
    await speaker.close()
    await pulse.start()
    expect(childrenRunning(built.entry)).toEqual([])
  })

  it('lets a program end by itself within 2 s after close', async () => {
    const program = await runOpenClose(
      built,
      pulse,
      'closing',
      'await Promise.all([microphone.close(), speaker.close()])',
    )
    const openedAt = performance.now()
    const [code, signal] = await once(program, 'exit')
    expect({ code, signal }).toEqual({ code: 0, signal: null })
    expect(performance.now() - openedAt).toBeLessThan(2_000)
  })

  it('ends the PortAudio processes when the program is killed', async () => {
    const program = await runOpenClose(built, pulse, 'killed', 'await new Promise(() => setInterval(() => {}, 1_000))')
    expect(childrenRunning(built.entry)).toHaveLength(2)
    program.kill('SIGKILL')
    await eventually(() => childrenRunning(built.entry).length === 0, { withinMs: 2_000, what: 'no child is left' })
  })
})

const runOpenClose = async (built: PortAudioEntry, pulse: Pulse, name: string, then: string): Promise<ChildProcess> => {
  const file = await built.script(
    name,
    `import { openMicrophone, openSpeaker } from './src/audio/devices.ts'
     const options = { engine: 'portaudio', entry: ${JSON.stringify(built.entry)} } as const
     const microphone = await openMicrophone('mic', options)
     const speaker = await openSpeaker('speaker', options)
     console.log('open')
     ${then}`,
  )
  const program = spawn(process.execPath, [file], {
    env: { ...process.env, ...pulse.env },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [first] = await Promise.race([once(program.stdout, 'data'), once(program, 'exit')])
  expect(String(first)).toBe('open\n')
  return program
}

/** Pids of processes whose command line names `entry`; those that ended but were not yet reaped have none. */
const childrenRunning = (entry: string): number[] =>
  readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name)) return []
    try {
      return readFileSync(`/proc/${name}/cmdline`, 'utf8').split('\0').includes(entry) ? [+name] : []
    } catch {
      return []
    }
  })
