const segmenter = new Intl.Segmenter(undefined, { granularity: 'grapheme' })
const isEmoji = /\p{Emoji_Presentation}|\ufe0f/u
// East Asian Width W and F (Unicode 16, UAX #11), in the blocks that names and titles come from.
const isWide =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1b000}-\u{1b2ff}\u{20000}-\u{3fffd}]/u
const hasNoWidth = /^[\p{M}\p{Cf}\p{Cc}]+$/u
const isPlain = /^[\u0020-\u007e]*$/

/** Columns that a line takes on a terminal: two for wide glyphs and emoji, none for combining marks. */
export const widthOf = (text: string): number => {
  if (isPlain.test(text)) return text.length
  let columns = 0
  for (const { segment } of segmenter.segment(text)) columns += glyphWidth(segment)
  return columns
}

const glyphWidth = (glyph: string): number => {
  if (hasNoWidth.test(glyph)) return 0
  return isEmoji.test(glyph) || isWide.test(glyph) ? 2 : 1
}

/** The text where it fits `columns`, else as much of its start, or of its end, as fits beside an ellipsis. */
export const cut = (text: string, columns: number, fromStart = false): string => {
  if (text.length <= columns && isPlain.test(text)) return text
  if (widthOf(text) <= columns) return text
  if (columns < 1) return ''
  const glyphs = [...segmenter.segment(text)].map(({ segment }) => segment)
  if (fromStart) glyphs.reverse()
  const kept: string[] = []
  let used = 1
  for (const glyph of glyphs) {
    used += glyphWidth(glyph)
    if (used > columns) break
    kept.push(glyph)
  }
  return fromStart ? `…${kept.reverse().join('')}` : `${kept.join('')}…`
}

/** The text in lines of so many columns, broken between words; a longer word stands alone. */
export const wrapped = (text: string, columns: number): string[] => {
  const lines: string[] = []
  for (const word of text.split(' ')) {
    const longer = lines.length > 0 ? `${lines.at(-1)} ${word}` : ''
    if (longer !== '' && widthOf(longer) <= columns) lines[lines.length - 1] = longer
    else lines.push(word)
  }
  return lines
}

/** As many items as fit `columns`, with `gap` between them. Looks at no more than needed. */
export const fitting = <T>(items: Iterable<T>, columns: number, gap: number, textOf: (item: T) => string): T[] => {
  const fit: T[] = []
  let used = 0
  for (const item of items) {
    used += widthOf(textOf(item)) + (fit.length > 0 ? gap : 0)
    if (used > columns) break
    fit.push(item)
  }
  return fit
}
