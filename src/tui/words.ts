import { isSounding, type SeatLeaveReason, type SeatState } from '../protocol/seat.ts'
import { cleanLine } from '../protocol/text.ts'

/** `meditation · de`; empty where neither is known. */
export const aboutRoom = ({ topic, language }: { topic: string | null; language: string | null }): string =>
  cleanLine([topic, language].filter((fact) => fact !== null).join(' · '))

/** `German` for `de`; the tag itself where it has no name. */
export const languageName = (tag: string): string => {
  try {
    return new Intl.DisplayNames('en', { type: 'language' }).of(tag) ?? tag
  } catch {
    return tag
  }
}

/** 1 -> `1st`, 22 -> `22nd`. */
export const ordinal = (position: number): string => {
  const lastTwo = position % 100
  const suffix = lastTwo >= 11 && lastTwo <= 13 ? 'th' : (['th', 'st', 'nd', 'rd'][position % 10] ?? 'th')
  return `${position}${suffix}`
}

/** 2 -> `second in line`; from the eleventh on in figures. */
export const placeInLine = (position: number): string => {
  const words = ['first', 'second', 'third', 'fourth', 'fifth', 'sixth', 'seventh', 'eighth', 'ninth', 'tenth']
  return `${words[position - 1] ?? ordinal(position)} in line`
}

/** `18:02`, or `18:02:07`, on this machine's clock. */
export const clockTime = (iso: string, hasSeconds = false): string => {
  const at = new Date(iso)
  const parts = [at.getHours(), at.getMinutes(), ...(hasSeconds ? [at.getSeconds()] : [])]
  return parts.map((part) => String(part).padStart(2, '0')).join(':')
}

/** `live 12 min`, by the minute so that an idle screen stays still; undefined when the start is not known. */
export const liveFor = (startedAt: string | null, nowMs: number): string | undefined => {
  if (!startedAt) return undefined
  const minutes = Math.max(0, Math.floor((nowMs - Date.parse(startedAt)) / 60_000))
  if (minutes < 1) return 'just started'
  return minutes < 60 ? `live ${minutes} min` : `live ${Math.floor(minutes / 60)} h ${minutes % 60} min`
}

/** Whole seconds from `nowMs` until `iso`, never below zero. */
export const secondsUntil = (iso: string, nowMs: number): number =>
  Math.max(0, Math.ceil((Date.parse(iso) - nowMs) / 1000))

export const count = (many: number, one: string, more = `${one}s`): string => `${many} ${many === 1 ? one : more}`

/** `Lena, Omar and Wei` */
export const listNames = (names: string[]): string =>
  names.length < 2 ? (names[0] ?? '') : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`

/** Whether it is you who is told by name to have ended the room: no other moderator here has that name. */
export const isByYou = ({ you, participants }: SeatState, by: string | null): boolean =>
  by === you.name &&
  you.role === 'moderator' &&
  !participants.some(({ isYou, role, name }) => !isYou && role === 'moderator' && name === by)

export type Ending = { what: string; next: string }

/** Why a seat ended, and what its owner can do now. */
export const ending = (reason: SeatLeaveReason, by: string | null, isByYou = false): Ending => {
  const who = by ?? 'a moderator'
  switch (reason) {
    case 'room-ended':
      if (isByYou) return { what: 'You ended the room.', next: 'Find another one, or start your own.' }
      return {
        what: by ? `${by} ended the room.` : 'The room has ended.',
        next: 'Find another one, or start your own.',
      }
    case 'kicked':
      return { what: `You were removed by ${who}.`, next: 'You cannot come back to this room.' }
    case 'replaced':
      return { what: 'Another device took your seat.', next: 'You are in the room there; this one stays out.' }
    case 'lost':
      return { what: 'The connection was lost for too long.', next: 'Join again when the network is back.' }
    case 'unreachable':
      return { what: 'The server could not be reached.', next: 'Join again when the network is back.' }
    case 'signed-out':
      return { what: 'You were signed out.', next: 'Sign in again to come back.' }
    case 'not-allowed':
      return { what: 'The room does not let you in.', next: 'Its rules or its host decide.' }
    case 'interrupted':
      return { what: 'The seat was interrupted.', next: 'Join again whenever you like.' }
    case 'failed':
      return { what: 'The seat failed.', next: '`roomtone doctor` may say why. You can join again.' }
    case 'left':
    case 'done':
      return { what: 'You left the room.', next: 'Join again whenever you like.' }
  }
}

/** What stands in the way of being heard, or that nothing does; a whole sentence. */
export const microphoneSentence = (state: SeatState): string => {
  const { you } = state
  switch (you.microphone) {
    case 'open':
      return 'Your microphone is open: you are heard.'
    case 'muted':
      if (!you.isMuted) return 'Your microphone opens in a moment.'
      return you.isTalkingWhileMuted ? 'You are talking, but your microphone is muted.' : 'Your microphone is muted.'
    case 'muted-by-moderator':
      return 'A moderator muted your microphone.'
    case 'listening':
      return 'You are listening.'
    case 'hand-raised':
      return you.hand ? `Your hand is up, ${placeInLine(you.hand.position)}.` : 'Your hand is up.'
    case 'invited':
      return you.invitation ? `${you.invitation.by} invites you to speak.` : 'You are invited to speak.'
    case 'no-microphone':
      if (isSounding(state.devices.speaker)) return 'You have no microphone; you can still listen.'
      // `none` is what was chosen, and no fault of this machine.
      return state.devices.speaker.name === 'none'
        ? 'You have no microphone, and no speaker was chosen.'
        : 'This machine has no sound; you can listen elsewhere by the link.'
  }
}

/** With a space before it; nothing where all is as loud as it comes. */
export const volumeSentence = ({ you }: SeatState): string => (you.volume === 100 ? '' : ` Volume ${you.volume} %.`)
