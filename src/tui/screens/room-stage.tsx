import { Box } from 'ink'
import type { SeatParticipant, SeatState } from '../../protocol/seat.ts'
import { decibels, Meter } from '../components/meter.tsx'
import type { Focus } from '../model.ts'
import { tuningWords } from '../people.ts'
import { playedWords, restWords } from '../playing.ts'
import { Quote, Say, type Tone } from '../theme.tsx'

type StageProps = { seat: SeatState; focus: Focus | null; columns: number; rows: number; nowMs: number }

/** Who is on stage and who of them speaks now: the mark before the name says it without colour. */
export const Stage = ({ seat, focus, columns, rows, nowMs }: StageProps) => {
  const onStage = seat.participants.filter(({ role }) => role !== 'listener')
  const space = Math.max(1, rows - 1)
  const isCut = onStage.length > space
  const fits = isCut ? Math.max(1, space - 1) : space
  const at = focus?.section === 'stage' ? onStage.findIndex(({ id }) => id === focus.id) : 0
  const first = Math.max(0, Math.min(at - fits + 1, onStage.length - fits))
  const hidden = onStage.length - fits
  return (
    <Box flexDirection="column" height={rows} flexShrink={0} overflow="hidden">
      {rows > 1 ? <StageHeading seat={seat} count={onStage.length} columns={columns} nowMs={nowMs} /> : null}
      {onStage.length === 0 ? <EmptyStage seat={seat} /> : null}
      {onStage.slice(first, first + fits).map((person) => (
        <StageRow
          key={person.id}
          person={person}
          isChosen={focus?.section === 'stage' && focus.id === person.id}
          columns={columns}
        />
      ))}
      {isCut ? (
        <Box paddingLeft={3}>
          <Say tone="dim">{`… +${hidden} more on stage`}</Say>
        </Box>
      ) : null}
    </Box>
  )
}

/** Beside the heading, where nothing moves when it comes and goes: what a bot plays, and how long still. */
const StageHeading = ({
  seat,
  count,
  columns,
  nowMs,
}: Pick<StageProps, 'seat' | 'columns' | 'nowMs'> & { count: number }) => {
  const { playing } = seat.room
  if (!playing) return <Heading text="On stage" count={count} />
  const rest = restWords(playing, nowMs)
  return (
    <Box height={1} width={columns} flexShrink={0} paddingRight={1} gap={1}>
      <Box flexShrink={0}>
        <Heading text="On stage" count={count} />
      </Box>
      <Box flexShrink={0}>
        <Say tone="dim">·</Say>
      </Box>
      <Box flexShrink={1} overflow="hidden">
        <Quote text={playedWords(playing)} />
      </Box>
      {rest === '' ? null : (
        <Box flexShrink={0}>
          <Say>{rest}</Say>
        </Box>
      )}
    </Box>
  )
}

export const Heading = ({ text, count }: { text: string; count: number }) => (
  <Box height={1} flexShrink={0} paddingLeft={1}>
    <Say tone="dim">{count > 0 ? `${text} ${count}` : text}</Say>
  </Box>
)

const EmptyStage = ({ seat }: { seat: SeatState }) => (
  <Box paddingLeft={3} height={1} flexShrink={0}>
    <Quote
      tone="dim"
      text={seat.room.awaited ? `Waiting for ${seat.room.awaited.names.join(', ')}` : 'Nobody is on stage'}
    />
  </Box>
)

type StageRowProps = { person: SeatParticipant; isChosen: boolean; columns: number }

const StageRow = ({ person, isChosen, columns }: StageRowProps) => {
  const voice = voiceOf(person)
  const tuning = tuningWords(person)
  return (
    <Box height={1} flexShrink={0} gap={1} paddingRight={1} width={columns}>
      <Box width={2} flexShrink={0}>
        <Say tone="accent">{isChosen ? '▌' : ' '}</Say>
        <Say tone="good">{person.isSpeaking ? '▸' : ' '}</Say>
      </Box>
      <Box flexGrow={1} flexShrink={1} gap={1} overflow="hidden">
        <Box flexShrink={1}>
          <Quote text={person.isYou ? 'you' : person.name} tone={person.isSpeaking || isChosen ? 'strong' : 'plain'} />
        </Box>
        {tuning === '' ? null : (
          <Box flexShrink={0}>
            <Say tone="dim">{tuning}</Say>
          </Box>
        )}
        {columns < 44 && tuning === '' ? (
          <Box flexShrink={0}>
            <Say tone="dim">{roleWord(person)}</Say>
          </Box>
        ) : null}
      </Box>
      {columns < 44 ? null : (
        <Box width={9} flexShrink={0}>
          <Say tone="dim">{roleWord(person)}</Say>
        </Box>
      )}
      <Box width={6} flexShrink={0}>
        <Meter levelDb={person.isSpeaking ? person.levelDb : -100} />
      </Box>
      <Box width={voiceColumns} flexShrink={0}>
        <Say tone={voice.tone}>{voice.text}</Say>
      </Box>
    </Box>
  )
}

const voiceColumns = 7

const roleWord = ({ kind, role }: SeatParticipant): string => {
  if (kind === 'bot') return 'bot'
  return role === 'moderator' ? 'moderator' : ''
}

const voiceOf = (person: SeatParticipant): { text: string; tone: Tone } => {
  if (person.isAway) return { text: 'away', tone: 'warning' }
  if (person.quality === 'lost') return { text: 'no line', tone: 'warning' }
  if (person.mutedByModerator) return { text: 'barred', tone: 'warning' }
  if (person.isMuted) return { text: 'muted', tone: 'dim' }
  if (!person.isSpeaking) return { text: 'open', tone: 'plain' }
  return { text: decibels(person.levelDb), tone: 'plain' }
}
