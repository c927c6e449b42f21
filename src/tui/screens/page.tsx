import { Box } from 'ink'
import type { ReactNode } from 'react'
import { Body, Frame, Row, Rule } from '../components/frame.tsx'
import { Help } from '../components/help.tsx'
import { KeyBar } from '../components/key-bar.tsx'
import { MessageArea, messageRows } from '../components/message-area.tsx'
import type { Model } from '../model.ts'
import { Quote } from '../theme.tsx'

type PageProps = {
  model: Model
  left: ReactNode
  right: string
  /** Stands between the news and the keys and never moves. */
  fixedLine?: ReactNode
  /** Rows for news; 0 gives a row only while there is something to say or ask. */
  logRows: number
  body: (size: { columns: number; rows: number }) => ReactNode
}

/** What all screens share: header, body, news, keys. On a few rows the rules go first, then the header. */
export const Page = ({ model, left, right, fixedLine, logRows, body }: PageProps) => {
  const { columns, rows } = model
  const height = Math.max(1, rows)
  const hasRules = height >= 18
  const hasHeader = height >= 5
  const needsNews = logRows > 0 || model.notice !== null || ['prompt', 'confirm'].includes(model.overlay?.kind ?? '')
  const newsRows = needsNews && height >= 4 ? messageRows(model, hasRules ? logRows : Math.min(1, logRows)) : 0
  const rules = hasRules ? 2 + (newsRows > 0 && fixedLine ? 1 : 0) : hasHeader ? 1 : 0
  const fixed = (hasHeader ? 1 : 0) + newsRows + (fixedLine ? 1 : 0) + (height >= 2 ? 1 : 0) + rules
  const bodyRows = Math.max(0, height - fixed)
  return (
    <Frame columns={columns} rows={rows}>
      {hasHeader ? <Header left={left} right={right} columns={columns} /> : null}
      {hasHeader ? <Rule columns={columns} /> : null}
      <Body height={bodyRows}>
        {model.overlay?.kind === 'help' ? (
          <Help place={model.screen} columns={columns} height={bodyRows} offset={model.overlay.offset} />
        ) : (
          body({ columns, rows: bodyRows })
        )}
      </Body>
      {hasRules ? <Rule columns={columns} /> : null}
      {newsRows > 0 ? <MessageArea model={model} rows={newsRows} /> : null}
      {hasRules && newsRows > 0 && fixedLine ? <Rule columns={columns} /> : null}
      {fixedLine ?? null}
      {height >= 2 ? <KeyBar model={model} /> : null}
    </Frame>
  )
}

const Header = ({ left, right, columns }: { left: ReactNode; right: string; columns: number }) => (
  <Box paddingX={1} height={1} flexShrink={0} width={columns}>
    <Row left={left} right={right === '' ? undefined : <Quote tone="dim" text={right} />} />
  </Box>
)

/** A few centred lines on an otherwise empty body. */
export const Centered = ({ lines, rows }: { lines: { text: string; strong?: boolean }[]; rows: number }) => (
  <Box
    flexDirection="column"
    height={rows}
    paddingTop={Math.max(0, Math.floor((rows - lines.length) / 2))}
    overflow="hidden"
  >
    {lines.map(({ text, strong }) => (
      <Box key={text} height={1} flexShrink={0} justifyContent="center" paddingX={2}>
        <Quote tone={strong ? 'strong' : 'plain'} text={text} />
      </Box>
    ))}
  </Box>
)
