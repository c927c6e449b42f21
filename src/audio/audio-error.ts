/**
 * What can go wrong in sound: `bad-input` (a specification nobody can read), `bad-frame` (PCM of an illegal shape),
 * `bad-packet` (Opus that does not decode), `not-found` (no such file), `not-audio` (a file without sound we can
 * decode), `not-readable` (a file the system refuses to open), `disk` (a recording that cannot be written).
 */
export type AudioErrorCode =
  | 'bad-input'
  | 'bad-frame'
  | 'bad-packet'
  | 'not-found'
  | 'not-audio'
  | 'not-readable'
  | 'disk'

export type AudioError = Error & { code: AudioErrorCode }

/** An error told by its code; the message is one sentence for people. */
export const audioError = (code: AudioErrorCode, message: string, cause?: unknown): AudioError =>
  Object.assign(new Error(message, cause === undefined ? undefined : { cause }), { code })
