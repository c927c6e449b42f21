import type { Readable } from 'node:stream'
import { openDecoded } from '../../audio/files/decode.ts'
import type { Channels } from '../../audio/frame.ts'
import type { OpenSound, OpenSoundAt, PlannedSound } from '../program/contract.ts'
import type { SoundItem, SpeechSettings } from '../script/script.ts'
import { BELL_FACTS, strikeBell } from './bell.ts'
import { createFileFacts, type SoundFacts } from './facts.ts'
import { type Expanded, expand } from './lists.ts'
import { measure as measureHere } from './measure.ts'
import { createMeasureProcess } from './measure-process.ts'
import { createSpeechCache } from './speech-cache.ts'
import { isLive, spokenNow, withoutPlaceholders } from './spoken.ts'
import { createStdin } from './stdin.ts'
import { openStream } from './stream.ts'
import { createStreamFacts } from './stream-facts.ts'

export type SoundsOptions = {
  /** Loudness and speech are kept here, for all sessions and all processes. */
  cacheFolder: string
  speech: SpeechSettings
  /** Fills in what is known only on air, `{listeners}`; what it leaves in place is left unsaid. */
  fill?(text: string): string
  /** Files are measured in a process of their own, for whoever makes sound meanwhile. */
  isOnAir?: boolean
  proxy?: { http?: string; https?: string; except?: string }
  stdin?: Readable
  /** The built children, where they are not the package's own. */
  entries?: { measure?: string; speech?: string }
}

/** What goes into a program: where sound comes from, and what is known of it before. */
export type Sounds = {
  /** Opens a sound at a media time; throws a sentence, with a `code`. */
  open: OpenSoundAt
  /**
   * What is to be known before the start. Renders speech and measures what was not yet measured; asked for together,
   * texts are rendered together. Throws `not-found`, `not-readable`, `not-audio`, `speech-failed`, `bad-input` or
   * `unreachable`, each with a sentence.
   */
  factsOf(source: PlannedSound['source']): Promise<SoundFacts>
  /** The files of a folder or a list, as they are now; anything else is itself. */
  expand(item: SoundItem): Promise<Expanded>
  close(): Promise<void>
}

export const createSounds = (options: SoundsOptions): Sounds => {
  const { cacheFolder, fill = (text) => text, isOnAir = false, entries = {} } = options
  const measuring = isOnAir ? createMeasureProcess(entries.measure) : undefined
  const files = createFileFacts({
    cacheFolder: `${cacheFolder}/loudness`,
    measure: measuring?.measure ?? measureHere,
  })
  const streams = createStreamFacts({ cacheFolder: `${cacheFolder}/loudness`, proxy: options.proxy })
  const stdin = createStdin(options.stdin)
  const speech = createSpeechCache({
    cacheFolder: `${cacheFolder}/speech`,
    settings: options.speech,
    entry: entries.speech,
  })

  const factsOfSpeech = async (text: string, voice?: string | null): Promise<SoundFacts> => {
    const said = isLive(text) ? withoutPlaceholders(text) : text
    return { ...(await files.of(await speech.fileOf(said, voice))), title: null, artist: null }
  }

  return {
    open: async ({ source }, at) => {
      if (source.kind === 'shipped-bell') return openBell(at)
      if (source.kind === 'speech') {
        const { path, warning } = await spokenNow(speech, { ...source, fill })
        return openFile(path, at, warning)
      }
      const { item } = source
      if (item.kind === 'file') return openFile(item.path, at)
      if (item.kind === 'url') return openStream({ url: item.url, proxy: options.proxy, ...at })
      if (item.kind === 'stdin') return stdin.open(at.channels)
      throw notOne(item)
    },
    factsOf: async (source) => {
      if (source.kind === 'shipped-bell') return { ...UNKNOWN, ...BELL_FACTS }
      if (source.kind === 'speech') return factsOfSpeech(source.text, source.voice)
      const { item } = source
      if (item.kind === 'file') return files.of(item.path)
      if (item.kind === 'url') return streams.of(item.url)
      if (item.kind === 'stdin') return UNKNOWN
      throw notOne(item)
    },
    expand,
    close: async () => measuring?.close(),
  }
}

type At = { startMs: number; channels: Channels }

const openFile = async (path: string, at: At, warning?: string): Promise<OpenSound> => {
  const decoded = await openDecoded(path, at)
  return { pcm: decoded.pcm, warning: () => warning ?? decoded.warning(), close: decoded.close }
}

const openBell = async ({ startMs, channels }: At): Promise<OpenSound> => ({
  pcm: async function* () {
    const stroke = strikeBell().subarray(Math.round(startMs * 48))
    yield channels === 1 ? stroke : Int16Array.from({ length: stroke.length * 2 }, (_, i) => stroke[i >> 1]!)
  },
  warning: () => undefined,
  close: async () => {},
})

/** Of standard input nothing is known before it is played. */
const UNKNOWN: SoundFacts = {
  durationMs: null,
  channels: 1,
  lufs: null,
  truePeakDb: null,
  title: null,
  artist: null,
  warning: null,
}

const notOne = (item: SoundItem) =>
  Object.assign(new Error(`A ${item.kind} is not one sound; ask for what is in it.`), { code: 'bad-input' })
