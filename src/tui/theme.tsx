import { Text, type TextProps } from 'ink'
import { createContext, type ReactNode, useContext } from 'react'
import { cleanLine } from '../protocol/text.ts'

export type Tone =
  | 'plain'
  | 'strong'
  | 'dim'
  | 'accent'
  | 'good'
  | 'warning'
  | 'bad'
  | 'badge-good'
  | 'badge-warning'
  | 'badge'

type Style = Pick<TextProps, 'color' | 'bold' | 'dimColor' | 'inverse'>
export type Styles = Record<Tone, Style>

// What must be seen is bold or inverse too: it stays visible without colour.
const marks: Styles = {
  plain: {},
  strong: { bold: true },
  dim: { dimColor: true },
  accent: {},
  good: {},
  warning: {},
  bad: { bold: true },
  'badge-good': { bold: true, inverse: true },
  'badge-warning': { bold: true, inverse: true },
  badge: { bold: true },
}

type Palette = { dim?: string; accent: string; good: string; warning: string; bad: string }

/** The terminal's own sixteen, so that its palette decides what is readable. */
const own: Palette = { accent: 'cyan', good: 'green', warning: 'yellow', bad: 'red' }
// Each at least 4.5 to 1 (WCAG 2.1, AA) against black, or against white; dim is a colour, as faint text is lost on light.
const onDark: Palette = { dim: '#9a9a9a', accent: '#56c7e8', good: '#6fd08c', warning: '#e6b450', bad: '#ff7a72' }
const onLight: Palette = { dim: '#666666', accent: '#005f87', good: '#1b6e35', warning: '#875f00', bad: '#b3261e' }

/** Without colour, in the terminal's sixteen, or where it has 256 and more and its background is known, for that. */
export const stylesFor = (
  { hasColor, depth }: { hasColor: boolean; depth: number },
  background: 'dark' | 'light' | null,
): Styles => {
  if (!hasColor) return marks
  const palette = depth < 8 || background === null ? own : background === 'light' ? onLight : onDark
  const { dim, accent, good, warning, bad } = palette
  return {
    ...marks,
    dim: dim === undefined ? marks.dim : { color: dim },
    accent: { color: accent },
    good: { color: good },
    warning: { color: warning },
    bad: { ...marks.bad, color: bad },
    'badge-good': { ...marks['badge-good'], color: good },
    'badge-warning': { ...marks['badge-warning'], color: warning },
  }
}

const StylesContext = createContext<Styles>(marks)
export const StylesProvider = StylesContext.Provider

/** One line of our own words; longer than its box, it is cut with an ellipsis. */
export const Say = ({ tone = 'plain', children }: { tone?: Tone; children: ReactNode }) => {
  const style = useContext(StylesContext)[tone]
  return (
    <Text wrap="truncate-end" {...style}>
      {children}
    </Text>
  )
}

/** One line of somebody else's words: names, titles, questions (R21). */
export const Quote = ({ tone = 'plain', text }: { tone?: Tone; text: string }) => (
  <Say tone={tone}>{cleanLine(text)}</Say>
)
