import { Box } from 'ink'
import type { SeatParticipant, SeatState } from '../../protocol/seat.ts'
import { Sentence } from '../components/sentence.tsx'
import type { Model } from '../model.ts'
import { isModerator, personActions, personById } from '../people.ts'
import { Quote, Say } from '../theme.tsx'
import { placeInLine } from '../words.ts'
import { Heading } from './room-stage.tsx'

type SideProps = { model: Model; seat: SeatState; columns: number; rows: number }

/** Beside the people: what you may do to the chosen one, or the hands in order, with the chosen one's card below. */
export const SidePanel = ({ model, seat, columns, rows }: SideProps) => {
  const { overlay, focus } = model
  const menuPerson = overlay?.kind === 'menu' ? personById(seat, overlay.personId) : undefined
  if (menuPerson && overlay?.kind === 'menu')
    return <Menu person={menuPerson} seat={seat} columns={columns} rows={rows} index={overlay.index} />
  const person = focus ? personById(seat, focus.id) : undefined
  const hasCard = person !== undefined && model.columns >= 100 && rows >= 12
  const handRows = Math.min(hasCard ? rows - 7 : rows, Math.max(1, seat.hands.length) + 1)
  return (
    <Box flexDirection="column" width={columns} flexShrink={0} overflow="hidden">
      {isModerator(seat) ? <Hands model={model} seat={seat} rows={handRows} /> : null}
      {hasCard ? <Card person={person} seat={seat} columns={columns} rows={7} /> : null}
    </Box>
  )
}

const Hands = ({ model, seat, rows }: { model: Model; seat: SeatState; rows: number }) => {
  const { hands } = seat
  const { focus } = model
  const space = Math.max(1, rows - 1)
  const at = focus?.section === 'hands' ? hands.findIndex(({ participantId }) => participantId === focus.id) : 0
  const fits = hands.length > space ? Math.max(1, space - 1) : space
  const first = Math.max(0, at - fits + 1)
  return (
    <Box flexDirection="column" height={rows} flexShrink={0} overflow="hidden">
      <Heading text="Hands" count={hands.length} />
      {hands.length === 0 ? (
        <Box paddingLeft={3}>
          <Say tone="dim">no hand is up</Say>
        </Box>
      ) : null}
      {hands.slice(first, first + fits).map((hand) => (
        <Box key={hand.participantId} height={1} flexShrink={0} gap={1} paddingRight={1}>
          <Box flexShrink={0} width={4} justifyContent="space-between">
            <Say tone="accent">{focus?.section === 'hands' && focus.id === hand.participantId ? '▌' : ' '}</Say>
            <Say tone="dim">{String(hand.position)}</Say>
          </Box>
          <Box flexShrink={hand.question ? 0 : 1}>
            <Quote tone="strong" text={hand.name} />
          </Box>
          {hand.question ? <Quote text={hand.question} /> : null}
        </Box>
      ))}
      {hands.length > fits ? (
        <Box paddingLeft={3}>
          <Say tone="dim">{`… +${hands.length - fits} more`}</Say>
        </Box>
      ) : null}
    </Box>
  )
}

type PersonProps = { person: SeatParticipant; seat: SeatState; columns: number; rows: number }

type MenuProps = PersonProps & { index: number }

/** Name and facts stand above, as a rule in two rows; a longer menu is shown around what is chosen. */
const Menu = ({ person, seat, columns, rows, index }: MenuProps) => {
  const actions = personActions(seat, person)
  const fits = Math.max(1, rows - 2)
  const first = Math.max(0, Math.min(index - Math.floor(fits / 2), actions.length - fits))
  const shown = actions.slice(first, first + fits)
  return (
    <Box flexDirection="column" width={columns} height={rows} flexShrink={0} overflow="hidden" paddingLeft={1}>
      <PersonTitle person={person} seat={seat} columns={columns - 2} />
      {shown.map(({ key, label, isDangerous }, at) => (
        <Box key={key} gap={1} height={1} flexShrink={0}>
          <Say tone="accent">{first + at === index ? '▌' : ' '}</Say>
          <Say tone={isDangerous ? 'bad' : 'accent'}>{key}</Say>
          <Quote text={label} tone={first + at === index ? 'strong' : 'plain'} />
        </Box>
      ))}
    </Box>
  )
}

const Card = ({ person, seat, columns, rows }: PersonProps) => (
  <Box flexDirection="column" height={rows} flexShrink={0} overflow="hidden" paddingLeft={1}>
    <Say> </Say>
    <PersonTitle person={person} seat={seat} columns={columns - 2} />
    {person.volume === 100 ? null : <Say>{`${person.volume} % for you`}</Say>}
    {person.quality === 'unknown' ? null : <Say tone="dim">{`connection ${person.quality}`}</Say>}
  </Box>
)

const PersonTitle = ({ person, seat, columns }: Omit<PersonProps, 'rows'>) => {
  const hand = seat.hands.find(({ participantId }) => participantId === person.id)
  const facts = [
    person.handle ? `@${person.handle}` : undefined,
    person.kind === 'bot' ? 'bot' : person.role,
    person.mutedByModerator ? 'muted by a moderator' : undefined,
    person.isRecording ? 'recording' : undefined,
    person.isAway ? 'away' : undefined,
    hand ? `hand up, ${placeInLine(hand.position)}` : undefined,
  ]
  return (
    <Box flexDirection="column" flexShrink={0}>
      <Quote tone="strong" text={person.isYou ? `${person.name} (you)` : person.name} />
      <Quote tone="dim" text={facts.filter((fact) => fact !== undefined).join(' · ')} />
      {hand?.question ? <Sentence text={`“${hand.question}”`} columns={columns} /> : null}
    </Box>
  )
}
