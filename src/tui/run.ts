import type { Account } from '../protocol/accounts.ts'
import { cleanLine } from '../protocol/text.ts'
import type { SeatLine, TuiDeps } from './deps.ts'
import { startDesk } from './desk.ts'
import { guardProcess } from './guard.ts'
import { type Picture, startPicture } from './picture.tsx'
import { openTerminal, sizeOf } from './terminal.ts'

type Outcome =
  | { exitCode: number; farewell?: string }
  | { seat: SeatLine | undefined; account: Account | undefined; stdin: NodeJS.ReadStream }

/**
 * Runs the terminal UI until its user quits, or asks for plain lines: then it gives what goes there. The terminal is given back as it was on every way out:
 * quitting, a signal, a hang-up, an error that nobody caught (which is then thrown here).
 */
export const runTui = async (deps: TuiDeps): Promise<Outcome> => {
  const { stdin, stdout } = deps
  const terminal = openTerminal(stdin, stdout)
  const undo: (() => void)[] = [terminal.leave]
  let picture: Picture | undefined
  try {
    const outcome = await new Promise<Outcome>((resolve, reject) => {
      const desk = startDesk({
        deps,
        ...sizeOf(stdout),
        now: Date.now,
        onQuit: (code, words) => resolve({ exitCode: code, farewell: words }),
        onRedraw: () => picture?.redraw(),
        onSuspend: () => picture?.suspend(),
        onSwap: (carried) => resolve({ ...carried, stdin }),
        onCopy: terminal.copy,
      })
      undo.unshift(desk.close)
      terminal.onTyped(desk.dispatch)
      picture = startPicture({ deps, desk, terminal, onError: reject })
      undo.unshift(picture.close)
      const guarded = guardProcess({
        stdin,
        stdout,
        // As Ctrl+C does: leave the room, within bounds, then end.
        onInterrupt: () => desk.dispatch({ type: 'key', key: 'ctrl+c' }),
        // The seat stays for a while: who lost a terminal may attach to it from another.
        onGone: () => resolve({ exitCode: 130 }),
        onError: reject,
        onResize: () => desk.dispatch({ type: 'resized', ...sizeOf(stdout) }),
        onContinue: () => picture?.resume(),
        onExit: terminal.leave,
      })
      undo.push(guarded.close)
    })
    const farewell = 'farewell' in outcome && outcome.farewell
    undo.push(() => farewell && stdout.write(`${cleanLine(farewell)}\n`))
    return outcome
  } finally {
    for (const close of undo) close()
  }
}
