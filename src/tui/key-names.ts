import type { Key } from 'ink'

const named: [keyof Key, string][] = [
  ['upArrow', 'up'],
  ['downArrow', 'down'],
  ['leftArrow', 'left'],
  ['rightArrow', 'right'],
  ['pageUp', 'pageup'],
  ['pageDown', 'pagedown'],
  ['home', 'home'],
  ['end', 'end'],
  ['return', 'enter'],
  ['escape', 'escape'],
  ['tab', 'tab'],
  ['backspace', 'backspace'],
  // Most terminals send DEL for the backspace key.
  ['delete', 'backspace'],
]

const controls: Record<string, string> = {
  '\r': 'enter',
  '\n': 'enter',
  '\t': 'tab',
  '\u007f': 'backspace',
  ' ': 'space',
}

/** Reads chunks of input; what is pasted comes as one `paste:` key, so that it is text and never commands. */
export const keyReader = (): ((input: string, key: Key) => string[]) => {
  let pasted: string | undefined
  return (input, key) => {
    if (input === pasteStart) pasted = ''
    if (pasted === undefined) return keysFrom(input, key)
    if (input !== pasteEnd) {
      if (input !== pasteStart && pasted.length < mostPasted) pasted += input
      return []
    }
    const text = pasted
    pasted = undefined
    return [`paste:${text}`]
  }
}

/** Bracketed paste (xterm), as Ink hands it on: without the escape. */
const pasteStart = '[200~'
const pasteEnd = '[201~'
const mostPasted = 10_000

/** Names of the keys in one chunk of input: a fast hand or a slow line sends several at once. */
const keysFrom = (input: string, key: Key): string[] => {
  const special = named.find(([flag]) => key[flag] === true)
  if (special) return [special[1]]
  if (key.ctrl) return input.length === 1 ? [`ctrl+${input}`] : []
  if (key.meta) return []
  return [...input].map((character) => {
    const code = character.codePointAt(0)!
    return controls[character] ?? (code < 27 ? `ctrl+${String.fromCharCode(code + 96)}` : character)
  })
}
