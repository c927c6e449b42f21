import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import type { Readable, Writable } from 'node:stream'
import type { DeviceProcess } from './device-process.ts'
import { bytesOf, wholeSamples } from './pcm-bytes.ts'
import { CAPTURED_FD, type ChildMessage, type ChildRequest, type PortAudioList, TO_PLAY_FD } from './portaudio-wire.ts'

export type PortAudioOptions = {
  /** The bundled child; dist/portaudio.js unless said. */
  entry?: string
  /** The child's whole environment; that of this process unless said. */
  env?: NodeJS.ProcessEnv
}

const LIST_MS = 5_000
/** Beyond this the child does not read, and what would come is too late anyway. */
const UNREAD_MS = 100

/** Asks a fresh child, as PortAudio sees only the devices that were there when it started. */
export const listPortAudio = (options: PortAudioOptions): Promise<PortAudioList> =>
  new Promise((resolve, reject) => {
    const child = startChild({ mode: 'list' }, options)
    const settle = (act: () => void) => {
      clearTimeout(timer)
      child.kill('SIGKILL')
      act()
    }
    const timer = setTimeout(() => settle(() => reject(failure('device-failed', 'PortAudio does not answer'))), LIST_MS)
    child.on('message', (message: ChildMessage) => {
      if (message.type === 'devices') settle(() => resolve(message))
      if (message.type === 'failed') settle(() => reject(failure(message.code, message.message)))
    })
    child.on('error', (error) => settle(() => reject(failure('device-failed', error.message))))
    child.on('exit', () => settle(() => reject(failure('device-failed', 'the PortAudio process ended early'))))
  })

export type PortAudioStream = Omit<Extract<ChildRequest, { mode: 'stream' }>, 'mode'>

/** One device in one direction. Rejects `started` with code `no-naudiodon`, `no-sound`, `no-device` or `device-failed`. */
export const startPortAudio = (
  stream: PortAudioStream,
  onCaptured: (samples: Int16Array) => void,
  options: PortAudioOptions,
): DeviceProcess => {
  const child = startChild({ mode: 'stream', ...stream }, options)
  const toPlay = child.stdio[TO_PLAY_FD] as Writable
  const captured = child.stdio[CAPTURED_FD] as Readable
  captured.on('data', wholeSamples(onCaptured))
  for (const pipe of [captured, toPlay]) pipe.on('error', () => {})

  let beat: Extract<ChildMessage, { type: 'beat' }> | undefined
  let device: string | undefined
  const bytesPerMs = 48 * stream.channels * 2
  const unreadMs = () => toPlay.writableLength / bytesPerMs
  let unreadDroppedMs = 0
  return {
    started: startOf(child),
    ended: new Promise((resolve) => {
      child.once('exit', () => resolve('the PortAudio process ended'))
      child.once('error', () => resolve('the PortAudio process did not start'))
    }),
    progress: () => beat?.callbacks ?? 0,
    bufferedMs: () => unreadMs() + (beat?.fillMs ?? 0),
    counts: () => ({
      droppedMs: (beat?.droppedMs ?? 0) + unreadDroppedMs,
      insertedMs: beat?.insertedMs ?? 0,
      starvedMs: beat?.starvedMs ?? 0,
    }),
    device: () => device,
    play: (frame) => {
      if (unreadMs() > UNREAD_MS) unreadDroppedMs += frame.length / stream.channels / 48
      else toPlay.write(bytesOf(frame))
    },
    finish: () => (stream.direction === 'output' ? toPlay.end() : child.kill('SIGKILL')),
    kill: () => child.kill('SIGKILL'),
  }

  function startOf(process: ChildProcess) {
    return new Promise<void>((resolve, reject) => {
      process.on('message', (message: ChildMessage) => {
        if (message.type === 'beat') beat = message
        if (message.type === 'started') {
          device = message.device
          resolve()
        }
        if (message.type === 'failed') {
          reject(failure(message.code, message.message))
          process.kill('SIGKILL')
        }
      })
      process.on('error', (error) => reject(failure('device-failed', error.message)))
      process.on('exit', () => reject(failure('device-failed', 'the PortAudio process ended early')))
    })
  }
}

/** Terminal output of PortAudio and ALSA is swallowed; a crash log of naudiodon stays out of the working folder. */
const startChild = (request: ChildRequest, { entry, env }: PortAudioOptions): ChildProcess => {
  const file = entry ?? bundledEntry()
  if (!file || !existsSync(file)) throw failure('no-naudiodon', 'the program for PortAudio is not built')
  const child = spawn(process.execPath, [file], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe', 'ipc'],
    cwd: tmpdir(),
    env,
  })
  child.send(request, () => {})
  return child
}

const bundledEntry = (): string | undefined => {
  try {
    return createRequire(import.meta.url).resolve('roomtone/process/portaudio')
  } catch {
    return undefined
  }
}

const failure = (code: string, message: string) => Object.assign(new Error(message), { code })
