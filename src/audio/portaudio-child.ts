// The only process that loads naudiodon. PortAudio prints on the terminal, and when a sound server dies it hangs for
// good; here that can be swallowed and killed. Speaks IPC with src/audio/portaudio.ts and moves PCM over extra pipes.
import { Socket } from 'node:net'
import { Worker } from 'node:worker_threads'
import type { IoStreamRead, IoStreamWrite } from 'naudiodon'
import { createDriftBuffer } from './drift-buffer.ts'
import { SAMPLE_RATE } from './frame.ts'
import { wholeSamples } from './pcm-bytes.ts'
import {
  CAPTURED_FD,
  type ChildMessage,
  type ChildRequest,
  type PortAudioDevice,
  type PortAudioList,
  TO_PLAY_FD,
} from './portaudio-wire.ts'

const BEAT_MS = 100
/** Blocks inside naudiodon between us and the device; with one, a late refill is heard. */
const QUEUED_BLOCKS = 2
/** What is written when the parent closes the pipe is still played, for at most this long. */
const LAST_SOUND_MS = 300
const PLAY_TARGET_MS = 20
const PLAY_MAX_MS = 120

type PortAudio = typeof import('naudiodon')
type StreamRequest = Extract<ChildRequest, { mode: 'stream' }>

const die = () => process.kill(process.pid, 'SIGKILL')

const say = (message: ChildMessage) => void process.send?.(message)

const serve = async (request: ChildRequest) => {
  const portAudio = await load()
  if (!portAudio) return
  try {
    if (request.mode === 'list') say({ type: 'devices', ...list(portAudio) })
    else if (request.direction === 'input') capture(portAudio, request)
    else play(portAudio, request)
  } catch (error) {
    say({ type: 'failed', code: codeOf(error), message: (error as Error).message })
  }
}

const load = async (): Promise<PortAudio | undefined> => {
  try {
    return await import('naudiodon')
  } catch (error) {
    say({ type: 'failed', code: 'no-naudiodon', message: (error as Error).message.split('\n')[0]! })
    return undefined
  }
}

const codeOf = (error: unknown) => {
  const { code } = error as { code?: string }
  return code === 'no-sound' || code === 'no-device' ? code : 'device-failed'
}

const list = (portAudio: PortAudio): PortAudioList => {
  const all = portAudio.getDevices()
  const apis = portAudio.getHostAPIs()
  const api = apis.HostAPIs[apis.defaultHostAPI]
  return {
    devices: all.map((device) => ({
      name: device.name,
      inputs: device.maxInputChannels,
      outputs: device.maxOutputChannels,
      sampleRate: device.defaultSampleRate,
    })),
    defaultInput: all.find((device) => device.id === api?.defaultInput)?.name,
    defaultOutput: all.find((device) => device.id === api?.defaultOutput)?.name,
  }
}

/** An id that PortAudio does not know silently opens the default device, so the name is looked up at each open. */
const findDevice = (portAudio: PortAudio, request: StreamRequest) => {
  const { devices, defaultInput, defaultOutput } = list(portAudio)
  const wanted = request.device ?? (request.direction === 'input' ? defaultInput : defaultOutput)
  const most = (device?: PortAudioDevice) => (request.direction === 'input' ? device?.inputs : device?.outputs) ?? 0
  const id = devices.findIndex((device) => device.name === wanted && most(device) > 0)
  if (wanted === undefined) throw Object.assign(new Error('portaudio finds no device'), { code: 'no-sound' })
  if (id < 0) throw Object.assign(new Error(`${wanted} is not there`), { code: 'no-device' })
  return { id, name: wanted, opened: Math.min(request.channels, most(devices[id])) }
}

const streamOptions = (deviceId: number, channelCount: number, framesPerBuffer: number) => ({
  deviceId,
  sampleRate: SAMPLE_RATE,
  channelCount,
  sampleFormat: 16 as const,
  framesPerBuffer,
  maxQueue: QUEUED_BLOCKS,
  highwaterMark: framesPerBuffer * channelCount * 2,
  // An underrun is no reason to end the stream.
  closeOnError: false,
})

const capture = (portAudio: PortAudio, request: StreamRequest) => {
  const { id, name, opened } = findDevice(portAudio, request)
  const pipe = new Socket({ fd: CAPTURED_FD, readable: false, writable: true })
  pipe.on('error', die)
  const stream: IoStreamRead = portAudio.AudioIO({ inOptions: streamOptions(id, opened, request.framesPerBuffer) })
  let callbacks = 0
  stream.on('data', (block: Buffer) => {
    if (callbacks++ === 0) say({ type: 'started', device: name })
    // A parent that does not read gets the live edge later, not a backlog.
    if (pipe.writableLength > block.length * 10) return
    pipe.write(asChannels(block, opened, request.channels))
  })
  stream.start()
  const nothing = { fillMs: 0, droppedMs: 0, insertedMs: 0, starvedMs: 0 }
  setInterval(() => say({ type: 'beat', callbacks, ...nothing }), BEAT_MS)
}

const play = (portAudio: PortAudio, request: StreamRequest) => {
  const { id, name, opened } = findDevice(portAudio, request)
  const pipe = new Socket({ fd: TO_PLAY_FD, readable: true, writable: false })
  const buffer = createDriftBuffer({ channels: request.channels, targetMs: PLAY_TARGET_MS, maxMs: PLAY_MAX_MS })
  pipe.on('data', wholeSamples(buffer.write))
  pipe.on('error', die)
  pipe.on('end', () => endAfter(() => buffer.fillMs() === 0))

  const stream: IoStreamWrite = portAudio.AudioIO({ outOptions: streamOptions(id, opened, request.framesPerBuffer) })
  const block = Buffer.alloc(request.framesPerBuffer * request.channels * 2)
  const samples = new Int16Array(block.buffer, block.byteOffset, block.length / 2)
  let callbacks = 0
  // PortAudio's callback waits for us without end, so it gets silence when there is nothing. naudiodon copies the block.
  const next = () => {
    // The first few only fill naudiodon's queue.
    if (callbacks++ === QUEUED_BLOCKS + 2) say({ type: 'started', device: name })
    buffer.read(samples)
    stream.write(asChannels(block, request.channels, opened), next)
  }
  next()
  stream.start()
  setInterval(() => say({ type: 'beat', callbacks, fillMs: buffer.fillMs(), ...buffer.counts() }), BEAT_MS)
}

const endAfter = (played: () => boolean) => {
  const deadline = performance.now() + LAST_SOUND_MS
  let quietBeats = 0
  setInterval(() => {
    // The device still holds a few blocks after our buffer is empty.
    if (played()) quietBeats++
    if (quietBeats > 8 || performance.now() > deadline) die()
  }, 10)
}

/** For the device that has only one channel where two are wanted. */
const asChannels = (block: Buffer, from: number, to: number): Buffer => {
  if (from === to) return block
  const frames = block.length / 2 / from
  const out = Buffer.alloc(frames * to * 2)
  for (let i = 0; i < frames; i++) {
    const left = block.readInt16LE(i * from * 2)
    const mono = from === 1 ? left : Math.round((left + block.readInt16LE((i * from + 1) * 2)) / 2)
    for (let channel = 0; channel < to; channel++) out.writeInt16LE(mono, (i * to + channel) * 2)
  }
  return out
}

// A call into PortAudio can block for good; the thread ends the process all the same when the parent is gone.
const watchParent = () => {
  const code = `const parent = process.ppid
    setInterval(() => process.ppid !== parent && process.kill(process.pid, 'SIGKILL'), 500)`
  new Worker(code, { eval: true, stdin: false })
}

// Ctrl-C reaches the whole group; when to stop is the parent's to say.
for (const signal of ['SIGINT', 'SIGHUP', 'SIGTERM'] as const) process.on(signal, () => {})
process.on('disconnect', die)
// A parent that ended while this file was loading is told by no event.
if (!process.connected) die()
process.on('uncaughtException', (error) => {
  say({ type: 'failed', code: 'device-failed', message: error.message })
})
process.once('message', (request) => serve(request as ChildRequest))
if (process.platform !== 'win32') watchParent()
