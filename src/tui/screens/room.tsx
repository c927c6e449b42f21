import { Box } from 'ink'
import type { SeatState } from '../../protocol/seat.ts'
import { Frame } from '../components/frame.tsx'
import { KeyBar } from '../components/key-bar.tsx'
import { MicrophoneLine } from '../components/microphone-line.tsx'
import type { Model } from '../model.ts'
import { isModerator } from '../people.ts'
import { Quote, Say } from '../theme.tsx'
import { liveFor } from '../words.ts'
import { Page } from './page.tsx'
import { Audience, audienceHeight } from './room-audience.tsx'
import { SidePanel } from './room-side.tsx'
import { Stage } from './room-stage.tsx'

/** Where you are, who speaks, whether you are heard, what you can do. */
export const Room = ({ model, seat }: { model: Model; seat: SeatState }) => {
  const { columns, rows, nowMs } = model
  const line = <MicrophoneLine seat={seat} nowMs={nowMs} columns={columns} />
  // Too small for anything else: the one line that must not be missing, and the keys.
  if (rows < 5 || columns < 20)
    return (
      <Frame columns={columns} rows={rows}>
        {line}
        {rows > 1 ? <KeyBar model={model} /> : null}
      </Frame>
    )
  return (
    <Page
      model={model}
      left={<Quote tone="strong" text={seat.room.title || 'Joining'} />}
      right={headerFacts(seat, nowMs, columns)}
      logRows={rows >= 34 ? 3 : 1}
      fixedLine={line}
      body={(size) => <RoomBody model={model} seat={seat} {...size} />}
    />
  )
}

const headerFacts = ({ room, counts }: SeatState, nowMs: number, columns: number): string => {
  const here = `${counts.speakers + counts.listeners} here`
  const recorded = room.isRecorded ? '● RECORDED' : columns >= 60 ? 'not recorded' : undefined
  const live = columns >= 60 ? liveFor(room.startedAt, nowMs) : undefined
  return [live, here, recorded].filter((fact) => fact !== undefined).join(' · ')
}

type BodyProps = { model: Model; seat: SeatState; columns: number; rows: number }

const RoomBody = ({ model, seat, columns, rows }: BodyProps) => {
  const hasMenu = model.overlay?.kind === 'menu'
  const hasSide = columns >= 64 && (hasMenu || isModerator(seat) || (columns >= 100 && model.focus !== null))
  const sideColumns = hasSide ? Math.min(56, Math.floor(columns * 0.42)) : 0
  if (hasMenu && !hasSide) return <SidePanel model={model} seat={seat} columns={columns} rows={rows} />
  return (
    <Box height={rows} overflow="hidden">
      <People model={model} seat={seat} columns={columns - sideColumns} rows={rows} hasSide={hasSide} />
      {hasSide ? (
        <>
          <Box flexDirection="column" width={1} flexShrink={0}>
            <Divider rows={rows} />
          </Box>
          <SidePanel model={model} seat={seat} columns={sideColumns - 1} rows={rows} />
        </>
      ) : null}
    </Box>
  )
}

const Divider = ({ rows }: { rows: number }) => (
  <Say tone="dim">{Array.from({ length: rows }, () => '│').join('\n')}</Say>
)

const People = ({ model, seat, columns, rows, hasSide }: BodyProps & { hasSide: boolean }) => {
  const { hands, counts } = seat
  // The stage has the first claim, the count of the audience the last row.
  const stageWants = Math.min(Math.max(1, counts.speakers) + 1, rows - 1)
  const handSpace = Math.min(hands.length + 1, 4, rows - stageWants - 1)
  const handRows = !hasSide && hands.length > 0 && handSpace >= 2 ? handSpace : 0
  const audienceRows = audienceHeight(rows, counts, handRows)
  const stageRows = Math.max(1, rows - handRows - audienceRows)
  return (
    <Box flexDirection="column" width={columns} flexShrink={0} overflow="hidden">
      <Stage seat={seat} focus={model.focus} columns={columns} rows={stageRows} />
      {handRows > 0 ? <SidePanel model={model} seat={seat} columns={columns} rows={handRows} /> : null}
      <Audience seat={seat} focus={model.focus} columns={columns} rows={audienceRows} />
    </Box>
  )
}
