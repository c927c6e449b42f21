// Writes what a terminal showed as an animated SVG of text: no script, no image, CSS alone.

const cell = { width: 8.4, height: 18, size: 14 }
/** Lines of a strip stand apart: tall glyphs reach beyond their own. */
const stripStep = 2 * cell.height
const margin = 14
const foreground = '#d4d7dd'
const background = '#15181e'
const palette = ['#3b4048', '#ff7a72', '#6fd08c', '#e6b450', '#7aa2f7', '#c792ea', '#56c7e8', '#d4d7dd'].concat([
  '#6b7280',
  '#ff9a94',
  '#8fe0a6',
  '#f0c878',
  '#9ab8ff',
  '#d8b4f0',
  '#86daf2',
  '#ffffff',
])
const isWide = /[\p{Emoji_Presentation}\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\uff00-\uff60]/u

/**
 * `frames`: `{ atMs, rows }` in order, a row as `tmux capture-pane -e` prints it; `forMs` is when it begins anew.
 * Each row is a strip of all that it ever showed, moved so that the right one is seen: a row that stays costs nothing.
 * Where motion is not wanted, what stood there at `stillMs` stays.
 */
export const animatedSvg = ({ columns, title, frames, forMs, stillMs }) => {
  const count = frames[0].rows.length
  const size = { width: columns * cell.width + 2 * margin, height: count * cell.height + 2 * margin }
  const strips = Array.from({ length: count }, (_, row) => stripOf(frames, row))
  const styles = strips.map((strip, row) => motion(strip, row, { forMs, stillMs })).join('')
  const rows = strips.map(({ shown }, row) => drawStrip(shown, row, size.width)).join('\n')
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${size.width} ${size.height}" role="img">
<title>${xml(title)}</title>
<style>text{font:${cell.size}px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;fill:${foreground};white-space:pre}.b{font-weight:bold}.d{opacity:.6}@media(prefers-reduced-motion){g{animation:none!important}}${styles}</style>
<rect width="100%" height="100%" rx="8" fill="${background}"/>
${rows}
</svg>
`
}

/** What a row showed, each once, and when. */
const stripOf = (frames, row) => {
  const shown = []
  const changes = []
  for (const { atMs, rows } of frames) {
    const text = rows[row] ?? ''
    if (!shown.includes(text)) shown.push(text)
    const index = shown.indexOf(text)
    if (changes.at(-1)?.index !== index) changes.push({ atMs, index })
  }
  return { shown, changes }
}

const motion = ({ changes }, row, { forMs, stillMs }) => {
  if (changes.length === 1) return ''
  const place = (index) => `transform:translateY(${-index * stripStep}px)`
  const steps = [{ ...changes[0], atMs: 0 }, ...changes.slice(1)].map(
    ({ atMs, index }) => `${+((atMs / forMs) * 100).toFixed(2)}%{${place(index)}}`,
  )
  const still = changes.findLast(({ atMs }) => atMs <= stillMs) ?? changes[0]
  return `.r${row}{${place(still.index)};animation:r${row} ${forMs / 1000}s step-end infinite}@keyframes r${row}{${steps.join('')}}`
}

const drawStrip = (shown, row, width) => {
  const lines = shown.map((text, index) => drawLine(text, index)).join('')
  return `<svg y="${margin + row * cell.height}" width="${width}" height="${cell.height}"><g class="r${row}">${lines}</g></svg>`
}

const drawLine = (text, index) => {
  let marks = ''
  let words = ''
  let column = 0
  for (const { text: run, style } of runsOf(text)) {
    const columns = [...run].reduce((sum, glyph) => sum + (isWide.test(glyph) ? 2 : 1), 0)
    const [x, length] = [round(margin + column * cell.width), round(columns * cell.width)]
    column += columns
    const [ink, paper] = style.inverse ? [style.paper ?? background, style.ink ?? foreground] : [style.ink, style.paper]
    if (paper)
      marks += `<rect x="${x}" y="${index * stripStep}" width="${length}" height="${cell.height}" fill="${paper}"/>`
    if (run.trim() === '') continue
    const classes = [style.bold && 'b', style.dim && 'd'].filter(Boolean).join(' ')
    words += `<tspan x="${x}" textLength="${length}"${classes && ` class="${classes}"`}${ink ? ` fill="${ink}"` : ''}>${xml(run)}</tspan>`
  }
  return words === '' ? marks : `${marks}<text y="${index * stripStep + 13}">${words}</text>`
}

/** Pieces of one style; gaps of several blanks stand alone, and are not written. */
const runsOf = (line) => {
  let style = {}
  return line
    .split(/(\u001b\[[0-9;]*m)/)
    .flatMap((part) => {
      const codes = /^\u001b\[([0-9;]*)m$/.exec(part)?.[1]
      if (codes !== undefined) {
        style = styled(style, codes.split(';').map(Number))
        return []
      }
      return part.split(/( {3,})/).map((text) => ({ text, style }))
    })
    .filter(({ text }) => text !== '')
}

/** The style after a sequence of SGR codes (ECMA-48, 8.3.117; 38 and 48 as xterm has them). */
const styled = (before, codes) => {
  let style = before
  for (let at = 0; at < codes.length; at += 1) {
    const code = codes[at]
    if (code === 0) style = {}
    else if (code === 1) style = { ...style, bold: true }
    else if (code === 2) style = { ...style, dim: true }
    else if (code === 7) style = { ...style, inverse: true }
    else if (code === 22) style = { ...style, bold: false, dim: false }
    else if (code === 27) style = { ...style, inverse: false }
    else if (code === 38 || code === 48) {
      const isDirect = codes[at + 1] === 2
      const color = isDirect ? `rgb(${codes.slice(at + 2, at + 5).join()})` : palette[codes[at + 2]]
      style = { ...style, [code === 38 ? 'ink' : 'paper']: color }
      at += isDirect ? 4 : 2
    } else if (code >= 30 && code <= 37) style = { ...style, ink: palette[code - 30] }
    else if (code >= 90 && code <= 97) style = { ...style, ink: palette[code - 82] }
    else if (code >= 40 && code <= 47) style = { ...style, paper: palette[code - 40] }
    else if (code === 39) style = { ...style, ink: undefined }
    else if (code === 49) style = { ...style, paper: undefined }
  }
  return style
}

const round = (value) => Math.round(value * 10) / 10
const xml = (text) => text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;')
