import { spawnSync } from 'node:child_process'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type DeviceOptions, listDevices, openMicrophone, openSpeaker } from '../../../src/audio/devices.ts'
import { createFrame } from '../../../src/audio/frame.ts'
import { eventually } from '../../support/eventually.ts'
import { type Pulse, pulseMissing, startPulse } from '../../support/pulse.ts'
import { describeSound, feed, pull } from './device-signals.ts'

const hasSox = spawnSync('sox', ['--version'], { stdio: 'ignore' }).status === 0

describe.skipIf(pulseMissing)(
  `sound devices by a program's pipe${pulseMissing ? ` (skipped: ${pulseMissing})` : ''}`,
  () => {
    let pulse: Pulse
    let env: NodeJS.ProcessEnv
    /** As where naudiodon is not built: its child cannot even be found. */
    const entry = '/nowhere/portaudio.js'

    beforeAll(async () => {
      pulse = await startPulse()
      env = { ...process.env, ...pulse.env }
    })

    afterAll(() => pulse?.close())

    const carriesSound = async (options: DeviceOptions, speakerName: string, microphoneName: string) => {
      const speaker = await openSpeaker(speakerName, options)
      const recorded = pulse.recordSpeaker(2_500)
      await feed(speaker, { hz: 440, levelDb: -20, ms: 1_500 })
      await speaker.close()
      const played = describeSound(await recorded)
      const microphone = await openMicrophone(microphoneName, options)
      const tone = pulse.playTone(1_000, -20, 2_000)
      const heard = describeSound(await pull(microphone, 1_500))
      await microphone.close()
      await tone
      return { engines: [speaker.engine, microphone.engine], played, heard }
    }

    it('lists the sinks and sources of pacat when PortAudio is missing, and says what is missing', async () => {
      const { engine, inputs, outputs, problem } = await listDevices({ entry, env })
      expect(engine).toBe('pacat')
      expect(inputs.filter((device) => device.isDefault).map((device) => device.name)).toEqual(['mic.monitor'])
      expect(outputs.map((device) => device.name)).toEqual(['speaker', 'mic'])
      expect(problem).toMatch(/PortAudio/)
    })

    it('carries sound by pacat when PortAudio is missing', async () => {
      const { engines, played, heard } = await carriesSound({ entry, env }, 'speaker', 'mic.mon')
      expect(engines).toEqual(['pacat', 'pacat'])
      expect(Math.abs(played.hz - 440)).toBeLessThan(1)
      expect(Math.abs(played.soundMs - 1_500)).toBeLessThan(150)
      expect(Math.abs(heard.hz - 1_000)).toBeLessThan(1)
    })

    it('carries sound by aplay and arecord', async () => {
      const { engines, played, heard } = await carriesSound({ engine: 'aplay', env }, 'speaker', 'mic')
      expect(engines).toEqual(['aplay', 'aplay'])
      expect(Math.abs(played.hz - 440)).toBeLessThan(1)
      expect(Math.abs(heard.hz - 1_000)).toBeLessThan(1)
    })

    it.skipIf(!hasSox)(`carries sound by SoX${hasSox ? '' : ' (skipped: needs sox)'}`, async () => {
      const { engines, played, heard } = await carriesSound({ engine: 'sox', env }, 'default', 'default')
      expect(engines).toEqual(['sox', 'sox'])
      expect(Math.abs(played.hz - 440)).toBeLessThan(1)
      expect(Math.abs(heard.hz - 1_000)).toBeLessThan(1)
    })

    it('keeps the delay bounded when more is written than is played', async () => {
      const speaker = await openSpeaker('speaker', { engine: 'pacat', env })
      for (let i = 0; i < 200; i++) speaker.write(createFrame(2))
      expect(speaker.counts().droppedMs).toBeGreaterThan(1_000)
      expect(speaker.latencyMs()).toBeLessThan(200)
      await speaker.close()
    })

    it('is lost when the sound server dies and back when it is back', async () => {
      const microphone = await openMicrophone('default', { engine: 'pacat', env })
      const told: string[] = []
      microphone.onLost((reason) => told.push(`lost: ${reason}`))
      microphone.onBack(() => told.push('back'))
      await pulse.kill()
      await eventually(() => told.length > 0, { withinMs: 1_500, what: 'lost is told' })
      await pulse.start()
      await eventually(() => told.includes('back'), { withinMs: 5_000, what: 'back is told' })
      expect(told[0]).toMatch(/^lost: \w+/)
      await microphone.close()
    })

    it('says in one sentence what is missing when there is no sound at all', async () => {
      const options: DeviceOptions = { entry, env: { PATH: '/nowhere' } }
      await expect(openSpeaker('default', options)).rejects.toMatchObject({
        code: 'no-sound',
        message: expect.stringMatching(/^no sound device can be used \(.+\)$/),
      })
      expect(await listDevices(options)).toMatchObject({ engine: 'none', inputs: [], outputs: [] })
    })
  },
)
