import { statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import type { SoundItem } from './script.ts'

type GivenItem = string | { file?: string; folder?: string; list?: string; url?: string; stdin?: true }

/** What a person wrote as a sound, relative to the file it stands in; undefined where it says nothing, or two things. */
export const itemOf = (given: GivenItem, scriptFile: string): SoundItem | undefined => {
  const at = (path: string) => resolve(dirname(scriptFile), path)
  if (typeof given === 'string') return itemOfText(given, at)
  const { file, folder, list, url, stdin } = given
  if ([file, folder, list, url, stdin].filter((each) => each !== undefined).length !== 1) return undefined
  if (folder !== undefined) return { kind: 'folder', path: at(folder) }
  if (list !== undefined) return isUrl(list) ? { kind: 'url', url: list } : { kind: 'list', path: at(list) }
  if (url !== undefined) return { kind: 'url', url }
  if (file !== undefined) return { kind: 'file', path: at(file) }
  return { kind: 'stdin' }
}

const itemOfText = (text: string, at: (path: string) => string): SoundItem => {
  if (text === 'stdin' || text === '-') return { kind: 'stdin' }
  if (isUrl(text)) return { kind: 'url', url: text }
  if (/\.(m3u8?|pls)$/i.test(text)) return { kind: 'list', path: at(text) }
  const path = at(text)
  return /[/\\]$/.test(text) || isFolder(path) ? { kind: 'folder', path } : { kind: 'file', path }
}

const isUrl = (text: string) => /^https?:\/\//i.test(text)

const isFolder = (path: string) => {
  try {
    return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true
  } catch {
    return false
  }
}
