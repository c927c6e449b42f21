import { Box } from 'ink'
import type { ReactNode } from 'react'
import { Devices } from '../components/devices.tsx'
import { Body, Frame, Row, Rule } from '../components/frame.tsx'
import { Help } from '../components/help.tsx'
import { KeyBar } from '../components/key-bar.tsx'
import { MessageArea } from '../components/message-area.tsx'
import { Palette } from '../components/palette.tsx'
import { Settings } from '../components/settings.tsx'
import { UpcomingList } from '../components/upcoming.tsx'
import { pageLayout } from '../layout.ts'
import type { Model } from '../model.ts'
import { Quote } from '../theme.tsx'
import { wrapped } from '../width.ts'

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

/** Header, body, news, keys. */
export const Page = ({ model, left, right, fixedLine, logRows, body }: PageProps) => {
  const { columns, rows } = model
  const { hasHeader, hasRules, newsRows, bodyRows } = pageLayout(model, logRows, fixedLine !== undefined)
  return (
    <Frame columns={columns} rows={rows}>
      {hasHeader ? <Header left={left} right={right} columns={columns} /> : null}
      {hasHeader ? <Rule columns={columns} /> : null}
      <Body height={bodyRows}>{overBody(model, bodyRows) ?? body({ columns, rows: bodyRows })}</Body>
      {hasRules ? <Rule columns={columns} /> : null}
      {newsRows > 0 ? <MessageArea model={model} rows={newsRows} /> : null}
      {hasRules && newsRows > 0 && fixedLine ? <Rule columns={columns} /> : null}
      {fixedLine ?? null}
      {rows >= 2 ? <KeyBar model={model} /> : null}
    </Frame>
  )
}

/** What takes the place of a screen's own body for a while. */
const overBody = (model: Model, rows: number): ReactNode => {
  const { overlay } = model
  switch (overlay?.kind) {
    case 'help':
      return <Help model={model} page={overlay.page} rows={rows} />
    case 'palette':
      return <Palette model={model} palette={overlay} rows={rows} />
    case 'devices':
      return <Devices devices={overlay} rows={rows} />
    case 'settings':
      return <Settings settings={overlay} rows={rows} />
    case 'events':
      return <UpcomingList model={model} index={overlay.index} rows={rows} />
    default:
      return undefined
  }
}

const Header = ({ left, right, columns }: { left: ReactNode; right: string; columns: number }) => (
  <Box paddingX={1} height={1} flexShrink={0} width={columns}>
    <Row left={left} right={right === '' ? undefined : <Quote tone="dim" text={right} />} />
  </Box>
)

type CenteredProps = { lines: { text: string; strong?: boolean }[]; columns: number; rows: number }

/** A few centred sentences on an otherwise empty body. */
export const Centered = ({ lines, columns, rows }: CenteredProps) => {
  const fit = lines.flatMap(({ text, strong }) =>
    wrapped(text, columns - 4).map((part, at) => ({ id: `${text} ${at}`, text: part, strong })),
  )
  return (
    <Box
      flexDirection="column"
      height={rows}
      paddingTop={Math.max(0, Math.floor((rows - fit.length) / 2))}
      overflow="hidden"
    >
      {fit.map(({ id, text, strong }) => (
        <Box key={id} height={1} flexShrink={0} justifyContent="center" paddingX={2}>
          <Quote tone={strong ? 'strong' : 'plain'} text={text} />
        </Box>
      ))}
    </Box>
  )
}
