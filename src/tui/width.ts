const segmenter = new Intl.Segmenter(undefined, { granularity: 'grapheme' })
const isEmoji = /\p{Emoji_Presentation}|\ufe0f/u
// East Asian Width W and F (Unicode 16, UAX #11), in the blocks that names and titles come from.
const isWide =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1b000}-\u{1b2ff}\u{20000}-\u{3fffd}]/u
const hasNoWidth = /^[\p{M}\p{Cf}\p{Cc}]+$/u

/** Columns that a line takes on a terminal: two for wide glyphs and emoji, none for combining marks. */
export const widthOf = (text: string): number => {
  let columns = 0
  for (const { segment } of segmenter.segment(text)) {
    if (hasNoWidth.test(segment)) continue
    columns += isEmoji.test(segment) || isWide.test(segment) ? 2 : 1
  }
  return columns
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
