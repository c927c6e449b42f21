import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type DeviceOptions, listDevices, openMicrophone, openSpeaker } from '../../../src/audio/devices.ts'
import { createFrame } from '../../../src/audio/frame.ts'
import { eventually } from '../../support/eventually.ts'
import { buildPortAudioEntry, portAudioMissing } from '../../support/portaudio-entry.ts'
import { type Pulse, pulseMissing, startPulse } from '../../support/pulse.ts'
import { describeSound, feed, pull } from './device-signals.ts'

const missing = pulseMissing ?? portAudioMissing

describe.skipIf(missing)(`sound devices by PortAudio${missing ? ` (skipped: ${missing})` : ''}`, () => {
  let pulse: Pulse
  let built: Awaited<ReturnType<typeof buildPortAudioEntry>>
  let options: DeviceOptions

  beforeAll(async () => {
    pulse = await startPulse()
    built = await buildPortAudioEntry()
    options = { engine: 'portaudio', entry: built.entry, env: { ...process.env, ...pulse.env } }
  })

  afterAll(async () => {
    await pulse?.close()
    built?.close()
  })

  it('lists what there is by name, the default one marked', async () => {
    const { engine, inputs, outputs, problem } = await listDevices(options)
    expect({ engine, problem }).toEqual({ engine: 'portaudio', problem: undefined })
    expect(inputs.map((device) => device.name)).toContain('mic')
    expect(outputs.map((device) => device.name)).toContain('speaker')
    expect(outputs.filter((device) => device.isDefault)).toHaveLength(1)
  })

  it('gives the tone that is played into the microphone', async () => {
    const microphone = await openMicrophone('mic', options)
    const played = pulse.playTone(1_000, -20, 2_500)
    const heard = await pull(microphone, 2_000)
    const sound = describeSound(heard)
    expect(sound.hz).toBeCloseTo(1_000, -0.5)
    expect(sound.levelDb).toBeGreaterThan(-21)
    expect(sound.levelDb).toBeLessThan(-19)
    await microphone.close()
    await played
  })

  it('plays 440 Hz as 440 Hz for as long as it was written', async () => {
    const speaker = await openSpeaker('speaker', options)
    const recorded = pulse.recordSpeaker(3_000)
    await feed(speaker, { hz: 440, levelDb: -20, ms: 2_000 })
    await speaker.close()
    const sound = describeSound(await recorded)
    expect(sound.hz).toBeCloseTo(440, -0.5)
    expect(sound.soundMs).toBeGreaterThan(1_900)
    expect(sound.soundMs).toBeLessThan(2_100)
  })
})
