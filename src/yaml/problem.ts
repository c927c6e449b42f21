import { relative } from 'node:path'
import { cleanLine } from '../protocol/text.ts'

/** Where something stands in a file; 1 is the first line and column. */
export type Place = { file: string; line: number; column: number }

/** What is wrong with a file that a person wrote, where, and what is expected there: one sentence. */
export type Problem = { place: Place; message: string }

/** Code `bad-script`; `message` is the first problem with its place, and how many more there are. */
export type ScriptError = Error & { code: 'bad-script'; problems: readonly Problem[] }

/** All that is wrong, in the order of the files; at least one problem. */
export const scriptError = (problems: readonly Problem[], folder?: string): ScriptError => {
  const more = problems.length - 1
  const message = `${problemLine(problems[0]!, folder)}${more > 0 ? ` (and ${more} more)` : ''}`
  return Object.assign(new Error(message), { code: 'bad-script' as const, problems })
}

/** In the order of the file, the script's own before those of what it includes; the same is told once. */
export const inOrder = (problems: readonly Problem[], file: string): Problem[] => {
  const files = [...new Set([file, ...problems.map(({ place }) => place.file)])]
  const distinct = new Map(problems.map((problem) => [JSON.stringify(problem), problem]))
  return [...distinct.values()].sort(
    ({ place: a }, { place: b }) =>
      files.indexOf(a.file) - files.indexOf(b.file) || a.line - b.line || a.column - b.column,
  )
}

/** `morning.session.yaml:3:7: "evry" is no key of a cue: did you mean "every"?`; paths as seen from `folder`. */
export const problemLine = ({ place, message }: Problem, folder?: string): string =>
  `${placeText(place, folder)}: ${message}`

export const placeText = ({ file, line, column }: Place, folder?: string): string =>
  `${cleanLine(folder === undefined ? file : shorterOf(relative(folder, file), file))}:${line}:${column}`

const shorterOf = (seen: string, whole: string) => (seen !== '' && seen.length < whole.length ? seen : whole)

/** What somebody wrote, short enough to be quoted. */
export const quoted = (value: unknown): string => {
  if (Array.isArray(value)) return 'a list'
  if (value === null || value === undefined) return 'nothing'
  if (typeof value === 'object') return 'keys with values'
  const text = cleanLine(String(value))
  return `"${[...text].length > 40 ? `${[...text].slice(0, 39).join('')}…` : text}"`
}

/** ` did you mean "every"?` where something known is near, else what there is; begins with a space. */
export const meant = (word: string, known: readonly string[]): string => {
  const near = nearest(word, known)
  if (near !== undefined) return ` did you mean "${near}"?`
  return thereIs(known)
}

/** ` there is 5m, 10m`; begins with a space. */
export const thereIs = (known: readonly string[]): string =>
  known.length === 0 ? ' there is none' : ` there is ${known.slice(0, 24).join(', ')}`

const nearest = (word: string, known: readonly string[]): string | undefined => {
  const wanted = word.toLowerCase().slice(0, 60)
  const far = Math.min(2, Math.floor(wanted.length / 2))
  let best: { name: string; distance: number } | undefined
  for (const name of known) {
    const distance = editDistance(wanted, name.toLowerCase())
    if (distance <= far && distance < (best?.distance ?? Number.POSITIVE_INFINITY)) best = { name, distance }
  }
  return best?.name
}

/** Insertions, deletions, replacements and swaps of neighbours (optimal string alignment). */
const editDistance = (a: string, b: string): number => {
  let before: number[] = []
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const isSame = a[i - 1] === b[j - 1]
      next[j] = Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (isSame ? 0 : 1))
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        next[j] = Math.min(next[j]!, before[j - 2]! + 1)
    }
    before = row
    row = next
  }
  return row[b.length]!
}
