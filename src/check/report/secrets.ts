const HIDDEN = '(secret)'
/** A JSON Web Token, whosever it is. */
const TOKEN = /\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*/g
/** Shorter ones would be found in ordinary words. */
const LEAST_LENGTH = 6

/**
 * Gives a function that takes secrets out of a text: these, as they are, in URLs and in base64 at any offset, and whatever
 * looks like a LiveKit access token.
 */
export const hidingSecrets = (secrets: readonly string[]): ((text: string) => string) => {
  const forms = [...new Set(secrets.filter(({ length }) => length >= LEAST_LENGTH).flatMap(formsOf))].sort(
    (a, b) => b.length - a.length,
  )
  return (text) => forms.reduce((rest, form) => rest.replaceAll(form, HIDDEN), text).replace(TOKEN, HIDDEN)
}

/** The same value, every string in it without secrets. */
export const withoutSecrets = <Value>(value: Value, hide: (text: string) => string): Value => {
  if (typeof value === 'string') return hide(value) as Value
  if (Array.isArray(value)) return value.map((one) => withoutSecrets(one, hide)) as Value
  if (value === null || typeof value !== 'object' || ArrayBuffer.isView(value)) return value
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, withoutSecrets(one, hide)])) as Value
}

const formsOf = (secret: string): string[] => [
  secret,
  encodeURIComponent(secret),
  ...[0, 1, 2].flatMap((offset) => base64At(secret, offset)),
]

/** What of a secret is the same whatever stands before and after it, where it begins at this place of three bytes. */
const base64At = (secret: string, offset: number): string[] => {
  const bytes = Buffer.concat([Buffer.alloc(offset), Buffer.from(secret)])
  const from = Math.ceil((offset * 8) / 6)
  const until = Math.floor((bytes.length * 8) / 6)
  const text = bytes.toString('base64').slice(from, until)
  return text.length < LEAST_LENGTH ? [] : [text, text.replaceAll('+', '-').replaceAll('/', '_')]
}
