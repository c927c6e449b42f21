import { describe, expect, it } from 'vitest'
import { type Device, listDevices, openMicrophone, pickDevice } from '../../../src/audio/devices.ts'
import { commandOf, parseAlsaList, parsePulseList } from '../../../src/audio/pipe-player.ts'

const device = (name: string, id = name): Device => ({ id, name, isDefault: false, channels: 2, sampleRate: 48_000 })

describe('the device a name means', () => {
  const devices = [device('Headset'), device('headset mono'), device('Built-in', 'hw:0'), device('USB Audio')]

  it('is the one of exactly that name or id, before any that only holds it', () => {
    expect(pickDevice('Headset', devices, 'speaker').name).toBe('Headset')
    expect(pickDevice('hw:0', devices, 'speaker').name).toBe('Built-in')
  })

  it('is found whatever the case, and by a part that only one holds', () => {
    expect(pickDevice('usb AUDIO', devices, 'speaker').name).toBe('USB Audio')
    expect(pickDevice('mono', devices, 'speaker').name).toBe('headset mono')
  })

  it('is refused with the candidates when a part is held by more than one', () => {
    expect(() => pickDevice('head', devices, 'microphone')).toThrow(
      'no microphone "head"; more than one is called so: Headset, headset mono',
    )
  })

  it('is refused with what there is when nothing holds it', () => {
    expect(() => pickDevice('Yeti', devices.slice(2), 'microphone')).toThrow(
      'no microphone "Yeti"; there are: Built-in, USB Audio',
    )
    expect(() => pickDevice('Yeti', [], 'speaker')).toThrow('no speaker "Yeti"; there is none')
    expect(() => pickDevice('', devices, 'speaker')).toThrow(expect.objectContaining({ code: 'no-device' }))
  })
})

describe('sound switched off', () => {
  it('lists nothing and says why', async () => {
    expect(await listDevices({ engine: 'none' })).toEqual({
      engine: 'none',
      inputs: [],
      outputs: [],
      problem: 'no sound device can be used (sound is switched off)',
    })
  })

  it('refuses a microphone with the code no-sound', async () => {
    await expect(openMicrophone('default', { engine: 'none' })).rejects.toMatchObject({ code: 'no-sound' })
  })

  it('says of a device that was named that it is not there', async () => {
    await expect(openMicrophone('Yeti', { engine: 'none' })).rejects.toMatchObject({
      code: 'no-device',
      message: expect.stringContaining('no microphone "Yeti"'),
    })
  })
})

describe('programs that carry sound', () => {
  it('reads what pactl lists', () => {
    const text =
      '0\tspeaker\tmodule-null-sink.c\ts16le 2ch 48000Hz\tIDLE\n3\tmono.44\tPipeWire\tfloat32le 1ch 44100Hz\tRUNNING\n'
    expect(parsePulseList(text, 'mono.44')).toEqual([
      { id: 'speaker', name: 'speaker', isDefault: false, channels: 2, sampleRate: 48_000 },
      { id: 'mono.44', name: 'mono.44', isDefault: true, channels: 1, sampleRate: 44_100 },
    ])
  })

  it('reads what aplay lists, the default device always among them', () => {
    const text = 'null\n    Discard all samples\nhw:CARD=PCH,DEV=0\n    HDA Intel PCH\n    Direct\n'
    expect(parseAlsaList(text).map((each) => each.name)).toEqual(['default', 'hw:CARD=PCH,DEV=0'])
  })

  it('names the device only when it is not the default one', () => {
    const stream = { direction: 'output', channels: 2 } as const
    expect(commandOf('pacat', { ...stream, device: 'headset' }).slice(-2)).toEqual(['-d', 'headset'])
    expect(commandOf('pacat', { ...stream, device: undefined })).not.toContain('-d')
    expect(commandOf('sox', { ...stream, direction: 'input', device: 'default' })[0]).toBe('rec')
  })
})
