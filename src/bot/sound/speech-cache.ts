import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openDecoded } from '../../audio/files/decode.ts'
import type { SpeechSettings } from '../script/script.ts'
import { speak } from '../speech.ts'
import { createDiskCache } from './disk-cache.ts'
import { speakByCommand } from './speech-command.ts'

export type SpeechCacheOptions = {
  cacheFolder: string
  settings: SpeechSettings
  /** The built child that speaks with flite, when it is not the package's own. */
  entry?: string
  /** How long a command may take for one text. */
  withinMs?: number
}

export type SpeechCache = {
  /** The file in which this text is spoken, in the settings' own voice unless said; rendered if it is not yet there. */
  fileOf(text: string, voice?: string | null): Promise<string>
}

/** The voices that flite has built in. */
const FLITE_VOICES = ['slt', 'rms', 'awb', 'kal', 'kal16']
const MAX_CACHE_BYTES = 256 * 1024 * 1024
/** A child is good for so many texts: it has a minute. */
const BATCH = 16
/** A text that takes long does not hold up those after it. */
const AT_ONCE = 4

type Order = { text: string; voice: string; key: string; resolve(path: string): void; reject(error: Error): void }

/**
 * Spoken texts on disk, by engine, voice, pace and text. What is asked for together is rendered together. Errors have
 * code `speech-failed` (the engine did not, in one sentence) or `bad-input` (no such voice).
 */
export const createSpeechCache = (options: SpeechCacheOptions): SpeechCache => {
  const { cacheFolder, settings, entry, withinMs = 30_000 } = options
  const { engine, stretch } = settings
  const cache = createDiskCache({ folder: cacheFolder, suffix: '.wav', maxBytes: MAX_CACHE_BYTES })
  const asked = new Map<string, Promise<string>>()
  const orders: Order[] = []
  let rendering = 0

  const renderFlite = async (batch: Order[], folder: string) => {
    const { voice } = batch[0]!
    if (!FLITE_VOICES.includes(voice)) throw noSuchVoice(voice)
    return speak(
      batch.map(({ text }) => text),
      { folder, voice, stretch, entry },
    )
  }

  const renderByCommand = async (command: string[], { text, voice }: Order, folder: string) => {
    const out = join(folder, 'speech.wav')
    await speakByCommand({ command, text, voice, stretch, out, withinMs })
    return [out]
  }

  /** The texts that are spoken next: flite takes several of one voice at once. */
  const nextBatch = () => {
    const first = orders[0]!
    const ofVoice = orders.findIndex(({ voice }) => voice !== first.voice)
    const most = engine.kind === 'flite' ? BATCH : 1
    return orders.splice(0, Math.min(most, ofVoice < 0 ? orders.length : ofVoice))
  }

  const render = async (batch: Order[]) => {
    const folder = await mkdtemp(join(tmpdir(), 'roomtone-speech-'))
    try {
      const files =
        engine.kind === 'flite'
          ? await renderFlite(batch, folder)
          : await renderByCommand(engine.command, batch[0]!, folder)
      for (const [i, { key, resolve, reject }] of batch.entries())
        await keep(key, files[i]!).then(() => resolve(cache.pathOf(key)), reject)
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  }

  const keep = async (key: string, file: string) => {
    const decoded = await openDecoded(file).catch((error: Error) =>
      Promise.reject(speechFailed(`what it wrote cannot be played: ${error.message.replace(file, 'it')}`)),
    )
    await decoded.close()
    await cache
      .write(key, await readFile(file))
      .catch(({ code }) => Promise.reject(speechFailed(`${cacheFolder} cannot be written (${code}).`)))
  }

  const renderMore = () => {
    if (orders.length === 0 || rendering === AT_ONCE) return
    rendering += 1
    const batch = nextBatch()
    void render(batch)
      .catch((error) => {
        for (const { reject } of batch) reject(error)
      })
      .finally(() => {
        rendering -= 1
        renderMore()
      })
    renderMore()
  }

  const order = (text: string, voice: string, key: string) =>
    new Promise<string>((resolve, reject) => {
      orders.push({ text, voice, key, resolve, reject })
      // What else is asked for in this turn belongs to the same batch.
      queueMicrotask(renderMore)
    })

  return {
    fileOf: (text, chosen) => {
      const voice = chosen ?? settings.voice
      const key = JSON.stringify([engine, voice, stretch, text])
      const spoken =
        asked.get(key) ?? cache.has(key).then((isThere) => (isThere ? cache.pathOf(key) : order(text, voice, key)))
      asked.set(key, spoken)
      // Once it is there the disk tells; a failure is tried again.
      spoken.then(
        () => asked.delete(key),
        () => asked.delete(key),
      )
      return spoken
    },
  }
}

const noSuchVoice = (voice: string) =>
  Object.assign(new Error(`The speech engine flite has no voice ${voice}; it has ${FLITE_VOICES.join(', ')}.`), {
    code: 'bad-input',
  })

const speechFailed = (message: string) =>
  Object.assign(new Error(`The speech engine failed: ${message}`), { code: 'speech-failed' })
