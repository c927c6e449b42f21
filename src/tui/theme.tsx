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

// Only the terminal's own sixteen colours, so that its palette decides what is readable. What must be seen is bold or
// inverse too: it stays visible without colour.
const styles: Record<Tone, Style> = {
  plain: {},
  strong: { bold: true },
  dim: { dimColor: true },
  accent: { color: 'cyan' },
  good: { color: 'green' },
  warning: { color: 'yellow' },
  bad: { color: 'red', bold: true },
  'badge-good': { color: 'green', bold: true, inverse: true },
  'badge-warning': { color: 'yellow', bold: true, inverse: true },
  badge: { bold: true },
}

const ColorContext = createContext(true)
export const ColorProvider = ColorContext.Provider

/** One line of our own words; longer than its box, it is cut with an ellipsis. */
export const Say = ({ tone = 'plain', children }: { tone?: Tone; children: ReactNode }) => {
  const hasColor = useContext(ColorContext)
  const { color, ...style } = styles[tone]
  return (
    <Text wrap="truncate-end" {...style} {...(hasColor && color ? { color } : {})}>
      {children}
    </Text>
  )
}

/** One line of somebody else's words: names, titles, questions (R21). */
export const Quote = ({ tone = 'plain', text }: { tone?: Tone; text: string }) => (
  <Say tone={tone}>{cleanLine(text)}</Say>
)
