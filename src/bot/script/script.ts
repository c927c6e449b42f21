import type { Schedule } from '../../schedule/schedule.ts'
import type { Place } from '../../yaml/problem.ts'

export type { Place }

/** A `*.session.yaml` as a value: includes and variants resolved, paths absolute, times in ms. The JSON Schema describes the file. */
export type SessionScript = {
  file: string
  /** All that was read: the script itself and what it includes. */
  files: string[]
  /** Which of the variants this is, and all there are; null and empty where the script has none. */
  variant: string | null
  variants: string[]
  /** The session's own name, unique for its account: letters, digits, hyphens. */
  name: string
  room: SessionRoom
  schedule: (Schedule & { catchupMs: number }) | null
  speech: SpeechSettings
  beds: Record<string, Bed>
  /** In the order of the file. */
  cues: Cue[]
  /** When the session ends, in session time; null: after the last cue. */
  endMs: number | null
  when: {
    /** Nobody but bots is there. */
    empty: 'continue' | 'pause' | 'end'
    /** After a crash or a cut: where it should be by the clock, or the place where it stopped. */
    crash: 'clock' | 'place'
    /** After a pause by a human: the rest is later by as much, or goes on where the clock is. */
    late: 'shift' | 'clock'
    /** After the program: the room is ended or kept. */
    ended: 'end-room' | 'keep-room'
  }
  alerts: (Alert & { place: Place })[]
}

export type SessionRoom = {
  /** `{date}` and `{time}` in title and topic are for `fillText` of text.ts: only the sitting knows them. */
  title: string
  topic: string | null
  language: string | null
  /** A room that is there already, by id or link; else one is opened. */
  existing: string | null
  opensBeforeMs: number
  closesAfterMs: number
  hands: 'everyone' | 'off' | { list: string[] }
  sound: 'voice' | 'music'
  cohosts: string[]
  /** The bot's own name in the room. */
  bot: string | null
}

/** `command`: the program and its arguments; text comes by stdin, `{out}` is the WAV file to write, `{text}` the text. */
export type SpeechSettings = {
  engine: { kind: 'flite' } | { kind: 'command'; command: string[] }
  voice: string
  /** 1 is the voice's own pace, 1.3 a calm one. */
  stretch: number
}

export type Bed = {
  name: string
  item: SoundItem
  /** The end of the loop is faded into its start for this long; null: it is not looped. */
  loopFadeMs: number | null
  duck: Duck | null
  place: Place
}

export type Duck = { under: ('voice' | 'speakers')[]; byDb: number; attackMs: number; releaseMs: number }

/** A file is absolute and not yet opened; a folder and an M3U or PLS list give many files. */
export type SoundItem =
  | { kind: 'file'; path: string }
  | { kind: 'folder'; path: string }
  | { kind: 'list'; path: string }
  | { kind: 'url'; url: string }
  | { kind: 'stdin' }

export type CueTime =
  | { kind: 'at'; ms: number }
  /** `everyMs` apart, from `fromMs` to `untilMs` (session time; null: to the end), both included. */
  | { kind: 'every'; everyMs: number; fromMs: number; untilMs: number | null }
  /** So long before the session's end. */
  | { kind: 'from-end'; ms: number }
  /** When the cue before it in the file is over. */
  | { kind: 'after' }
  /** Only when somebody asks for it by name. */
  | { kind: 'manual' }

export type Cue = {
  /** What `cue NAME` and `goto NAME` say; given, or made from place and action and unique. */
  name: string
  title: string | null
  time: CueTime
  action: CueAction
  place: Place
}

export type CueAction =
  | {
      kind: 'play'
      /** With its weight among the others where the order is `weighted`; 1 unless said. */
      items: { item: SoundItem; weight: number; place: Place }[]
      order: 'given' | 'shuffle' | 'weighted'
      /** Begins again after the last. */
      isLooped: boolean
      /** How long at most; null: to its end. Streams and stdin need one, or a cue after them. */
      forMs: number | null
      crossfadeMs: number
      fadeInMs: number
      fadeOutMs: number
      /** On top of the measured gain. */
      gainDb: number
    }
  /** `{listeners}`, `{date}` and `{time}` stand in the text as they are: `fillText` puts them in when the cue is near. */
  | { kind: 'say'; text: string; voice: string | null; gainDb: number }
  /** Null: the bell that ships. */
  | { kind: 'bell'; path: string | null; times: number; everyMs: number; gainDb: number }
  | { kind: 'silence'; ms: number }
  /** Null: the bed that sounds is faded out. */
  | { kind: 'bed'; bed: string | null; fadeMs: number }
  /** The floor is open for `ms`; each hand is admitted for `eachMs`, and a gentle bell says that the time is over. */
  | { kind: 'floor'; ms: number; eachMs: number; isSkippedWithoutHuman: boolean; isBellRung: boolean }

export type AlertKind = 'not-on-air' | 'dead-air' | 'check-failed' | 'unhosted'
/** Each is told once when it begins and once when it is over. No kinds: all. */
export type Alert = { kinds: AlertKind[] } & ({ command: string[] } | { webhook: string })
