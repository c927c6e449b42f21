import { readFile } from 'node:fs/promises'
import { basename, dirname, resolve } from 'node:path'
import { type Located, readDocument } from '../../yaml/document.ts'
import { type Problem, quoted } from '../../yaml/problem.ts'
import { readShape } from '../../yaml/shape-problems.ts'
import { type PartShape, partShape, type SessionShape, sessionShape } from './shape.ts'

/** A file of a script that was read; `parts` are the files that it includes, by what it calls them. */
export type ScriptFile<S> = { file: string; located: Located; shape: S; parts: Map<string, ScriptFile<PartShape>> }
export type SessionFile = ScriptFile<SessionShape>

const MAX_FILES = 100

/**
 * Reads a script and all it includes. What is wrong with the files is added to the problems; undefined where there is
 * nothing to go on with. Throws the system's error where the script itself cannot be read.
 */
export const readScript = async (path: string, problems: Problem[]): Promise<SessionFile | undefined> => {
  const file = resolve(path)
  const text = await readFile(file, 'utf8')
  const parts = new Map<string, ScriptFile<PartShape>>()
  return readText(file, text, sessionShape, { parts, chain: [file], problems })
}

type Reading = { parts: Map<string, ScriptFile<PartShape>>; chain: readonly string[]; problems: Problem[] }

const readText = async <S extends PartShape>(
  file: string,
  text: string,
  shape: Parameters<typeof readShape<S>>[0],
  reading: Reading,
): Promise<ScriptFile<S> | undefined> => {
  const { problems } = reading
  const read = readDocument(file, text)
  problems.push(...read.problems)
  if (read.problems.length > 0) return undefined
  const { located } = read
  const shaped = readShape(shape, located, problems)
  if (shaped === undefined) return undefined
  const parts: ScriptFile<S>['parts'] = new Map()
  for (const { path, at } of includesOf(shaped)) {
    const part = await readPart(resolve(dirname(file), path), reading, (message) =>
      problems.push({ place: located.placeOf(at), message }),
    )
    if (part) parts.set(path, part)
  }
  return { file, located, shape: shaped, parts }
}

const includesOf = ({ include = [], cues = [] }: PartShape): { path: string; at: PropertyKey[] }[] => [
  ...include.map((path, index) => ({ path, at: ['include', index] })),
  ...cues.flatMap((cue, index) =>
    typeof cue.include === 'string' && cue.include !== ''
      ? [{ path: cue.include, at: ['cues', index, 'include'] }]
      : [],
  ),
]

const readPart = async (file: string, reading: Reading, refuse: (message: string) => void) => {
  const { parts, chain } = reading
  if (chain.includes(file)) {
    const round = [...chain.slice(chain.indexOf(file)), file].map((each) => basename(each)).join(' -> ')
    return void refuse(`includes itself: ${round}`)
  }
  const known = parts.get(file)
  if (known) return known
  if (parts.size >= MAX_FILES) return void refuse(`more than ${MAX_FILES} files are included`)
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => error)
  if (typeof text !== 'string') {
    const why = { ENOENT: 'there is no such file', EISDIR: 'it is a folder' }[text.code ?? ''] ?? text.code
    return void refuse(`${quoted(file)} cannot be included: ${why}`)
  }
  const part = await readText(file, text, partShape, { ...reading, chain: [...chain, file] })
  if (part) parts.set(file, part)
  return part
}
