import { Box } from 'ink'
import type { SeatParticipant, SeatState } from '../../protocol/seat.ts'
import { cleanLine } from '../../protocol/text.ts'
import { nameColumns } from '../layout.ts'
import type { Focus } from '../model.ts'
import { Say } from '../theme.tsx'
import { Heading } from './room-stage.tsx'

type AudienceProps = { seat: SeatState; focus: Focus | null; columns: number; rows: number; perLine: number }

/** How many listen, and a page of their names in columns. Pages are whole, so that nothing moves while one is read. */
export const Audience = ({ seat, focus, columns, rows, perLine }: AudienceProps) => {
  if (rows < 1) return null
  const total = seat.counts.listeners
  const from = seat.participants.findIndex(({ role }) => role === 'listener')
  const chosen = focus?.section === 'listening' ? seat.participants.findIndex(({ id }) => id === focus.id) : -1
  const perPage = perLine * (rows - 1)
  const first = chosen < from || perPage === 0 ? 0 : Math.floor((chosen - from) / perPage) * perPage
  const page = from < 0 ? [] : seat.participants.slice(from + first, from + first + perPage)
  const lines = Array.from({ length: Math.ceil(page.length / perLine) }, (_, line) =>
    page.slice(line * perLine, (line + 1) * perLine),
  )
  return (
    <Box flexDirection="column" height={rows} width={columns} flexShrink={0} overflow="hidden">
      <Heading text={headingOf(total, first, page.length, seat.participants[chosen], rows)} count={0} />
      {lines.map((line) => (
        <Box key={line[0]!.id} height={1} flexShrink={0} paddingLeft={2}>
          {line.map((person) => (
            <Name key={person.id} person={person} isChosen={person.id === focus?.id && chosen >= from} />
          ))}
        </Box>
      ))}
    </Box>
  )
}

const Name = ({ person, isChosen }: { person: SeatParticipant; isChosen: boolean }) => (
  <Box width={nameColumns} flexShrink={0} paddingRight={1}>
    <Say tone="accent">{isChosen ? '▌' : ' '}</Say>
    <Say tone={isChosen || person.isYou ? 'strong' : 'plain'}>{shownName(person)}</Say>
  </Box>
)

/** `Listening 10000 · 37 to 72`; where there is no row for names, the chosen one stands here. */
const headingOf = (total: number, first: number, shown: number, chosen: SeatParticipant | undefined, rows: number) => {
  if (total === 0) return 'Nobody is listening yet'
  if (rows === 1 && chosen?.role === 'listener') return `Listening ${total} · ▌${shownName(chosen)}`
  const isWhole = shown >= total || shown === 0
  return `Listening ${total}${isWhole ? '' : ` · ${first + 1} to ${first + shown}`}`
}

const shownName = (person: SeatParticipant): string => {
  const name = person.isYou ? 'you' : cleanLine(person.name)
  return `${person.hasHandUp ? '✋ ' : ''}${name}${person.isAway ? ' (away)' : ''}`
}
