import { readdir, readFile, realpath, stat } from 'node:fs/promises'
import { basename, dirname, extname, isAbsolute, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { audioError } from '../../audio/audio-error.ts'
import { openDecoded } from '../../audio/files/decode.ts'
import type { SoundItem } from '../script/script.ts'

/** `notes`: what was left out and why, a sentence each. */
export type Expanded = { items: SoundItem[]; notes: string[] }

const AUDIO = new Set(['.opus', '.ogg', '.oga', '.mp3', '.wav', '.flac', '.webm', '.mka', '.m4a', '.mp4', '.aac'])
const LISTS = new Set(['.m3u', '.m3u8', '.pls'])
const MAX_FILES = 10_000
const MAX_DEPTH = 8
const MAX_LIST_BYTES = 4 * 1024 * 1024

/**
 * What there is to play in a folder (all below it, by name, numbers by their value; hidden and other files left out) or
 * in an M3U or PLS list, as it is now: ask again, and what was changed counts. Anything else is itself. Throws
 * `not-found`, `not-readable`, or `not-audio` where nothing is to be played.
 */
export const expand = async (item: SoundItem): Promise<Expanded> => {
  if (item.kind === 'folder') return expandFolder(item.path)
  if (item.kind === 'list') return expandList(item.path, [])
  return { items: [item], notes: [] }
}

/** The entries of an M3U or PLS list, in its order, as they are written. */
export const listEntries = (text: string): string[] => {
  const lines = text.replace(/^\ufeff/, '').split(/\r\n|\r|\n/)
  if (/^\s*\[playlist\]/i.test(text.replace(/^\ufeff/, '')))
    return lines
      .flatMap((line) => {
        const entry = /^\s*File(\d+)\s*=\s*(.+?)\s*$/i.exec(line)
        return entry ? [{ number: Number(entry[1]), entry: entry[2]! }] : []
      })
      .sort((a, b) => a.number - b.number)
      .map(({ entry }) => entry)
  return lines.map((line) => line.trim()).filter((line) => line !== '' && !line.startsWith('#'))
}

const expandFolder = async (folder: string): Promise<Expanded> => {
  const notes: string[] = []
  const files: string[] = []
  const seen = new Set<string>()

  const walk = async (path: string, depth: number) => {
    const real = await realpath(path)
    if (seen.has(real)) return
    seen.add(real)
    for (const entry of await readdir(path, { withFileTypes: true })) {
      const child = join(path, entry.name)
      if (entry.name.startsWith('.')) continue
      const stats = entry.isSymbolicLink() ? await stat(child).catch(() => undefined) : entry
      if (stats?.isDirectory()) {
        if (depth < MAX_DEPTH) await walk(child, depth + 1)
        else notes.push(`${child} is left out: it lies more than ${MAX_DEPTH} folders deep.`)
      } else if (stats?.isFile()) files.push(child)
    }
  }

  await walk(folder, 0).catch((error) => Promise.reject(folderError(folder, error)))
  files.sort((a, b) => byName.compare(relative(folder, a), relative(folder, b)))
  const items: SoundItem[] = []
  for (const path of files) {
    if (items.length === MAX_FILES) {
      notes.push(`${folder} holds more than ${MAX_FILES} files; those after ${basename(path)} are left out.`)
      break
    }
    if (await isAudio(path)) items.push({ kind: 'file', path })
    else notes.push(`${path} is left out: it is not audio that can be played.`)
  }
  if (items.length === 0) throw audioError('not-audio', `${folder} holds no audio file that can be played.`)
  return { items, notes }
}

const byName = new Intl.Collator('en', { numeric: true })

/** By its name, and where that does not tell, by its content. */
const isAudio = async (path: string): Promise<boolean> => {
  const extension = extname(path).toLowerCase()
  if (AUDIO.has(extension)) return true
  if (LISTS.has(extension)) return false
  const decoded = await openDecoded(path).catch(() => undefined)
  await decoded?.close()
  return decoded !== undefined
}

const folderError = (folder: string, error: NodeJS.ErrnoException) => {
  if (error.code === 'ENOENT') return audioError('not-found', `There is no folder ${folder}.`, error)
  if (error.code === 'ENOTDIR') return audioError('not-found', `${folder} is not a folder.`, error)
  return audioError('not-readable', `${folder} cannot be read (${error.code}).`, error)
}

const expandList = async (path: string, above: string[]): Promise<Expanded> => {
  if (above.includes(path)) throw audioError('bad-input', `The list ${path} contains itself.`)
  const items: SoundItem[] = []
  const notes: string[] = []
  for (const entry of listEntries(await readList(path))) {
    const item = itemOf(entry, path)
    if (!item) notes.push(`${path} names ${entry}, which is neither a file nor an http address; it is left out.`)
    else if (item.kind !== 'list') items.push(item)
    else {
      const inner = await expandList(item.path, [...above, path])
      items.push(...inner.items)
      notes.push(...inner.notes)
    }
    if (items.length > MAX_FILES) throw audioError('bad-input', `The list ${path} has more than ${MAX_FILES} entries.`)
  }
  if (items.length === 0) throw audioError('not-audio', `The list ${path} names nothing to play.`)
  return { items, notes }
}

const readList = async (path: string): Promise<string> => {
  try {
    const { size } = await stat(path)
    if (size > MAX_LIST_BYTES) throw audioError('bad-input', `${path} is too long for a list of files.`)
    const bytes = await readFile(path)
    return decodeText(bytes)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'bad-input') throw error
    if (code === 'ENOENT' || code === 'ENOTDIR') throw audioError('not-found', `There is no list ${path}.`, error)
    if (code === 'EISDIR') throw audioError('bad-input', `${path} is a folder, not a list.`, error)
    throw audioError('not-readable', `${path} cannot be read (${code}).`, error)
  }
}

/** UTF-8, or what old programs wrote. */
export const decodeText = (bytes: Uint8Array): string => {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return new TextDecoder('windows-1252').decode(bytes)
  }
}

const itemOf = (entry: string, list: string): SoundItem | undefined => {
  if (/^https?:\/\//i.test(entry)) return URL.canParse(entry) ? { kind: 'url', url: entry } : undefined
  if (/^[a-z][a-z0-9+.-]+:\/\//i.test(entry) && !/^file:/i.test(entry)) return undefined
  const path = /^file:/i.test(entry) ? pathOfUrl(entry) : entry
  if (path === undefined) return undefined
  const absolute = isAbsolute(path) ? path : resolve(dirname(list), path)
  return { kind: LISTS.has(extname(absolute).toLowerCase()) ? 'list' : 'file', path: absolute }
}

const pathOfUrl = (url: string) => {
  try {
    return fileURLToPath(url)
  } catch {
    return undefined
  }
}
