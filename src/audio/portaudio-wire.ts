import type { DriftCounts } from './drift-buffer.ts'

/** Without `device` the stream goes to the default one. */
export type ChildRequest =
  | { mode: 'list' }
  | { mode: 'stream'; direction: 'input' | 'output'; device?: string; framesPerBuffer: number; channels: number }

/** `channels` is what the device can do at most; `sampleRate` its own, PortAudio converts. */
export type PortAudioDevice = { name: string; inputs: number; outputs: number; sampleRate: number }

export type PortAudioList = { devices: PortAudioDevice[]; defaultInput?: string; defaultOutput?: string }

export type ChildMessage =
  | ({ type: 'devices' } & PortAudioList)
  /** The device of that name has begun to take or give sound. */
  | { type: 'started'; device: string }
  /** Every 100 ms: buffers the device has taken or given so far, and the state of the play buffer. */
  | ({ type: 'beat'; callbacks: number; fillMs: number } & DriftCounts)
  | { type: 'failed'; code: 'no-naudiodon' | 'no-sound' | 'no-device' | 'device-failed'; message: string }

/** File descriptors of the child that carry s16le PCM. */
export const CAPTURED_FD = 3
export const TO_PLAY_FD = 4
