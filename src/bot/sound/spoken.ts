import { setTimeout as sleep } from 'node:timers/promises'
import type { SpeechCache } from './speech-cache.ts'

const PLACEHOLDER = /\{[a-z]\w*\}/i
const ALL_PLACEHOLDERS = /\{[a-z]\w*\}/gi
/** A text that is filled in on air waits so long for its rendering. */
const LATE_AFTER_MS = 2_500

/** Whether something in the text, `{listeners}` say, is known only on air. */
export const isLive = (text: string): boolean => PLACEHOLDER.test(text)

/**
 * What is said when what is known only on air comes too late: the sentences without placeholders, and if none is left,
 * the text without them.
 */
export const withoutPlaceholders = (text: string): string => {
  const kept = text.split(/(?<=[.!?…])\s+/).filter((sentence) => !isLive(sentence))
  if (kept.length > 0) return kept.join(' ')
  return text
    .replace(ALL_PLACEHOLDERS, '')
    .replace(/\s+([,.;:!?…])/g, '$1')
    .replace(/\s+/g, ' ')
    .trim()
}

/** The file to play for a text, and a sentence where it is not the text that was meant. */
export const spokenNow = async (
  speech: SpeechCache,
  { text, voice, fill }: { text: string; voice?: string | null; fill(text: string): string },
): Promise<{ path: string; warning?: string }> => {
  if (!isLive(text)) return { path: await speech.fileOf(text, voice) }
  const filled = fill(text)
  const plain = async (cause: string) => ({
    path: await speech.fileOf(withoutPlaceholders(text), voice),
    warning: `"${text}" was said without what is known only on air: ${cause}`,
  })
  if (isLive(filled)) return plain(`${PLACEHOLDER.exec(filled)![0]} is not known.`)
  const closing = new AbortController()
  try {
    const path = await Promise.race([
      speech.fileOf(filled, voice),
      sleep(LATE_AFTER_MS, undefined, { signal: closing.signal, ref: false }).catch(() => undefined),
    ])
    return path === undefined ? await plain('it was not rendered in time.') : { path }
  } catch (error) {
    return plain((error as Error).message)
  } finally {
    closing.abort()
  }
}
