import { StringDecoder } from 'node:string_decoder'
import { latinKey } from './layouts.ts'

/** `base`: what the same place of a Latin keyboard gives, for layouts without Latin letters. */
export type Typed =
  | { type: 'key'; key: string; base?: string; isRepeat?: boolean }
  | { type: 'released'; key: string; base?: string }
  /** The window has lost the keyboard (xterm, DECSET 1004). */
  | { type: 'blurred' }
  /** The terminal tells when keys are let go (kitty's keyboard protocol). */
  | { type: 'kitty' }
  /** The terminal's background, 0 black to 1 white. */
  | { type: 'background'; lightness: number }

export type Keyboard = {
  /** Takes what the terminal sent; half a sequence waits for the rest. */
  push: (bytes: Buffer | string) => Typed[]
  /** A lone escape waits to become a sequence; after a while it is the key. */
  isWaiting: () => boolean
  giveUp: () => Typed[]
}

/**
 * Reads what a terminal sends: keys by name, what is pasted as one `paste:` key, so that it is text and never commands.
 * Sequences that mean nothing here are swallowed. Sources: ECMA-48, xterm's ctlseqs, kitty's keyboard protocol.
 */
export const openKeyboard = (): Keyboard => {
  const decoder = new StringDecoder('utf8')
  let waiting = ''
  let pasted: string | undefined

  const take = (text: string): Typed[] => {
    const typed: Typed[] = []
    let rest = text
    while (rest !== '') {
      if (pasted !== undefined) {
        const end = rest.indexOf(pasteEnd)
        // The end of a paste may come in two pieces.
        const whole = end < 0 ? Math.max(0, rest.length - pasteEnd.length + 1) : end
        pasted = (pasted + rest.slice(0, whole)).slice(0, mostPasted)
        if (end < 0) {
          waiting = rest.slice(whole)
          return typed
        }
        typed.push({ type: 'key', key: `paste:${pasted}` })
        pasted = undefined
        rest = rest.slice(end + pasteEnd.length)
        continue
      }
      const begin = rest.indexOf('\u001b')
      if (begin !== 0) {
        typed.push(...readText(begin < 0 ? rest : rest.slice(0, begin)))
        rest = begin < 0 ? '' : rest.slice(begin)
        continue
      }
      const sequence = readSequence(rest)
      if (sequence === 'more') {
        waiting = rest
        return typed
      }
      rest = rest.slice(sequence.length)
      if (sequence.text === pasteStart) pasted = ''
      else typed.push(...sequence.typed)
    }
    return typed
  }

  return {
    push: (bytes) => {
      const text = waiting + (typeof bytes === 'string' ? bytes : decoder.write(bytes))
      waiting = ''
      return take(text)
    },
    isWaiting: () => waiting !== '' && pasted === undefined,
    giveUp: () => {
      const was = waiting
      waiting = ''
      return was === '\u001b' || was === '\u001b\u001b' ? [{ type: 'key', key: 'escape' }] : []
    },
  }
}

/** Bracketed paste (xterm). */
const pasteStart = '\u001b[200~'
const pasteEnd = '\u001b[201~'
const mostPasted = 10_000
/** More at once than fingers give is a paste from a terminal that does not say so. */
const mostTyped = 64
/** Longer sequences are garbage. */
const longestSequence = 1024

const readText = (text: string): Typed[] => {
  if (text.length > mostTyped && !/[\u0000-\u001f]/.test(text.slice(0, mostTyped)))
    return [{ type: 'key', key: `paste:${text.slice(0, mostPasted)}` }]
  return [...text.slice(0, mostPasted)].map((character) => keyOf(controlKeys[character] ?? character))
}

const keyOf = (key: string): Typed & { type: 'key' } => {
  const code = key.codePointAt(0)!
  if (key.length === 1 && code < 27) return { type: 'key', key: `ctrl+${String.fromCharCode(code + 96)}` }
  const base = latinKey(key)
  return { type: 'key', key, ...(base ? { base } : {}) }
}

const controlKeys: Record<string, string> = {
  '\r': 'enter',
  '\n': 'enter',
  '\t': 'tab',
  '\b': 'backspace',
  '\u007f': 'backspace',
  ' ': 'space',
  '\u00a0': 'space',
  '\u3000': 'space',
}

type Sequence = { text: string; length: number; typed: Typed[] }

const readSequence = (text: string): Sequence | 'more' => {
  const second = text[1]
  if (second === undefined) return 'more'
  const found = (match: RegExpExecArray | null, typed: (match: RegExpExecArray) => Typed[]): Sequence | 'more' => {
    if (match) return { text: match[0], length: match[0].length, typed: typed(match) }
    return text.length < longestSequence ? 'more' : { text: '', length: text.length, typed: [] }
  }
  if (second === '[') {
    const isBroken = /^\u001b\[[ -?]*[^ -~]/.exec(text)
    if (isBroken) return { text: '', length: isBroken[0].length - 1, typed: [] }
    // ESC [ [ A is the Linux console's F1.
    return found(/^\u001b\[\[[A-E]|^\u001b\[([0-?]*)([ -?]*)([@-Z\\-~])/.exec(text), controlSequence)
  }
  if (second === 'O') return found(/^\u001bO([A-Za-z])/.exec(text), ([, letter = '']) => named(letterKeys[letter]))
  if (second === ']' || second === 'P' || second === '_' || second === '^' || second === 'X')
    return found(/^\u001b[\]P_^X]([^\u0007\u001b]*)(?:\u0007|\u001b\\)/.exec(text), ([, body = '']) => reply(body))
  if (second === '\u001b') return { text: '', length: 1, typed: named('escape') }
  const character = String.fromCodePoint(text.codePointAt(1)!)
  const key = controlKeys[character] ?? character
  return { text: '', length: 1 + character.length, typed: named(key < ' ' ? undefined : `alt+${key}`) }
}

const named = (key: string | undefined): Typed[] => (key === undefined ? [] : [{ type: 'key', key }])

const letterKeys: Record<string, string> = {
  A: 'up',
  B: 'down',
  C: 'right',
  D: 'left',
  F: 'end',
  H: 'home',
  M: 'enter',
  P: 'f1',
  Q: 'f2',
  R: 'f3',
  S: 'f4',
  Z: 'shift+tab',
}
const numberKeys: Record<string, string> = {
  1: 'home',
  2: 'insert',
  3: 'delete',
  4: 'end',
  5: 'pageup',
  6: 'pagedown',
  7: 'home',
  8: 'end',
  11: 'f1',
  12: 'f2',
  13: 'f3',
  14: 'f4',
  15: 'f5',
  17: 'f6',
  18: 'f7',
  19: 'f8',
  20: 'f9',
  21: 'f10',
  23: 'f11',
  24: 'f12',
}

const controlSequence = ([all, parameters = '', between = '', final = '']: RegExpExecArray): Typed[] => {
  if (all.startsWith('\u001b[[')) return named(`f${'ABCDE'.indexOf(all[3]!) + 1}`)
  if (between !== '') return []
  if (parameters.startsWith('?')) return final === 'u' ? [{ type: 'kitty' }] : []
  if (all === '\u001b[O') return [{ type: 'blurred' }]
  const [first = '', second = '', text = ''] = parameters.split(';')
  const [modifiers = '', event = ''] = second.split(':')
  if (final === 'u') return kittyKey(first.split(':'), modifiers, event, text)
  const key = final === '~' ? numberKeys[first.split(':')[0]!] : letterKeys[final]
  return key === undefined ? [] : told(withModifiers(key, modifiers), event)
}

/** Codes of kitty's own for keys that give no text; the rest of that range are modifiers and media keys. */
const kittyKeys: Record<number, string> = {
  9: 'tab',
  13: 'enter',
  27: 'escape',
  32: 'space',
  127: 'backspace',
  57414: 'enter',
  57417: 'left',
  57418: 'right',
  57419: 'up',
  57420: 'down',
  57421: 'pageup',
  57422: 'pagedown',
  57423: 'home',
  57424: 'end',
}

const kittyKey = (codes: string[], modifiers: string, event: string, text: string): Typed[] => {
  const [code = 0, shifted = 0, layoutFree = 0] = codes.map(Number)
  const known = kittyKeys[code]
  if (known) return told(withModifiers(known, modifiers), event)
  // Shift, Ctrl and their like alone, media keys, and what is no character at all.
  if (code < 33 || (code >= 0xe000 && code <= 0xf8ff) || code > 0x10ffff || Number.isNaN(code)) return []
  const held = heldWith(modifiers)
  const typed = text === '' ? (held.shift && shifted ? shifted : code) : Number(text.split(':')[0])
  const isText = !held.ctrl && !held.alt
  const character = String.fromCodePoint(isText && typed > 31 && typed <= 0x10ffff ? typed : code)
  const plain = layoutFree > 32 && layoutFree < 127 ? String.fromCharCode(layoutFree) : undefined
  const base = plain === undefined ? latinKey(character) : held.shift ? plain.toUpperCase() : plain
  if (isText) return told(character, event, base === character ? undefined : base)
  return told(withModifiers(plain ?? base ?? character, modifiers), event)
}

/** `1;5` is Ctrl: one more than the sum of Shift 1, Alt 2, Ctrl 4 and others. */
const heldWith = (modifiers: string) => {
  const bits = Math.max(0, Number(modifiers || 1) - 1)
  return { shift: (bits & 1) > 0, alt: (bits & 2) > 0, ctrl: (bits & 4) > 0 }
}

const withModifiers = (key: string, modifiers: string): string => {
  const { shift, alt, ctrl } = heldWith(modifiers)
  const isTab = key === 'tab'
  return `${ctrl ? 'ctrl+' : ''}${alt ? 'alt+' : ''}${shift && isTab ? 'shift+' : ''}${key}`
}

const told = (key: string, event: string, base?: string): Typed[] => {
  const named = { key, ...(base ? { base } : {}) }
  if (event === '3') return [{ type: 'released', ...named }]
  return [{ type: 'key', ...named, ...(event === '2' ? { isRepeat: true } : {}) }]
}

/** `11;rgb:1c1c/1c1c/1c1c`: the background's colour (xterm, OSC 11). */
const reply = (body: string): Typed[] => {
  const match = /^11;rgba?:([0-9a-f]{1,4})\/([0-9a-f]{1,4})\/([0-9a-f]{1,4})/i.exec(body)
  if (!match) return []
  const [red, green, blue] = match.slice(1).map((hex) => Number.parseInt(hex, 16) / (16 ** hex.length - 1))
  // Relative luminance (ITU-R BT.709), without the gamma.
  return [{ type: 'background', lightness: 0.2126 * red! + 0.7152 * green! + 0.0722 * blue! }]
}
