import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  visit,
  type YAMLParseError,
} from 'yaml'
import type { Place, Problem } from './problem.ts'

/** A value of a file with the place of each of its parts; a part that is not there has the place of what it is missing in. */
export type Located = {
  value: unknown
  placeOf(path: readonly PropertyKey[], of?: 'key' | 'value'): Place
}

const MAX_CHARACTERS = 500_000
/** Aliases that multiply ("a billion laughs") are refused by the parser beyond this. */
const MAX_ALIASES = 100

/** One slip in YAML makes everything after it strange. */
const MAX_ERRORS = 3

/** YAML 1.2 (core) with positions. With problems the value is not to be used. */
export const readDocument = (file: string, text: string): { located: Located; problems: Problem[] } => {
  const start: Located = { value: undefined, placeOf: () => ({ file, line: 1, column: 1 }) }
  const refused = (message: string) => ({ located: start, problems: [{ place: start.placeOf([]), message }] })
  if (text.length > MAX_CHARACTERS) return refused('is too long: at most half a million characters')
  if (text.includes('\0')) return refused('is no text: it should be YAML')
  try {
    return parse(file, text)
  } catch (error) {
    // Recursion of the parser that went too deep, or aliases that multiply.
    const isDeep = error instanceof RangeError
    return refused(isDeep ? 'is nested too deeply' : `cannot be read: ${firstLine((error as Error).message)}`)
  }
}

const parse = (file: string, text: string) => {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, version: '1.2' })
  const placeAt = (offset: number): Place => {
    const { line, col } = lines.linePos(offset)
    return { file, line: Math.max(1, line), column: Math.max(1, col) }
  }
  const tooDeep = document.errors.filter(({ code }) => code === 'RESOURCE_EXHAUSTION')
  const problems = (tooDeep.length > 0 ? tooDeep.slice(0, 1) : document.errors.slice(0, MAX_ERRORS)).map((error) => ({
    place: placeAt(error.pos[0]),
    message: sentenceOf(error),
  }))
  if (problems.length === 0)
    visit(document, {
      Pair: (_, { key }) => {
        if (isScalar(key)) return
        problems.push({
          place: placeAt((key as Node | null)?.range?.[0] ?? 0),
          message: 'a key is a word, not a list or keys with values',
        })
        return visit.BREAK
      },
    })
  const value: unknown = problems.length > 0 ? undefined : document.toJS({ maxAliasCount: MAX_ALIASES })
  const placeOf: Located['placeOf'] = (path, of = 'value') => placeAt(offsetOf(document, path, of))
  return { located: { value, placeOf }, problems }
}

const yamlSentences: Record<string, string> = {
  BAD_SCALAR_START: 'a text that begins with @ or ` wants quotes around it',
  BLOCK_AS_IMPLICIT_KEY: 'a text with ": " in it wants quotes around it',
  BLOCK_IN_FLOW: 'a comma is missing between two keys, or quotes around a text with ": " in it',
  DUPLICATE_KEY: 'this key is there twice',
  RESOURCE_EXHAUSTION: 'is nested too deeply',
  MULTIPLE_DOCS: 'this is one document: there must be no second ---',
  TAB_AS_INDENT: 'tabs cannot indent YAML: use spaces',
}

const sentenceOf = ({ code, message }: YAMLParseError): string =>
  code === 'UNEXPECTED_TOKEN' && message.includes('flow-map-start')
    ? 'a text with { in it wants quotes around it'
    : (yamlSentences[code] ?? firstLine(message))

const firstLine = (message: string) => message.split('\n')[0]!.replace(/^\p{Lu}/u, (letter) => letter.toLowerCase())

/** Where the part begins that the path leads to; as far as the path leads. */
const offsetOf = (document: Document, path: readonly PropertyKey[], of: 'key' | 'value'): number => {
  let node = document.contents as Node | null
  let offset = node?.range?.[0] ?? 0
  for (const [depth, step] of path.entries()) {
    if (isAlias(node)) node = node.resolve(document) ?? null
    if (isMap(node)) {
      const pair = node.items.find((item) => keyText(item.key) === String(step))
      if (!pair) break
      const isKeyWanted = of === 'key' && depth === path.length - 1
      const next = pair.value as Node | null
      offset = (isKeyWanted ? undefined : next?.range?.[0]) ?? (pair.key as Node | null)?.range?.[0] ?? offset
      node = next
    } else if (isSeq(node)) {
      const next = node.items[Number(step)] as Node | undefined
      if (!next) break
      offset = next.range?.[0] ?? offset
      node = next
    } else break
  }
  return offset
}

const keyText = (key: unknown): string => String((key as { value?: unknown } | null)?.value ?? key)

/** A part of a value, by its path. */
export const partOf = (located: Located, path: readonly PropertyKey[]): Located => ({
  value: path.reduce<unknown>(
    (value, step) => (value as Record<PropertyKey, unknown> | undefined)?.[step],
    located.value,
  ),
  placeOf: (rest, of) => located.placeOf([...path, ...rest], of),
})

/** A map whose keys are taken from `over` where it has them. */
export const mergedOf = (base: Located, over: Located): Located => ({
  value: { ...(base.value as object), ...(over.value as object) },
  placeOf: (path, of) =>
    path.length > 0 && Object.hasOwn(over.value as object, path[0]!) ? over.placeOf(path, of) : base.placeOf(path, of),
})
