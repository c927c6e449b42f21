import { Box } from 'ink'
import type { SeatState } from '../../protocol/seat.ts'
import { Frame } from '../components/frame.tsx'
import { KeyBar } from '../components/key-bar.tsx'
import { MicrophoneLine } from '../components/microphone-line.tsx'
import { roomLayout, roomLogRows } from '../layout.ts'
import type { Model } from '../model.ts'
import { Quote, Say } from '../theme.tsx'
import { aboutRoom, liveFor } from '../words.ts'
import { Page } from './page.tsx'
import { Audience } from './room-audience.tsx'
import { SidePanel } from './room-side.tsx'
import { Stage } from './room-stage.tsx'

/** Where you are, who speaks, whether you are heard, what you can do. */
export const Room = ({ model, seat }: { model: Model; seat: SeatState }) => {
  const { columns, rows, nowMs } = model
  const line = <MicrophoneLine seat={seat} model={model} />
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
      left={<HeaderLeft room={seat.room} columns={columns} />}
      right={headerFacts(seat, nowMs, columns)}
      logRows={roomLogRows(model)}
      fixedLine={line}
      body={(size) => <RoomBody model={model} seat={seat} {...size} />}
    />
  )
}

/** The title has the first claim on the columns. */
const HeaderLeft = ({ room, columns }: { room: SeatState['room']; columns: number }) => {
  const about = aboutRoom(room)
  return (
    <Box gap={1} overflow="hidden">
      <Box flexShrink={1}>
        <Quote tone="strong" text={room.title || 'Joining'} />
      </Box>
      {about === '' || columns < 60 ? null : (
        <Box flexShrink={1000} overflow="hidden">
          <Quote tone="dim" text={`· ${about}`} />
        </Box>
      )}
    </Box>
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
  const layout = roomLayout(model, seat)
  const { focus } = model
  const { isWide, sideColumns, sideRows, stageColumns, stageRows, handRows, audienceColumns, audienceRows } = layout
  const hasSide = sideColumns > 0
  if (model.overlay?.kind === 'menu' && !hasSide)
    return <SidePanel model={model} seat={seat} columns={columns} rows={rows} />
  const audience = (
    <Audience seat={seat} focus={focus} columns={audienceColumns} rows={audienceRows} perLine={layout.perLine} />
  )
  return (
    <Box flexDirection="column" height={rows} overflow="hidden">
      <Box height={isWide ? stageRows : rows} flexShrink={0} overflow="hidden">
        <Box flexDirection="column" width={stageColumns} flexShrink={0} overflow="hidden">
          <Stage seat={seat} focus={focus} columns={stageColumns} rows={stageRows} nowMs={model.nowMs} />
          {handRows > 0 ? <SidePanel model={model} seat={seat} columns={stageColumns} rows={handRows} /> : null}
          {isWide ? null : audience}
        </Box>
        {hasSide ? (
          <>
            <Box flexDirection="column" width={1} flexShrink={0}>
              <Divider rows={isWide ? stageRows - 1 : rows} />
            </Box>
            <SidePanel model={model} seat={seat} columns={sideColumns - 1} rows={sideRows} />
          </>
        ) : null}
      </Box>
      {isWide ? audience : null}
    </Box>
  )
}

const Divider = ({ rows }: { rows: number }) => (
  <Say tone="dim">{Array.from({ length: rows }, () => '│').join('\n')}</Say>
)
