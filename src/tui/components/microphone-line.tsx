import { Box } from 'ink'
import { isSounding, type SeatState } from '../../protocol/seat.ts'
import { keyFor } from '../bindings.ts'
import type { Model } from '../model.ts'
import { Quote, Say, type Tone } from '../theme.tsx'
import { ordinal, secondsUntil } from '../words.ts'
import { decibels, litCells, Meter } from './meter.tsx'

type MicrophoneContext = Pick<Model, 'nowMs' | 'keyTable'>
export type MicrophoneWords = { badge: string; tone: Tone; detail: string; isMetered: boolean }

/** What the microphone line says. The connection comes first: without it nobody hears you, whatever the switch says. */
export const microphoneWords = (seat: SeatState, { nowMs, keyTable }: MicrophoneContext): MicrophoneWords => {
  const { connection, you } = seat
  if (connection.status === 'joining') return words('JOINING', 'badge-warning', 'not heard yet')
  if (connection.status === 'left') return words('LEFT', 'badge', 'you are not in the room')
  if (connection.status === 'reconnecting')
    return words(`RECONNECTING ${secondsSince(connection.since, nowMs)} s`, 'badge-warning', connection.cause)
  if (connection.status === 'unresponsive')
    return words(`NO ANSWER ${secondsSince(connection.since, nowMs)} s`, 'badge-warning', 'the seat does not answer')
  switch (you.microphone) {
    case 'open':
      return { ...words('MIC OPEN', 'badge-good', ''), isMetered: true }
    case 'muted':
      if (!you.isMuted) return words('MIC OPENING', 'badge-warning', 'not heard yet')
      if (!you.isTalkingWhileMuted) return words('MUTED', 'badge', 'you are on stage, nobody hears you')
      return words('MUTED', 'badge-warning', `you are talking: ${keyFor(keyTable, 'toggle-mute')} to be heard`)
    case 'muted-by-moderator':
      return words('MUTED BY MODERATOR', 'badge-warning', 'you may speak when they allow it')
    case 'listening':
      return words('LISTENING', 'badge', '')
    case 'hand-raised':
      return words(`HAND RAISED${you.hand ? ` ${ordinal(you.hand.position)}` : ''}`, 'badge', you.hand?.question ?? '')
    case 'invited': {
      const { invitation } = you
      const detail = invitation ? `by ${invitation.by} · ${secondsUntil(invitation.expiresAt, nowMs)} s left` : ''
      const keys = `${keyFor(keyTable, 'accept')}/${keyFor(keyTable, 'decline')}`
      return words(`INVITED TO SPEAK (${keys})`, 'badge-good', detail)
    }
    case 'no-microphone':
      return words('NO MICROPHONE', 'badge-warning', isSounding(seat.devices.speaker) ? 'you can listen' : elsewhere)
  }
}

const secondsSince = (iso: string, nowMs: number) => Math.max(0, Math.round((nowMs - Date.parse(iso)) / 1000))

/** Without sound on this machine a room can still be heard by its link. */
const elsewhere = 'link: roomtone status'

/** Always the same row: whether you are heard, and how well the line holds. */
export const MicrophoneLine = ({ seat, model }: { seat: SeatState; model: Model }) => {
  const { badge, tone, detail, isMetered } = microphoneWords(seat, model)
  const { columns } = model
  const { you } = seat
  return (
    <Box height={1} flexShrink={0} gap={1} overflow="hidden">
      <Box flexShrink={0}>
        <Say tone={tone}>{` ${badge} `}</Say>
      </Box>
      {isMetered ? (
        <Box flexShrink={0} gap={1}>
          <Meter levelDb={you.levelDb} />
          <Box width={6}>{litCells(you.levelDb) > 0 ? <Say>{decibels(you.levelDb)}</Say> : null}</Box>
        </Box>
      ) : null}
      <Box flexGrow={1} flexShrink={1} overflow="hidden">
        <Quote text={detail} />
      </Box>
      {you.isDeafened ? (
        <Box flexShrink={0}>
          <Say tone="badge-warning"> DEAFENED </Say>
        </Box>
      ) : null}
      {columns >= 64 ? (
        <Box flexShrink={0} paddingRight={1}>
          <Quote tone="dim" text={lineFacts(seat, columns)} />
        </Box>
      ) : null}
    </Box>
  )
}

const words = (badge: string, tone: Tone, detail: string): MicrophoneWords => ({
  badge,
  tone,
  detail,
  isMetered: false,
})

/** `62 ms · 0 % lost · Headphones` */
const lineFacts = ({ network, devices, you }: SeatState, columns: number): string => {
  const { speaker } = devices
  const playing = speaker.status === 'replaced' ? 'default' : speaker.name
  const sound = isSounding(speaker) ? shorten(playing, columns >= 100 ? 32 : 14) : 'no sound here'
  return [
    network.roundTripMs === null ? undefined : `${Math.round(network.roundTripMs)} ms`,
    network.lossPercent === null ? undefined : `${Math.round(network.lossPercent)} % lost`,
    you.volume === 100 ? undefined : `volume ${you.volume} %`,
    sound,
  ]
    .filter((fact) => fact !== undefined)
    .join(' · ')
}

const shorten = (name: string, characters: number): string => {
  const all = [...name]
  return all.length > characters ? `${all.slice(0, characters - 1).join('')}…` : name
}
