import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { secondsOf } from '../support/heard-sound.ts'
import { type House, openHouse } from '../support/house.ts'
import { measureDelays, median, startPacatLoop } from '../support/marker-delay.ts'
import { portAudioMissing } from '../support/portaudio-entry.ts'
import { type Pulse, pulseMissing, startPulse } from '../support/pulse.ts'

const missing = pulseMissing ?? portAudioMissing
const MOUTH_TO_EAR_MS = 150

// Ana's microphone and Omar's speaker are null sinks of a private sound server; both seats run through PortAudio.
describe.skipIf(missing)(`from mouth to ear${missing ? ` (skipped: ${missing})` : ''}`, () => {
  let pulse: Pulse
  let house: House
  beforeAll(async () => {
    pulse = await startPulse()
    house = await openHouse(['Ana', 'Omar'], { env: pulse.env })
    await house.must('config', 'set', 'sound-engine', 'portaudio')
  })
  afterAll(async () => {
    await house?.close()
    await pulse?.close()
  })

  it('carries a tone at its pitch and level, and markers with at most 150 ms of delay', async () => {
    const loop = await startPacatLoop(pulse)
    const rig = await measureDelays(pulse, 6000)
    await loop.close()

    const room = await house.createRoom('Mouth and ear')
    const ana = await house.join('ana', room, '--microphone', pulse.microphone, '--unmuted', '--speaker', 'none')
    const omar = await house.join('omar', room, '--microphone', 'none', '--speaker', pulse.speaker)
    const tone = pulse.playTone(440, -20, 5000)
    await omar.tells('speaking', { where: ({ isSpeaking }) => isSpeaking })
    const seconds = secondsOf(await pulse.recordSpeaker(3000))
    await tone
    expect(seconds.length).toBeGreaterThanOrEqual(2)
    for (const { hz, levelDb } of seconds) {
      expect(Math.abs(hz - 440)).toBeLessThanOrEqual(1)
      expect(Math.abs(levelDb + 20)).toBeLessThanOrEqual(1)
    }

    const whole = await measureDelays(pulse, 12_000)
    const figures = { rig: describeDelays(rig), whole: describeDelays(whole) }
    console.log(`delay in ms: ${JSON.stringify(figures)}, without the rig ${Math.round(median(whole) - median(rig))}`)
    expect(rig.length).toBeGreaterThanOrEqual(8)
    expect(whole.length).toBeGreaterThanOrEqual(15)
    expect(median(whole) - median(rig)).toBeLessThanOrEqual(MOUTH_TO_EAR_MS)
    expect([...ana.told('device-lost'), ...omar.told('device-lost')]).toEqual([])
  })
})

const describeDelays = (delays: number[]) => ({
  count: delays.length,
  least: Math.round(Math.min(...delays)),
  median: Math.round(median(delays)),
  most: Math.round(Math.max(...delays)),
})
