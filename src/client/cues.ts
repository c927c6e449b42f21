import { type Note, renderChime } from '../audio/chime.ts'
import type { CueKind } from '../protocol/cues.ts'
import type { SeatState } from '../protocol/seat.ts'

const notes = (ms: number, ...hz: number[]): Note[] => hz.map((each) => ({ hz: each, ms }))

// Up is a way in, down a way out; what is about the connection is low.
const melodies: Record<CueKind, Note[]> = {
  open: notes(80, 660, 880),
  closed: notes(80, 880, 660),
  invited: notes(90, 660, 830, 990, 830),
  reconnecting: notes(120, 330, 294),
  back: notes(80, 330, 440, 587),
  // With a rest: the speaker is closed after it, and what the device still holds is heard before.
  removed: [...notes(130, 494, 392, 294), { hz: 0, ms: 200 }],
}

/** Samples of one channel at 48 kHz. */
export const cueSound = (kind: CueKind): Int16Array => renderChime(melodies[kind])

/** A cut that is over sooner, or turns out to be the end, is not worth a sound. */
const CUT_MS = 500

export type Cues = {
  /** Plays what a change of the seat sounds like. */
  follow(was: SeatState, is: SeatState): void
  /** The stay is over; only an end that was not wished is heard. */
  end(isWished: boolean): void
  /** Which are played from now on. */
  choose(kinds: readonly CueKind[]): void
}

/** Short sounds for one's own ears, which `play` is given as `cueSound` makes them. */
export const createCues = (kinds: readonly CueKind[], play: (samples: Int16Array) => void): Cues => {
  let chosen = new Set(kinds)
  let isToldOpen = false
  const cue = (kind: CueKind) => {
    if (chosen.has(kind)) play(cueSound(kind))
  }
  let cut: NodeJS.Timeout | undefined
  let isToldCut = false
  const tellCut = () => {
    isToldCut = true
    cue('reconnecting')
  }
  const followConnection = (status: SeatState['connection']['status']) => {
    if (status === 'reconnecting') {
      cut ??= setTimeout(tellCut, CUT_MS)
      return
    }
    clearTimeout(cut)
    cut = undefined
    if (isToldCut && status === 'live') cue('back')
    isToldCut = false
  }
  return {
    follow: (was, is) => {
      followConnection(is.connection.status)
      if (is.you.invitation && !was.you.invitation) cue('invited')
      const isOpen = isMicrophoneOpen(is) ?? isToldOpen
      if (isOpen !== isToldOpen) cue(isOpen ? 'open' : 'closed')
      isToldOpen = isOpen
    },
    end: (isWished) => {
      clearTimeout(cut)
      if (!isWished) cue('removed')
      // The connection breaks with it, which is no news.
      chosen.clear()
    },
    choose: (next) => {
      chosen = new Set(next)
    },
  }
}

/** Undefined on the way there: wished open, and not sending yet, or for the time of a cut. */
const isMicrophoneOpen = ({ you }: SeatState): boolean | undefined => {
  if (you.microphone === 'open') return true
  return you.microphone === 'muted' && !you.isMuted ? undefined : false
}
