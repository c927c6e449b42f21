import type { CueKind } from '../protocol/cues.ts'

/** What a seat's process is told to do. It comes over IPC, never on a command line: it may hold a token. */
export type SeatOrder = {
  seatId: string
  /** Where control sockets are; made with mode 0700. */
  folder: string
  /** A room of a server, with a sign-in file or a token; or a LiveKit room by its own token. */
  server?: string
  roomId?: string
  credentialsFile?: string
  token?: string
  url?: string
  mediaToken?: string
  /** Sent as User-Agent. */
  client?: string
  proxy?: { http?: string; https?: string; except?: string }
  /** `none`, `tone:HZ[@DBFS]`, `file:PATH`, `stdin`, `default` or the name of a device. */
  source: string
  /** `none`, `stdout`, `file:PATH.wav`, `default` or the name of a device. */
  speaker: string
  /** What is heard goes to a file or to standard output in stereo; a device has it anyway. */
  stereo?: boolean
  name?: string
  recording?: boolean
  unmuted?: boolean
  music?: boolean
  /** The noise of a microphone device is suppressed: unless this is false. */
  noise?: boolean
  /** Stays when its last face is gone. */
  detach?: boolean
  /** Leaves by itself so long after it has joined. */
  forMs?: number
  /** How long it waits, its microphone closed, for another face when the last one is gone; 2 s. */
  keepMs?: number
  /** A command line that is run at events, and its environment; see seat-hook. */
  hook?: { command: string; env: Record<string, string | undefined> }
  /** Where the volumes of people are remembered; without it they are not. */
  volumesFile?: string
  /** Which cues the speaker plays: a device, or with `cuesAnywhere` also a file or stdout. */
  cues?: CueKind[]
  cuesAnywhere?: boolean
  /** How much others are lowered while one speaks. */
  duckingDb?: number
  /** Remembers that headphones were advised; without it they are not. */
  hintFile?: string
  /** See audio/devices. */
  soundEngine?: string
  portaudioEntry?: string
}

/** What the process answers: that it is in the room, or why not; before that maybe what it waits for. */
export type SeatReport = { ok: true } | { ok: false; error: { code: string; message: string } } | { waiting: string }

/** What the parent says last: it has the control socket, and may go. */
export type SeatTaken = { taken: true }
