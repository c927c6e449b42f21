import { Box } from 'ink'
import type { OccurrenceView } from '../../protocol/calendar.ts'
import type { Model } from '../model.ts'
import { Quote, Say } from '../theme.tsx'
import { dayAndTime, inHowLong, upcomingAt } from '../upcoming.ts'
import { widthOf } from '../width.ts'
import { aboutRoom } from '../words.ts'
import { Row } from './frame.tsx'
import { Choice } from './palette.tsx'

/** The next sessions, below the rooms, as many as there is space for. */
export const Upcoming = ({ model, rows }: { model: Model; rows: number }) => {
  const { nowMs, columns } = model
  const events = upcomingAt(model.hallway.events, nowMs).slice(0, rows - 2)
  if (rows < 3 || events.length === 0) return null
  const timeColumns = timeWidth(events, nowMs)
  return (
    <Box flexDirection="column" height={events.length + 2} flexShrink={0} paddingTop={1}>
      <Box paddingLeft={1}>
        <Say tone="dim">Upcoming</Say>
      </Box>
      {events.map((event) => (
        <Box key={event.eventId + event.ruled} paddingLeft={3} paddingRight={1} width={columns}>
          <EventRow event={event} nowMs={nowMs} columns={columns} timeColumns={timeColumns} />
        </Box>
      ))}
    </Box>
  )
}

/** All of them, to choose from. */
export const UpcomingList = ({ model, index, rows }: { model: Model; index: number; rows: number }) => {
  const { nowMs, columns } = model
  const events = upcomingAt(model.hallway.events, nowMs)
  const fits = Math.max(1, rows - 1)
  const first = Math.max(0, Math.min(index - fits + 1, events.length - fits))
  const shown = events.slice(first, first + fits)
  const timeColumns = timeWidth(shown, nowMs)
  return (
    <Box flexDirection="column" height={rows} overflow="hidden" paddingRight={1}>
      <Box paddingLeft={1} height={1} flexShrink={0}>
        <Say tone="strong">{events.length === 0 ? 'No session is announced' : 'Upcoming'}</Say>
      </Box>
      {shown.map((event, row) => (
        <Choice key={event.eventId + event.ruled} isChosen={first + row === index}>
          <EventRow event={event} nowMs={nowMs} columns={columns} timeColumns={timeColumns} />
        </Choice>
      ))}
    </Box>
  )
}

const timeWidth = (events: OccurrenceView[], nowMs: number): number =>
  Math.max(0, ...events.map(({ startsAt }) => widthOf(dayAndTime(startsAt, nowMs))))

type EventRowProps = { event: OccurrenceView; nowMs: number; columns: number; timeColumns: number }

const EventRow = ({ event, nowMs, columns, timeColumns }: EventRowProps) => {
  const facts = [columns >= 70 && aboutRoom(event), columns >= 50 && event.host.name].filter((fact) => fact).join(' · ')
  const isLive = event.room?.isLive === true
  return (
    <Row
      left={
        <Box gap={2}>
          <Box width={timeColumns} flexShrink={0}>
            <Say tone="dim">{dayAndTime(event.startsAt, nowMs)}</Say>
          </Box>
          <Box flexShrink={1}>
            <Quote text={event.title} />
          </Box>
          {facts === '' ? null : (
            <Box flexShrink={1000} overflow="hidden">
              <Quote tone="dim" text={facts} />
            </Box>
          )}
        </Box>
      }
      right={<Say tone={isLive ? 'good' : 'dim'}>{isLive ? 'live' : inHowLong(event.startsAt, nowMs)}</Say>}
    />
  )
}
