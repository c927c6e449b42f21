import type { z } from 'zod'
import { type Located, partOf } from './document.ts'
import { meant, type Problem, quoted } from './problem.ts'

type Issue = z.core.$ZodIssue

/** Reads a part of a file by its schema; what is wrong is added to the problems, and undefined is returned. */
export const readShape = <T>(schema: z.ZodType<T>, located: Located, problems: Problem[]): T | undefined => {
  const read = schema.safeParse(located.value)
  if (read.success) return read.data
  problems.push(...read.error.issues.flatMap((issue) => problemsOf(issue, located, [])))
  return undefined
}

const problemsOf = (issue: Issue, located: Located, above: readonly PropertyKey[]): Problem[] => {
  const path = [...above, ...issue.path]
  const value = partOf(located, path).value
  const last = path.findLast((step) => typeof step === 'string')
  const key = last === undefined ? 'this file' : `"${String(last)}"`
  const told = (message: string) => [{ place: located.placeOf(path), message }]
  switch (issue.code) {
    case 'unrecognized_keys': {
      const messages = issue.message.split('\n')
      return issue.keys.map((unknown, index) => ({
        place: located.placeOf([...path, unknown], 'key'),
        message: messages[index] ?? `"${unknown}" is not known here`,
      }))
    }
    case 'invalid_type':
      if (value === undefined) return told(`${key} is missing${wish(issue)}`)
      if (issue.expected === 'string' && isUnquoted(value)) return told(unquoted(key))
      return told(`${key} wants ${types[issue.expected] ?? issue.expected}, not ${quoted(value)}${wish(issue)}`)
    case 'invalid_value': {
      const known = issue.values.map(String)
      if (known.length === 1) return told(`${key} must be ${known[0]}, not ${quoted(value)}`)
      return told(`${key} cannot be ${quoted(value)}:${meant(String(value), known)}`)
    }
    case 'invalid_union':
      if (isUnquoted(value)) return told(unquoted(key))
      return (
        ofUnion(issue, located, path) ?? told(saidOf(issue) ?? `${key} wants ${wantedBy(issue)}, not ${quoted(value)}`)
      )
    case 'invalid_key':
    case 'invalid_element':
      return issue.issues.flatMap((inner) => problemsOf(inner, located, path))
    case 'too_small':
    case 'too_big':
      return told(saidBySchema(issue) ?? boundOf(issue, key))
    default:
      return told(issue.message)
  }
}

/** Of the shapes it could have, those that it has but for something inside. */
const ofUnion = (issue: z.core.$ZodIssueInvalidUnion, located: Located, path: readonly PropertyKey[]) => {
  const near = issue.errors.filter(isNear)
  const best = near.sort((a, b) => a.length - b.length)[0]
  return best?.flatMap((inner) => problemsOf(inner, located, path))
}

const isNear = (branch: readonly Issue[]): boolean =>
  branch.every(
    (inner) =>
      inner.path.length > 0 ||
      (inner.code === 'invalid_union' ? inner.errors.some(isNear) : !/^invalid_(type|value)$/.test(inner.code)),
  )

/** What the schema says itself, or one of its shapes. */
const saidOf = (issue: z.core.$ZodIssueInvalidUnion): string | undefined =>
  saidBySchema(issue) ??
  issue.errors
    .flat()
    .map((inner) => (inner.code === 'invalid_union' && inner.path.length === 0 ? saidBySchema(inner) : undefined))
    .find((said) => said !== undefined)

/** What any of the shapes would be: `a text, a list or false`. */
const wantedBy = (issue: z.core.$ZodIssueInvalidUnion): string => {
  const wanted = issue.errors.flat().flatMap((inner): string[] => {
    if (inner.path.length > 0) return []
    if (inner.code === 'invalid_union') return [wantedBy(inner)]
    if (inner.code === 'invalid_value') return inner.values.map(String)
    return inner.code === 'invalid_type' ? [types[inner.expected] ?? inner.expected] : []
  })
  const distinct = [...new Set(wanted)]
  return [distinct.slice(0, -1).join(', '), ...distinct.slice(-1)].filter((part) => part !== '').join(' or ')
}

const types: Record<string, string> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'keys with values',
  record: 'keys with values',
  null: 'nothing',
}

/** `{quiet}` without quotes is a map in YAML. */
const isUnquoted = (value: unknown) =>
  typeof value === 'object' &&
  value !== null &&
  !Array.isArray(value) &&
  Object.values(value).length === 1 &&
  Object.values(value)[0] === null

const unquoted = (key: string) => `${key} wants quotes around a text that begins with {: "{…}"`

const saidBySchema = (issue: Issue) => (/^(Invalid|Too|Unrecognized)/.test(issue.message) ? undefined : issue.message)
const wish = (issue: Issue) => {
  const said = saidBySchema(issue)
  return said === undefined ? '' : `: ${said}`
}

const boundOf = (issue: z.core.$ZodIssueTooSmall | z.core.$ZodIssueTooBig, key: string) => {
  const [side, bound] = issue.code === 'too_small' ? ['at least', issue.minimum] : ['at most', issue.maximum]
  const unit = { string: ' characters', array: ' of them' }[issue.origin as string] ?? ''
  return `${key} takes ${side} ${bound}${unit}`
}
