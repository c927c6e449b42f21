import { type DOMElement, type Instance, render } from 'ink'
import { App } from './app.tsx'
import type { TuiDeps } from './deps.ts'
import type { Desk } from './desk.ts'
import { paintTree } from './painter.ts'
import { openScreen } from './screen.ts'
import { sizeOf, type Terminal } from './terminal.ts'

export type Picture = {
  /** Draws everything anew, at the terminal's present size. */
  redraw: () => void
  /** Gives the terminal to the shell and stops this process (Ctrl+Z). */
  suspend: () => void
  resume: () => void
  close: () => void
}

type PictureOptions = {
  deps: Pick<TuiDeps, 'stdin' | 'stdout' | 'color' | 'colorDepth'>
  desk: Desk
  terminal: Terminal
  onError: (error: unknown) => void
}

/** How long after a stop that did not happen the picture comes back: an orphaned process group ignores SIGTSTP. */
const notStoppedMs = 300

/** Keeps Ink mounted on the alternate screen. */
export const startPicture = ({ deps, desk, terminal, onError }: PictureOptions): Picture => {
  const { stdin, stdout } = deps
  const colors = { hasColor: deps.color, depth: deps.colorDepth }
  const { model, subscribe } = desk
  let instance: Instance | undefined
  let pending: NodeJS.Immediate | undefined
  let isClosed = false

  const mount = () => {
    if (isClosed || instance) return
    terminal.enter()
    const screen = openScreen(stdout)
    const { columns, rows } = sizeOf(stdout)
    const onPicture = (root: DOMElement) => screen.show(paintTree(root, columns, rows))
    instance = render(<App model={model} subscribe={subscribe} onPicture={onPicture} colors={colors} />, {
      stdin,
      stdout: nowhere(columns, rows),
      exitOnCtrlC: false,
      patchConsole: false,
      debug: true,
    })
    instance.waitUntilExit().catch(onError)
  }
  const unmount = () => {
    instance?.unmount()
    instance = undefined
  }
  // Keys arrive in the middle of React's work, which must not unmount itself.
  const soon = (work: () => void) => {
    clearImmediate(pending)
    pending = setImmediate(work)
  }
  const resume = () => {
    if (isClosed) return
    unmount()
    terminal.leave()
    mount()
  }

  mount()
  return {
    redraw: () =>
      soon(() => {
        if (!instance) return
        unmount()
        terminal.clear()
        mount()
      }),
    suspend: () =>
      soon(() => {
        unmount()
        terminal.leave()
        process.kill(process.pid, 'SIGTSTP')
        setTimeout(() => instance ?? resume(), notStoppedMs)
      }),
    resume,
    close: () => {
      isClosed = true
      clearImmediate(pending)
      unmount()
    },
  }
}

/** What Ink writes to: it lays out, the painter writes. Not called a terminal, or Ink would set cursors between pictures. */
export const nowhere = (columns: number, rows: number): NodeJS.WriteStream => {
  const sink = { isTTY: false, columns, rows, write: () => true, on: () => sink, off: () => sink }
  return sink as unknown as NodeJS.WriteStream
}
