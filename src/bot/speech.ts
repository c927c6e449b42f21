import { fork } from 'node:child_process'
import { createRequire } from 'node:module'
import { onProcessEnd } from '../client/process-end.ts'
import type { SpeechAnswer, SpeechOrder } from './speech-child.ts'

export type SpeakOptions = {
  /** Where `0.wav`, `1.wav`, … are written, one for each line, mono 16 kHz. */
  folder: string
  /** A voice of flite: `slt`, `rms`, `awb`, `kal`. */
  voice?: string
  /** 1 is the voice's own pace, 1.3 a calm one. */
  stretch?: number
  /** The built child, when it is not the package's own. */
  entry?: string
}

const RENDER_WITHIN_MS = 60_000

/**
 * Speaks each line into a WAV file with flite (WebAssembly), in a child process, so that rendering does not hold up this
 * process's audio. Returns the files in order; throws with code `speech-failed`.
 */
export const speak = async (
  lines: string[],
  {
    folder,
    voice = 'slt',
    stretch = 1.2,
    entry = createRequire(import.meta.url).resolve('roomtone/process/speech'),
  }: SpeakOptions,
): Promise<string[]> => {
  const child = fork(entry, [], { stdio: ['ignore', 'ignore', 'ignore', 'ipc'] })
  const timer = setTimeout(() => child.kill('SIGKILL'), RENDER_WITHIN_MS)
  const answer = await new Promise<SpeechAnswer>((done) => {
    child.once('message', (message) => done(message as SpeechAnswer))
    child.once('error', (error) => done({ ok: false, message: error.message }))
    onProcessEnd(child, (how) => done({ ok: false, message: `the speech process ended (${how})` }))
    child.send({ lines, folder, voice, stretch } satisfies SpeechOrder)
  })
  clearTimeout(timer)
  if (!answer.ok) throw Object.assign(new Error(`speech failed: ${answer.message}`), { code: 'speech-failed' })
  return lines.map((_, index) => `${folder}/${index}.wav`)
}
