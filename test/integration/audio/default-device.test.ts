import { appendFileSync, readFileSync, writeFileSync } from 'node:fs'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { startFrameClock } from '../../../src/audio/clock.ts'
import {
  type DeviceOptions,
  type Microphone,
  openMicrophone,
  openSpeaker,
  type Speaker,
} from '../../../src/audio/devices.ts'
import { createFrame } from '../../../src/audio/frame.ts'
import { createToneSource } from '../../../src/audio/sources/tone.ts'
import { eventually } from '../../support/eventually.ts'
import { type SoundWatch, watchSound } from '../../support/heard-sound.ts'
import { buildPortAudioEntry, type PortAudioEntry, portAudioMissing } from '../../support/portaudio-entry.ts'
import { type Pulse, pulseMissing, startPulse } from '../../support/pulse.ts'
import { describeSound, pull } from './device-signals.ts'

const engines = portAudioMissing ? (['pacat'] as const) : (['portaudio', 'pacat'] as const)
const skipped = pulseMissing ? ` (skipped: ${pulseMissing})` : ''

describe.skipIf(pulseMissing)(`the device that a stream is on${skipped}`, () => {
  let pulse: Pulse
  let configuration: Buffer
  let built: PortAudioEntry | undefined
  const open: { close(): void | Promise<void> }[] = []
  const keep = <T extends { close(): void | Promise<void> }>(one: T): T => {
    open.push(one)
    return one
  }
  const optionsOf = (engine: 'portaudio' | 'pacat', env: NodeJS.ProcessEnv = pulse.env): DeviceOptions => ({
    engine,
    entry: built?.entry,
    env: { ...process.env, ...env },
  })

  beforeAll(async () => {
    built = portAudioMissing ? undefined : await buildPortAudioEntry()
    pulse = await startPulse()
    configuration = readFileSync(pulse.env.ALSA_CONFIG_PATH)
  })
  afterEach(async () => {
    await Promise.all(open.splice(0).map((one) => one.close()))
    writeFileSync(pulse.env.ALSA_CONFIG_PATH, configuration)
    await pulse.makeDefault('sink', 'speaker')
    await pulse.makeDefault('source', 'mic.monitor')
    await pulse.unplugHeadset()
  })
  afterAll(async () => {
    await pulse?.close()
    built?.close()
  })

  const ear = (listen: Pulse['listen']) => {
    const sound = watchSound()
    keep({
      close: listen((samples) => sound.push(Buffer.from(samples.buffer, samples.byteOffset, samples.byteLength))),
    })
    return sound
  }
  /** Waits until the sink plays the tone, from now on. */
  const plays = async (sound: SoundWatch, hz: number, withinMs: number, what: string) => {
    const fromMs = performance.now()
    await eventually(() => sound.soundAfter(fromMs) !== undefined && Math.abs(sound.hzSince(fromMs) - hz) < 5, {
      withinMs,
      what: `${hz} Hz in the ${what}`,
    })
  }

  it.each(engines)('is the new default one once the system has another, by %s', async (engine) => {
    await pulse.plugHeadset()
    const [speakerEar, headsetEar] = [ear(pulse.listen), ear(pulse.listenHeadset)]
    const speaker = keep(await openSpeaker('default', optionsOf(engine)))
    const microphone = keep(await openMicrophone('default', optionsOf(engine)))
    const told = changesOf(speaker, microphone)
    keep(playTone(speaker, 440))
    void pulse.playTone(1_000, -20, 10_000)
    await plays(speakerEar, 440, 3_000, 'speaker')
    await hears(microphone, 1_000)

    await pulse.makeDefault('sink', 'headset')
    await pulse.makeDefault('source', 'headset.monitor')
    await plays(headsetEar, 440, 5_000, 'headset')
    await isSilent(speakerEar, 'speaker')
    // Its microphone hears what the headset plays.
    await hears(microphone, 440)
    expect(told).toEqual([])
  })

  // No sound server says so there: a machine whose default device is one of its own, as ALSA alone or macOS have it.
  it.skipIf(portAudioMissing)('is the new default one where no sound server moves it, by PortAudio', async () => {
    await pulse.plugHeadset()
    const [speakerEar, headsetEar] = [ear(pulse.listen), ear(pulse.listenHeadset)]
    const order = configureOrder(pulse)
    order('speaker', 'headset')
    const speaker = keep(await openSpeaker('default', optionsOf('portaudio')))
    const told = changesOf(speaker)
    keep(playTone(speaker, 440))
    await plays(speakerEar, 440, 3_000, 'speaker')
    order('headset', 'speaker')
    await plays(headsetEar, 440, 7_000, 'headset')
    await isSilent(speakerEar, 'speaker')
    expect(told).toEqual([])
  })

  it('stays the one that was named while the default changes, and is the default one while that is unplugged', async () => {
    await pulse.plugHeadset()
    const [speakerEar, headsetEar] = [ear(pulse.listen), ear(pulse.listenHeadset)]
    const speaker = keep(await openSpeaker('headset', optionsOf('pacat')))
    const told = changesOf(speaker)
    keep(playTone(speaker, 440))
    await plays(headsetEar, 440, 3_000, 'headset')
    await pulse.makeDefault('sink', 'headset')
    await pulse.makeDefault('sink', 'speaker')
    await plays(headsetEar, 440, 7_000, 'headset')
    await isSilent(speakerEar, 'speaker')
    expect(told).toEqual([])
    await pulse.unplugHeadset()
    await plays(speakerEar, 440, 5_000, 'speaker')
    await eventually(() => told.join() === 'replaced', { withinMs: 5_000, what: 'that it is replaced is told' })
    await pulse.plugHeadset()
    await eventually(() => told.join() === 'replaced,back', { withinMs: 7_000, what: 'that it is back is told' })
    await plays(headsetEar, 440, 2_000, 'headset')
  })

  it.skipIf(portAudioMissing)('is the default one while the named one does not answer, by PortAudio', async () => {
    // A second sound server stands for a card of its own: what is on it is gone with it.
    const card = await startPulse()
    keep({ close: card.close })
    addCard(pulse, card)
    const [speakerEar, cardEar] = [ear(pulse.listen), ear(card.listen)]
    const speaker = keep(await openSpeaker('card', optionsOf('portaudio')))
    const told = changesOf(speaker)
    keep(playTone(speaker, 440))
    await plays(cardEar, 440, 3_000, 'card')
    await card.kill()
    await plays(speakerEar, 440, 10_000, 'speaker')
    await card.start()
    await plays(cardEar, 440, 10_000, 'card')
    // A null sink that nobody has heard yet starts late, which may be one more loss.
    expect(told.slice(0, 3)).toEqual(['lost', 'replaced', 'back'])
    expect(told.at(-1)).toBe('back')
  })
})

const addCard = (pulse: Pulse, card: Pulse) =>
  appendFileSync(
    pulse.env.ALSA_CONFIG_PATH,
    `pcm.card { type pulse server "${card.env.PULSE_SERVER}" device "speaker" hint { show on description "card" } }\n`,
  )

/** Writes an ALSA configuration whose `default` cannot be opened: PortAudio takes the first of the others for it. */
const configureOrder = ({ env }: Pulse) => {
  const pcm = (name: string, server: string) =>
    `pcm.${name} { type pulse server "${server}" device "${name}" hint { show on description "${name}" } }\n`
  return (...names: string[]) =>
    writeFileSync(
      env.ALSA_CONFIG_PATH,
      names.map((name) => pcm(name, env.PULSE_SERVER)).join('') + pcm('!default', 'unix:/nowhere'),
    )
}

const isSilent = (sound: SoundWatch, what: string) =>
  eventually(() => sound.silenceAfter(performance.now(), 200) !== undefined, {
    withinMs: 2_000,
    what: `silence in the ${what}`,
  })

const hears = (microphone: Microphone, hz: number) =>
  eventually(
    async () => {
      const { hz: heardHz } = describeSound(await pull(microphone, 300))
      return Math.abs(heardHz - hz) < 10 || Promise.reject(new Error(`${heardHz} Hz`))
    },
    { withinMs: 5_000, what: `${hz} Hz in the microphone` },
  )

const playTone = (speaker: Speaker, hz: number) => {
  const tone = createToneSource({ hz })
  const [mono, stereo] = [createFrame(1), createFrame(2)]
  return startFrameClock({
    onFrame: () => {
      tone.read(mono)
      for (let i = 0; i < stereo.length; i++) stereo[i] = mono[i >> 1]!
      speaker.write(stereo)
    },
  })
}

const changesOf = (...streams: (Speaker | Microphone)[]) => {
  const told: string[] = []
  for (const { onLost, onReplaced, onBack } of streams) {
    onLost(() => told.push('lost'))
    onReplaced(() => told.push('replaced'))
    onBack(() => told.push('back'))
  }
  return told
}
