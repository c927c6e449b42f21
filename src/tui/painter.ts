import type { DOMElement } from 'ink'
import { cut, widthOf } from './width.ts'

/**
 * The lines of a picture that Ink has laid out, each to be written over what stood there. Ink's own writer builds every
 * cell anew and takes three quarters of the time of a picture; here a text is cut and styled once and set at its column.
 * What is drawn is what the screens are made of: boxes that clip, and texts of one style.
 */
export const paintTree = (root: DOMElement, columns: number, rows: number): string[] => {
  const lines: Piece[][] = Array.from({ length: rows }, () => [])
  paint(root, 0, 0, { left: 0, top: 0, right: columns, bottom: rows }, lines)
  return lines.map((pieces) => lineOf(pieces, columns))
}

type Area = { left: number; top: number; right: number; bottom: number }
type Piece = { column: number; width: number; text: string; isSimple: boolean }

const paint = (node: DOMElement, left: number, top: number, clip: Area, lines: Piece[][]) => {
  const { yogaNode } = node
  if (!yogaNode) return
  const x = left + yogaNode.getComputedLeft()
  const y = top + yogaNode.getComputedTop()
  const width = yogaNode.getComputedWidth()
  if (node.nodeName === 'ink-text') return paintText(node, x, y, width, clip, lines)
  const inner = node.style.overflow === 'hidden' ? within(clip, x, y, width, yogaNode.getComputedHeight()) : clip
  for (const child of node.childNodes) if (child.nodeName !== '#text') paint(child, x, y, inner, lines)
}

const paintText = (node: DOMElement, x: number, y: number, width: number, clip: Area, lines: Piece[][]) => {
  let text = ''
  for (const child of node.childNodes) if (child.nodeName === '#text') text += child.nodeValue
  if (text === '' || x < clip.left) return
  const space = Math.min(Math.ceil(width), clip.right - x)
  const fromStart = node.style.textWrap === 'truncate-start'
  for (const [index, part] of text.split('\n').entries()) {
    const row = y + index
    if (row < clip.top || row >= clip.bottom || space <= 0) continue
    const shown = cut(part, space, fromStart)
    const styled = node.internal_transform ? node.internal_transform(shown, index) : shown
    lines[row]?.push({ column: x, width: widthOf(shown), text: styled, isSimple: isSimple.test(shown) })
  }
}

/** Every terminal agrees on how wide these are: ASCII, and what our own words are made of. */
const isSimple = /^[\u0020-\u007e\u00a0-\u02ff·…│─▁-▇▌▸●↑↓⏎“”]*$/u

const within = (clip: Area, x: number, y: number, width: number, height: number): Area => ({
  left: Math.max(clip.left, x),
  top: Math.max(clip.top, y),
  right: Math.min(clip.right, x + width),
  bottom: Math.min(clip.bottom, y + height),
})

/**
 * Behind glyphs on whose width terminals differ the next text is set at its column (CSI n G), so that nothing shifts. What
 * stood behind the end is cleared (CSI K), but not at the last column: where lines do not wrap, the cursor stays on what
 * was written there.
 */
const lineOf = (pieces: Piece[], columns: number): string => {
  let line = ''
  let at = 0
  let isSure = true
  for (const { column, width, text, isSimple } of pieces.sort((a, b) => a.column - b.column)) {
    if (column < at) continue
    if (!isSure) line += `\u001b[${at + 1}G`
    line += ' '.repeat(column - at) + text
    at = column + width
    isSure = isSimple
  }
  return at < columns ? `${line}\u001b[K` : line
}
