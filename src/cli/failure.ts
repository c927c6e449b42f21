import { leaveExitCodes, type SeatLeaveReason } from '../protocol/seat.ts'
import { cleanLine } from '../protocol/text.ts'

export type Failure = Error & { code: string }

/** An error told by its code; `message` is one sentence for a person. */
export const failure = (code: string, message: string): Failure => Object.assign(new Error(message), { code })

export const codeOf = (error: unknown): string | undefined => {
  const code = (error as { code?: unknown } | null)?.code
  return typeof code === 'string' ? code : undefined
}

/** The exit code of docs/cli.md for an error of any layer; what nobody named is a plain failure. */
export const exitCodeOf = (error: unknown): number => exitCodes[codeOf(error) ?? ''] ?? 1

/** The exit code of a seat that is gone, by the reason it gave. */
export const exitCodeOfLeaving = (reason: string): number => leaveExitCodes[reason as SeatLeaveReason] ?? 1

/** The exit code of a stay that is over; why it failed or never came about is told by the error behind it, if there is one. */
export const exitCodeOfEnd = ({ reason, code }: { reason: string; code: string | null }): number =>
  code !== null && (reason === 'failed' || reason === 'unreachable') ? exitCodeOf({ code }) : exitCodeOfLeaving(reason)

/** One clear sentence about an error of any layer, on one line, without a stack trace; part of it may be a stranger's. */
export const sentenceOf = (error: unknown): string => cleanLine(messageOf(error))

const messageOf = (error: unknown): string => {
  const code = codeOf(error)
  const told = (error as { message?: unknown } | null)?.message
  const message = typeof told === 'string' ? told : String(error)
  const known = code === undefined ? undefined : systemSentences[code]
  if (known) return known(error as NodeJS.ErrnoException)
  const line = message.split('\n')[0]?.trim() ?? ''
  if (line === '') return code ?? 'something failed without saying why'
  // A sentence for a person comes with a code of ours; anything else is a defect, and says so.
  return code === undefined ? `internal error: ${line} (ROOMTONE_DEBUG=1 shows where)` : line
}

const exitCodes: Record<string, number> = {
  // of the wire (protocol/errors)
  'bad-request': 2,
  'too-large': 2,
  'sign-in-needed': 4,
  'token-expired': 4,
  'token-reused': 4,
  'wrong-code': 4,
  'code-expired': 4,
  'rate-limited': 5,
  'not-allowed': 5,
  'recording-off': 5,
  'hands-off': 5,
  kicked: 5,
  'room-full': 5,
  conflict: 5,
  'not-found': 6,
  'not-in-room': 6,
  'seat-replaced': 8,
  'room-ended': 8,
  'media-unavailable': 7,
  unavailable: 7,
  // of this machine
  unreachable: 7,
  'store-unreachable': 7,
  'bad-input': 2,
  'bad-config': 2,
  'bad-script': 2,
  'not-audio': 2,
  'no-device': 6,
  'no-seat': 6,
  ENOENT: 6,
  // of a check
  quota: 7,
  busy: 7,
  encrypted: 2,
  'runner-crashed': 3,
  interrupted: 130,
}

const pathOf = (error: NodeJS.ErrnoException): string => error.path ?? 'a file'

const systemSentences: Record<string, (error: NodeJS.ErrnoException) => string> = {
  ENOENT: (error) => `no such file: ${pathOf(error)}`,
  EACCES: (error) => `no permission for ${pathOf(error)}`,
  EPERM: (error) => `no permission for ${pathOf(error)}`,
  EISDIR: (error) => `${pathOf(error)} is a folder, not a file`,
  ENOTDIR: (error) => `${pathOf(error)} has a file where a folder should be`,
  EROFS: (error) => `${pathOf(error)} is on a read-only file system`,
  ENOSPC: (error) => `the disk is full${error.path ? `: ${error.path}` : ''}`,
  EADDRINUSE: () => 'the port is taken: choose another with --port',
}
