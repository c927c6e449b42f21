import type { Readable } from 'node:stream'
import { audioError } from '../audio-error.ts'
import { openAudioFile } from '../files/open.ts'
import type { AudioSource } from '../frame.ts'
import { createSilenceSource } from './silence.ts'
import { createStdinSource } from './stdin.ts'
import { createToneSource } from './tone.ts'

export type SourceSpec =
  | { kind: 'none' }
  | { kind: 'tone'; hz: number; levelDb: number }
  | { kind: 'file'; path: string }
  | { kind: 'stdin' }
  | { kind: 'device'; name: string }

export type SourceDeps = {
  stdin: Readable
  openMicrophone(name: string): Promise<AudioSource>
}

/** Opens what a person wrote: `none`, `tone:HZ[@DBFS]`, `file:PATH`, `stdin` or the name of a device. */
export const openSource = async (text: string, { stdin, openMicrophone }: SourceDeps): Promise<AudioSource> => {
  const spec = parseSourceSpec(text)
  if (spec.kind === 'none') return createSilenceSource()
  if (spec.kind === 'tone') return createToneSource(spec)
  if (spec.kind === 'file') return openAudioFile(spec.path)
  if (spec.kind === 'stdin') return createStdinSource(stdin)
  return openMicrophone(spec.name)
}

export const parseSourceSpec = (text: string): SourceSpec => {
  const spec = text.trim()
  if (spec === '') throw audioError('bad-input', 'A microphone needs a name, or none, tone:HZ, file:PATH or stdin.')
  if (spec === 'none' || spec === 'stdin') return { kind: spec }
  if (spec.startsWith('tone:')) return parseTone(spec)
  if (spec.startsWith('file:')) {
    if (spec.length === 5) throw audioError('bad-input', 'file: needs a path after it, as in file:talk.opus.')
    return { kind: 'file', path: spec.slice(5) }
  }
  return { kind: 'device', name: spec }
}

const TONE = /^tone:(\d+(?:\.\d+)?)(?:@(-?\d+(?:\.\d+)?))?$/

const parseTone = (spec: string): SourceSpec => {
  const match = TONE.exec(spec)
  if (!match)
    throw audioError('bad-input', `A tone is written tone:HZ or tone:HZ@DBFS, as in tone:440@-20, not ${spec}.`)
  const hz = Number(match[1])
  const levelDb = match[2] === undefined ? -20 : Number(match[2])
  if (hz < 20 || hz > 20_000) throw audioError('bad-input', `A tone has 20 to 20000 Hz, not ${match[1]}.`)
  if (levelDb < -96 || levelDb > -3.01) {
    throw audioError('bad-input', `A tone has -96 to -3.01 dBFS (a sine at full scale), not ${match[2]}.`)
  }
  return { kind: 'tone', hz, levelDb }
}
