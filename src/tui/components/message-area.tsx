import { Box, Text } from 'ink'
import type { LogLine, Model } from '../model.ts'
import { Quote, Say } from '../theme.tsx'
import { clockTime } from '../words.ts'

/** A question when there is one, else a notice, else the last news of the room. */
export const MessageArea = ({ model, rows }: { model: Model; rows: number }) => (
  <Box flexDirection="column" height={rows} flexShrink={0} overflow="hidden" paddingX={1}>
    <Content model={model} rows={rows} />
  </Box>
)

const Content = ({ model, rows }: { model: Model; rows: number }) => {
  const { overlay, notice, log, screen } = model
  if (overlay?.kind === 'prompt') return <Typing label={shortened(overlay.label, model)} text={overlay.text} />
  if (overlay?.kind === 'confirm')
    return (
      <>
        <Quote tone="strong" text={overlay.question} />
        {rows > 1 && model.columns < 70
          ? overlay.choices.map(({ key, label }) => <Quote key={key} text={`${key}  ${label}`} />)
          : null}
      </>
    )
  if (notice) return <Quote tone={notice.isError ? 'bad' : 'plain'} text={notice.text} />
  return screen === 'room' ? log.slice(-rows).map((line) => <News key={`${line.at} ${line.text}`} line={line} />) : null
}

/** Without what stands in brackets where the typed text needs the room. */
const shortened = (label: string, { columns }: Model): string => (columns < 60 ? label.replace(/ \(.*\)$/, '') : label)

const News = ({ line }: { line: LogLine }) => (
  <Box height={1} gap={2} flexShrink={0}>
    <Box flexShrink={0}>
      <Say tone="dim">{clockTime(line.at)}</Say>
    </Box>
    <Quote tone={line.isError ? 'bad' : 'plain'} text={line.text} />
  </Box>
)

/** A line of input. The end stays in view: a cut at the left is better than typing into the unseen. */
export const Typing = ({ label, text }: { label: string; text: string }) => (
  <Box height={1} flexShrink={0} gap={1}>
    <Box flexShrink={0}>
      <Say tone="accent">{label}</Say>
    </Box>
    <Box flexShrink={1} overflow="hidden">
      <Text wrap="truncate-start" bold>
        {text}
      </Text>
    </Box>
    <Box flexShrink={0} marginLeft={text === '' ? 0 : -1}>
      <Text inverse> </Text>
    </Box>
  </Box>
)
