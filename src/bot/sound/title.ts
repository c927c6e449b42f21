import { basename, extname } from 'node:path'
import { cleanLine } from '../../protocol/text.ts'

/** What a face shows (protocol/program). */
const MAX_CHARACTERS = 120

/** A title or an artist's name from a file or a station, safe to show; null where nothing is left of it. */
export const cleanTitle = (text: string | undefined): string | null => {
  const characters = [...cleanLine((text ?? '').slice(0, MAX_CHARACTERS * 8))]
  if (characters.length <= MAX_CHARACTERS) return characters.join('') || null
  return `${characters
    .slice(0, MAX_CHARACTERS - 1)
    .join('')
    .trimEnd()}…`
}

/** A file without a title is shown by its name, without the ending and underscores. */
export const titleOfPath = (path: string): string | null =>
  cleanTitle(basename(path, extname(path)).replace(/_+/g, ' ')) ?? cleanTitle(basename(path))
