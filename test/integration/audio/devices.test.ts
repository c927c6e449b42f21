import { existsSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type DeviceOptions, listDevices, openMicrophone, openSpeaker } from '../../../src/audio/devices.ts'
import { createFrame } from '../../../src/audio/frame.ts'
import { buildPortAudioEntry, portAudioMissing } from '../../support/portaudio-entry.ts'
import { type Pulse, pulseMissing, startPulse } from '../../support/pulse.ts'
import { describeSound, everyFrame, feed, pull } from './device-signals.ts'

const missing = pulseMissing ?? portAudioMissing
const hasCard = existsSync('/dev/snd/controlC0')
const skipped = missing ? ` (skipped: ${missing})` : ''

describe.skipIf(missing)(`sound devices by PortAudio${skipped}`, () => {
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
    const sound = describeSound(await pull(microphone, 2_000))
    await microphone.close()
    await played
    expect(Math.abs(sound.hz - 1_000)).toBeLessThan(1)
    expect(Math.abs(sound.levelDb + 20)).toBeLessThan(1)
    expect(sound.audibleMs).toBeGreaterThan(1_000)
  })

  it('plays 440 Hz as 440 Hz for as long as it was written', async () => {
    const speaker = await openSpeaker('speaker', options)
    const recorded = pulse.recordSpeaker(3_000)
    await feed(speaker, { hz: 440, levelDb: -20, ms: 2_000 })
    const { droppedMs, insertedMs, starvedMs } = speaker.counts()
    await speaker.close()
    const sound = describeSound(await recorded)
    expect(Math.abs(sound.hz - 440)).toBeLessThan(1)
    expect(Math.abs(sound.levelDb + 20)).toBeLessThan(1)
    // On a busy machine the device itself stands still at times, and the buffers then skip, and say so.
    expect(sound.audibleMs).toBeGreaterThan(1_900 - droppedMs)
    expect(sound.soundMs).toBeLessThan(2_250 + insertedMs + starvedMs)
  })

  it('opens the default device, and one whose name is only begun', async () => {
    const microphone = await openMicrophone('default', options)
    const speaker = await openSpeaker('SPEAK', options)
    await Promise.all([microphone.close(), speaker.close()])
    expect([microphone.engine, speaker.engine]).toEqual(['portaudio', 'portaudio'])
  })

  it('names the devices there are when the one asked for is not', async () => {
    await expect(openMicrophone('Yeti', options)).rejects.toMatchObject({
      code: 'no-device',
      message: expect.stringMatching(/^no microphone "Yeti"; there are: .*mic/),
    })
  })

  it.skipIf(hasCard)('finds no sound where there is neither card nor sound server, and says so', async () => {
    const env = { ...options.env, PULSE_SERVER: 'unix:/nowhere', ALSA_CONFIG_PATH: undefined }
    const nowhere: DeviceOptions = { entry: built.entry, env }
    const { engine, problem } = await listDevices(nowhere)
    expect(problem).toMatch(/^no sound device can be used \(.*finds no device.*\)$/)
    expect(engine).toBe('none')
    await expect(openSpeaker('default', nowhere)).rejects.toMatchObject({ code: 'no-sound' })
  })

  it.each([480, 240] as const)(
    'brings a click from the speaker back by the microphone, %i samples a block',
    async (size) => {
      const speaker = await openSpeaker('speaker', { ...options, framesPerBuffer: size })
      const microphone = await openMicrophone(pulse.loop, { ...options, framesPerBuffer: size })
      const delaysMs = await clickDelays(speaker, microphone)
      await Promise.all([speaker.close(), microphone.close()])
      const medianMs = delaysMs[delaysMs.length >> 1]!
      console.log(`speaker to microphone through a null sink, ${size} samples a block: median ${medianMs} ms`)
      expect(delaysMs).toHaveLength(6)
      // The quickest: a busy machine holds single clicks up, but not all.
      expect(delaysMs[0]).toBeLessThan(150)
    },
  )
})

/** Clicks 400 ms apart until six came back (on a busy machine some do not), by the frame in which they did; sorted. */
const clickDelays = async (
  speaker: Awaited<ReturnType<typeof openSpeaker>>,
  microphone: Awaited<ReturnType<typeof openMicrophone>>,
) => {
  const click = createFrame(2).fill(16_000, 0, 96)
  const silence = createFrame(2)
  const heard = createFrame(1)
  const delaysMs: number[] = []
  let sentAt: number | undefined
  await everyFrame(1_500, (index) => {
    const isClick = index >= 100 && index % 40 === 0
    speaker.write(isClick ? click : silence)
    if (isClick) sentAt = index * 480
    microphone.read(heard)
    const at = heard.findIndex((sample) => sample > 5_000)
    if (at < 0 || sentAt === undefined) return undefined
    delaysMs.push((index * 480 + at - sentAt) / 48)
    sentAt = undefined
    return delaysMs.length === 6 ? 'done' : undefined
  })
  return delaysMs.sort((a, b) => a - b)
}
