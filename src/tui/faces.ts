import type { Account } from '../protocol/accounts.ts'
import type { SeatLine, TuiDeps } from './deps.ts'
import type { LineDeps } from './lines/deps.ts'
import { runLines } from './lines/run.ts'

export type Face = 'screen' | 'lines'

export type FaceDeps = Omit<TuiDeps, 'initialSeat' | 'initialAccount' | 'hasHallway'> &
  Pick<LineDeps, 'say' | 'note' | 'told' | 'canShowScreen' | 'onInterrupt' | 'onOutputClosed' | 'onHangUp'> & {
    /** Opens directly in the room of this seat, and ends with it. */
    initialSeat?: SeatLine
    /** Lines alone: something else reads stdin. */
    isStdinTaken?: boolean
  }

/** Shows one face, then the other whenever its user asks for that, on the same seat; gives the exit code. */
export const runFaces = async (deps: FaceDeps, first: Face): Promise<number> => {
  const { isStdinTaken, initialSeat, ...rest } = deps
  const shared = { ...rest, hasHallway: initialSeat === undefined }
  let face = first
  let seat = initialSeat
  let account: Account | undefined
  let stdin: NodeJS.ReadStream | undefined = isStdinTaken ? undefined : deps.stdin
  for (let isResumed = false; ; isResumed = true) {
    const carried = { initialSeat: seat, initialAccount: account, isResumed }
    const end =
      face === 'lines'
        ? await runLines({ ...shared, ...carried, typedFrom: stdin })
        : // Loaded when shown: Ink and React take as long as all the rest.
          await (await import('./run.ts')).runTui({ ...shared, ...carried, stdin: stdin ?? deps.stdin })
    if ('exitCode' in end) return end.exitCode
    ;({ seat, account, stdin } = end)
    // A paused terminal stops reading a tick later: the next face must not have begun to by then.
    await new Promise(setImmediate)
    face = face === 'lines' ? 'screen' : 'lines'
  }
}
