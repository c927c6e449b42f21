import type { Writable } from 'node:stream'
import { type AudioError, audioError } from '../audio-error.ts'
import type { AudioSink, Channels } from '../frame.ts'
import { createWavSink } from './file.ts'
import { createNoneSink } from './none.ts'
import { createStdoutSink } from './stdout.ts'

export type SinkSpec =
  | { kind: 'none' }
  | { kind: 'stdout' }
  | { kind: 'file'; path: string }
  | { kind: 'device'; name: string }

export type SinkDeps = {
  stdout: Writable
  openSpeaker(name: string): Promise<AudioSink>
  /** Of files and standard output; a device has its own. */
  channels?: Channels
  /** A full disk; the sink then takes frames and drops them. */
  onError?(error: AudioError): void
  /** Standard output was closed by its reader. */
  onClosed?(): void
}

/** Opens what a person wrote: `none`, `stdout`, `file:PATH.wav` or the name of a device. */
export const openSink = async (text: string, deps: SinkDeps): Promise<AudioSink> => {
  const { stdout, openSpeaker, channels = 1, onError, onClosed } = deps
  const spec = parseSinkSpec(text)
  if (spec.kind === 'none') return createNoneSink(channels)
  if (spec.kind === 'stdout') return createStdoutSink(stdout, { channels, onClosed })
  if (spec.kind === 'file') return createWavSink(spec.path, { channels, onError })
  return openSpeaker(spec.name)
}

export const parseSinkSpec = (text: string): SinkSpec => {
  const spec = text.trim()
  if (spec === '') throw audioError('bad-input', 'A speaker needs a name, or none, stdout or file:PATH.wav.')
  if (spec === 'none' || spec === 'stdout') return { kind: spec }
  if (!spec.startsWith('file:')) return { kind: 'device', name: spec }
  if (!/.\.wav$/i.test(spec.slice(5))) {
    throw audioError('bad-input', `Sound is written to a WAV file, as in file:out.wav, not ${spec}.`)
  }
  return { kind: 'file', path: spec.slice(5) }
}
