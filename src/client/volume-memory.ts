import { readFile } from 'node:fs/promises'
import type { Tuning, Tunings } from './room-tuning.ts'
import { withLock, writeWhole } from './shared-file.ts'

export type VolumeMemory = {
  /** What was remembered when it was opened. */
  tunings: Tunings
  /** One sentence: why nothing is remembered. The file is then left as it is. */
  problem?: string
  /** Rejects with one sentence where it cannot be written. What other seats remembered meanwhile stays. */
  remember(who: string, tuning: Tuning): Promise<void>
}

/** Those changed last are kept. */
const MAX_PEOPLE = 500
const MAX_NAME_LENGTH = 200

/** How loud somebody is for one account on one server, in a file of its own. Never rejects. */
export const openVolumeMemory = async (file: string): Promise<VolumeMemory> => {
  try {
    return { tunings: await read(file), remember: (who, tuning) => remember(file, who, tuning) }
  } catch (error) {
    const problem = `${sentenceOf(error, file)} Nobody's volume is remembered.`
    return { tunings: new Map(), problem, remember: async () => {} }
  }
}

/** Only this one is changed of what is there now: several seats write here. */
const remember = (file: string, who: string, tuning: Tuning): Promise<void> =>
  withLock(file, async () => {
    const tunings = await read(file)
    tunings.delete(who)
    const isUsual = tuning.volume === 100 && !tuning.isSilenced
    if (!isUsual && who.length <= MAX_NAME_LENGTH) tunings.set(who, tuning)
    const kept = [...tunings].slice(-MAX_PEOPLE)
    await writeWhole(
      file,
      kept.map(([name, { volume, isSilenced }]) => ({ who: name, volume, isSilenced })),
    )
  }).catch((error) => {
    throw new Error(`This volume holds for now, but is not remembered: ${sentenceOf(error, file)}`)
  })

const read = async (file: string): Promise<Map<string, Tuning>> => {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '[]'
    throw error
  })
  const entries = parseJson(text)
  if (!Array.isArray(entries) || !entries.every(isEntry)) throw damaged
  return new Map(entries.map(({ who, volume, isSilenced }) => [who, { volume, isSilenced }]))
}

const damaged = new Error('damaged')

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    throw damaged
  }
}

const isEntry = (value: unknown): value is Tuning & { who: string } => {
  const { who, volume, isSilenced } = (value ?? {}) as Record<string, unknown>
  const isVolume = typeof volume === 'number' && volume >= 0 && volume <= 200
  return typeof who === 'string' && isVolume && typeof isSilenced === 'boolean'
}

const sentenceOf = (error: unknown, file: string): string => {
  if (error === damaged) return `The file ${file} is damaged: mend it or delete it.`
  return `The file ${file} cannot be used: ${(error as NodeJS.ErrnoException).code ?? (error as Error).message}.`
}
