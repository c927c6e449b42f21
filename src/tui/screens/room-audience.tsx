import { Box } from 'ink'
import type { SeatParticipant, SeatState } from '../../protocol/seat.ts'
import { cleanLine } from '../../protocol/text.ts'
import type { Focus } from '../model.ts'
import { Say } from '../theme.tsx'
import { fitting, widthOf } from '../width.ts'
import { Heading } from './room-stage.tsx'

type AudienceProps = { seat: SeatState; focus: Focus | null; columns: number; rows: number }

/** Rows for the audience: what the stage leaves, at least a third of a tall body, at least the count in any. */
export const audienceHeight = (
  rows: number,
  { speakers, listeners }: SeatState['counts'],
  takenRows: number,
): number => {
  const space = rows - takenRows
  // A row of air between stage and audience, where there is one to spare.
  const left = space - (Math.max(1, speakers) + 1) - (rows >= 12 ? 1 : 0)
  const least = rows >= 12 ? Math.min(Math.floor(rows / 3), listeners + 1) : 1
  return Math.min(Math.max(0, space - 2), Math.max(least, left))
}

/** How many listen, and as many names as fit. */
export const Audience = ({ seat, focus, columns, rows }: AudienceProps) => {
  if (rows < 1) return null
  const chosenId = focus?.section === 'listening' ? focus.id : undefined
  const lines = nameLines(seat, chosenId, columns - 4, rows - 1)
  return (
    <Box flexDirection="column" height={rows} flexShrink={0} overflow="hidden">
      <Heading
        text={seat.counts.listeners > 0 ? 'Listening' : 'Nobody is listening yet'}
        count={seat.counts.listeners}
      />
      {lines.map((line) => (
        <Box key={line.names[0]?.id ?? 'more'} height={1} flexShrink={0} gap={2} paddingLeft={3}>
          {line.names.map((person) => (
            <Box key={person.id} flexShrink={0}>
              <Say tone={person.id === chosenId ? 'badge-good' : person.isYou ? 'strong' : 'plain'}>
                {shownName(person)}
              </Say>
            </Box>
          ))}
          {line.more > 0 ? <Say tone="dim">{`… +${line.more}`}</Say> : null}
        </Box>
      ))}
    </Box>
  )
}

type NameLine = { names: SeatParticipant[]; more: number }

/** Fills lines with names from the front, or from the chosen one where it would not be in view. */
const nameLines = (seat: SeatState, chosenId: string | undefined, columns: number, rows: number): NameLine[] => {
  const listeners = seat.participants.filter(({ role }) => role === 'listener')
  const front = fillLines(listeners, seat.counts.listeners, columns, rows)
  const isInView = chosenId === undefined || front.some(({ names }) => names.some(({ id }) => id === chosenId))
  if (isInView) return front
  const from = listeners.findIndex(({ id }) => id === chosenId)
  return fillLines(listeners.slice(Math.max(0, from)), seat.counts.listeners, columns, rows)
}

const fillLines = (people: SeatParticipant[], total: number, columns: number, rows: number): NameLine[] => {
  const lines: NameLine[] = []
  let at = 0
  while (lines.length < rows && at < people.length) {
    const rest = people.slice(at, at + columns)
    let names = fitting(rest, columns, 2, shownName)
    if (names.length === 0) names = rest.slice(0, 1)
    const isLast = lines.length === rows - 1 || at + names.length >= people.length
    if (isLast && at + names.length < total) names = fitting(rest, columns - 6 - widthOf(String(total)), 2, shownName)
    at += names.length
    lines.push({ names, more: isLast ? total - at : 0 })
    if (isLast) break
  }
  return lines
}

const shownName = (person: SeatParticipant): string => {
  const name = person.isYou ? 'you' : cleanLine(person.name)
  return `${person.hasHandUp ? '✋ ' : ''}${name}${person.isAway ? ' (away)' : ''}`
}
