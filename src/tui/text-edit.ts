import { cleanLine } from '../protocol/text.ts'

/** The text after one key in a line of input; keys that mean nothing here leave it as it is. */
export const editText = (text: string, key: string, maxCharacters: number): string => {
  if (key === 'backspace') return graphemes(text).slice(0, -1).join('')
  if (key === 'ctrl+u') return ''
  if (key === 'ctrl+w') return text.replace(/\S+\s*$/u, '')
  if (key.startsWith('paste:')) return [...text, ...cleanLine(key.slice(6))].slice(0, maxCharacters).join('')
  const typed = key === 'space' ? ' ' : key
  const isCharacter = [...typed].length === 1 && (typed === ' ' || cleanLine(typed) !== '' || /^\p{M}$/u.test(typed))
  return isCharacter && [...text].length < maxCharacters ? text + typed : text
}

const segmenter = new Intl.Segmenter(undefined, { granularity: 'grapheme' })
const graphemes = (text: string): string[] => [...segmenter.segment(text)].map(({ segment }) => segment)
