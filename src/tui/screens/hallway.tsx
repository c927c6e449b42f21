import { Box } from 'ink'
import type { Room } from '../../protocol/rooms.ts'
import { keyFor } from '../bindings.ts'
import { Row } from '../components/frame.tsx'
import { Upcoming } from '../components/upcoming.tsx'
import type { HallwayRow, Model } from '../model.ts'
import { playingWords } from '../playing.ts'
import { isNarrowed, visibleRows } from '../reduce-hallway.ts'
import { Quote, Say } from '../theme.tsx'
import { upcomingAt } from '../upcoming.ts'
import { cut, fitting } from '../width.ts'
import { aboutRoom } from '../words.ts'
import { Centered, Page } from './page.tsx'

/** The live rooms as they change. */
export const Hallway = ({ model }: { model: Model }) => {
  const { account, hallway, columns, server } = model
  const live = hallway.rows.filter(({ isEnded }) => !isEnded).length
  const facts = [
    `${live}${hallway.nextCursor === null ? '' : '+'} live`,
    account ? `@${account.handle}` : undefined,
    columns >= 70 ? server.replace(/^https?:\/\//, '') : undefined,
    statusWord(model),
  ]
  return (
    <Page
      model={model}
      left={<HeaderLeft hallway={hallway} />}
      right={facts.filter((fact) => fact !== undefined).join(' · ')}
      logRows={0}
      body={({ rows }) => <Rooms model={model} rows={rows} />}
    />
  )
}

const HeaderLeft = ({ hallway: { search, topic, language } }: Pick<Model, 'hallway'>) => {
  const narrowed = [search && `/${search}`, topic && `topic ${topic}`, language && `language ${language}`]
  return (
    <Box gap={2}>
      <Say tone="strong">roomtone</Say>
      <Quote tone="accent" text={narrowed.filter((part) => part).join('  ')} />
    </Box>
  )
}

const statusWord = ({ hallway }: Model): string | undefined => {
  if (hallway.status === 'lost') return 'connection lost, retrying'
  return hallway.status === 'loading' ? 'loading' : undefined
}

const Rooms = ({ model, rows }: { model: Model; rows: number }) => {
  const { hallway, columns } = model
  const shown = visibleRows(hallway)
  if (shown.length === 0) {
    const events = Math.min(upcomingAt(hallway.events, model.nowMs).length, Math.floor(rows / 3))
    const upper = events > 0 ? rows - events - 2 : rows
    return (
      <Box flexDirection="column">
        <Centered columns={columns} rows={upper} lines={emptyLines(model)} />
        <Upcoming model={model} rows={rows - upper} />
      </Box>
    )
  }
  // By the terminal's height: a question below must not move the rooms.
  const rowHeight = model.rows >= 14 ? 2 : 1
  const fits = Math.max(1, Math.floor((rows - 1) / rowHeight))
  const selected = Math.max(
    0,
    shown.findIndex(({ room }) => room.id === hallway.selectedId),
  )
  // Whole pages, so that nothing moves while the selection stays within one.
  const first = Math.floor(selected / fits) * fits
  const page = shown.slice(first, first + fits)
  return (
    <Box flexDirection="column">
      {page.map((row) => (
        <RoomRow
          key={row.room.id}
          row={row}
          isSelected={row.room.id === hallway.selectedId}
          height={rowHeight}
          columns={columns}
          nowMs={model.nowMs}
        />
      ))}
      <Box paddingLeft={1}>
        <Say tone="dim">{restWords(model, first, first + page.length)}</Say>
      </Box>
      <Upcoming model={model} rows={rows - page.length * rowHeight - 1} />
    </Box>
  )
}

const emptyLines = ({ hallway, keyTable }: Model): { text: string; strong?: boolean }[] => {
  if (hallway.status === 'loading') return [{ text: 'Looking for rooms' }]
  if (hallway.status === 'failed')
    return [
      { text: 'The rooms could not be fetched', strong: true },
      { text: hallway.cause ?? '' },
      { text: `${keyFor(keyTable, 'refresh')} tries again` },
    ]
  if (isNarrowed(hallway))
    return [
      { text: `No live room matches “${hallway.search || aboutRoom(hallway)}”`, strong: true },
      { text: `${keyFor(keyTable, 'back')} shows all rooms` },
    ]
  return [
    { text: 'Nobody is talking yet', strong: true },
    { text: `Press ${keyFor(keyTable, 'new-room')} to start a room; others see it here at once.` },
    { text: `Or ${keyFor(keyTable, 'palette')} to open one by its link.` },
  ]
}

const restWords = ({ hallway }: Model, first: number, end: number): string => {
  const shown = visibleRows(hallway)
  const below = `${shown.length - end}${hallway.nextCursor === null ? '' : '+'} more below`
  const fresh = shown.slice(end).filter(({ isNew }) => isNew).length
  const parts = [
    first > 0 ? `${first} above` : undefined,
    end < shown.length || hallway.nextCursor !== null ? `${below}${fresh > 0 ? `, ${fresh} new` : ''}` : undefined,
  ]
  return parts.filter((part) => part !== undefined).join(' · ')
}

type RoomRowProps = { row: HallwayRow; isSelected: boolean; height: number; columns: number; nowMs: number }

const RoomRow = ({ row: { room, isNew, isEnded }, isSelected, height, columns, nowMs }: RoomRowProps) => (
  <Box flexDirection="column" height={height} flexShrink={0} paddingRight={1} width={columns}>
    <Row
      left={
        <Box gap={1}>
          <Box flexShrink={0}>
            <Say tone="accent">{isSelected ? '▌' : ' '}</Say>
          </Box>
          {isNew ? (
            <Box flexShrink={0}>
              <Say tone="good">new</Say>
            </Box>
          ) : null}
          <Quote text={room.title} tone={isEnded ? 'dim' : isSelected ? 'strong' : 'plain'} />
        </Box>
      }
      right={<Say tone="dim">{isEnded ? 'ended' : roomFacts(room, columns)}</Say>}
    />
    {height > 1 ? (
      <Box paddingLeft={4}>
        <Row
          left={<Quote tone="dim" text={stageNames(room, Math.floor((columns - 6) * (room.playing ? 0.5 : 1)))} />}
          right={
            room.playing && !isEnded ? (
              <Quote tone="dim" text={cut(playingWords(room.playing, nowMs, false), Math.floor(columns / 2) - 3)} />
            ) : undefined
          }
        />
      </Box>
    ) : null}
  </Box>
)

/** `meditation · de  being recorded   2 on   148` */
const roomFacts = (room: Room, columns: number): string => {
  const recorded = room.isRecorded
    ? 'being recorded'
    : room.recording === 'flagged' && columns >= 70
      ? 'may be recorded'
      : ''
  const here = String(room.counts.speakers + room.counts.listeners)
  const about = columns >= 70 ? cut(aboutRoom(room), 24) : ''
  return [about, recorded, `${room.counts.speakers} on`.padStart(5), here.padStart(5)]
    .filter((part) => part !== '')
    .join('  ')
}

const stageNames = (room: Room, columns: number): string => {
  const names = room.stage.map(({ name, kind }) => (kind === 'bot' ? `${name} (bot)` : name))
  if (names.length === 0) return room.awaited ? `waiting for ${room.awaited.names.join(', ')}` : `by ${room.host.name}`
  const fit = fitting(names, columns - 5, 2, (name) => name)
  const more = names.length - fit.length
  return `${fit.join(', ')}${more > 0 ? ` +${more}` : ''}`
}
