import { isDeepStrictEqual } from 'node:util'
import { problemSchema } from '../../src/protocol/problem.ts'
import { type Route, routes } from '../../src/protocol/routes.ts'

/** Throws when an answer of the API is not what its route promises: a field too few, too many, or of another type. */
export const checkContract = (method: string, url: string, status: number, body: unknown): void => {
  const path = url.split('?', 1)[0]!
  const route = (Object.values(routes) as Route[]).find((each) => each.method === method && fits(each.path, path))
  if (!route) return
  const schema = status >= 400 ? problemSchema : route.answer
  const wanted = schema?.parse(body)
  // Parsing drops what the schema does not know.
  if (!isDeepStrictEqual(wanted, body))
    throw new Error(`${method} ${path} answered more than it promises: ${JSON.stringify(body)}`)
  if (status < 400 && status !== (route.answer ? (route.status ?? 200) : 204))
    throw new Error(`${method} ${path} answered ${status}`)
}

const fits = (pattern: string, path: string): boolean => new RegExp(`^${pattern.replace(/:\w+/g, '[^/]+')}$`).test(path)
