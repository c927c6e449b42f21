/** The lines of an iCalendar file (RFC 5545, 3.1). */

/** `NAME;PARAM=value:value`, folded. The value is written as it is: see `textValue`. */
export const contentLine = (name: string, value: string, params: Record<string, string> = {}): string => {
  // A parameter cannot hold a quotation mark (3.2).
  const given = Object.entries(params).map(([key, param]) => {
    const plain = param.replace(/["\p{Cc}]/gu, "'")
    return `;${key}=${/[:;,]/.test(plain) ? `"${plain}"` : plain}`
  })
  return folded(`${name}${given.join('')}:${value}`)
}

/** Escaped as TEXT (3.3.11); control characters have no place in it. */
export const textValue = (text: string): string =>
  [...text.replace(/\r\n?/g, '\n')]
    .filter((letter) => letter === '\n' || !/\p{Cc}/u.test(letter))
    .join('')
    .replace(/[\\;,]/g, '\\$&')
    .replaceAll('\n', '\\n')

/** `PT36M` (3.3.6), to the second. */
export const durationValue = (durationMs: number): string => {
  const seconds = Math.round(durationMs / 1000)
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60]
  return `PT${parts.map((part, index) => (part === 0 ? '' : `${part}${'HMS'[index]}`)).join('') || '0S'}`
}

/** `20270301T070000`: a wall time, or an instant where `Z` is added. */
export const timeValue = (ms: number): string => new Date(ms).toISOString().slice(0, 19).replace(/[-:]/g, '')

const MAX_OCTETS = 75

/** No line is longer than 75 octets, and no character is cut in two. */
const folded = (line: string): string => {
  const lines = ['']
  let octets = 0
  for (const letter of line) {
    const length = new TextEncoder().encode(letter).length
    if (octets + length > MAX_OCTETS) {
      lines.push(' ')
      octets = 1
    }
    lines[lines.length - 1] += letter
    octets += length
  }
  return lines.join('\r\n')
}
