import { type Instance, render } from 'ink'
import { App } from './app.tsx'
import type { TuiDeps } from './deps.ts'
import type { Desk } from './desk.ts'
import { openScreen, type Terminal } from './terminal.ts'

export type Picture = {
  /** Draws everything anew, at the terminal's present size. */
  redraw: () => void
  /** Gives the terminal to the shell and stops this process (Ctrl+Z). */
  suspend: () => void
  resume: () => void
  close: () => void
}

type PictureOptions = {
  deps: Pick<TuiDeps, 'stdin' | 'stdout' | 'color'>
  desk: Desk
  terminal: Terminal
  onError: (error: unknown) => void
}

/** How long after a stop that did not happen the picture comes back: an orphaned process group ignores SIGTSTP. */
const notStoppedMs = 300

/** Keeps Ink mounted on the alternate screen. */
export const startPicture = ({ deps, desk, terminal, onError }: PictureOptions): Picture => {
  const { stdin, stdout, color } = deps
  const { model, subscribe, dispatch } = desk
  let instance: Instance | undefined
  let pending: NodeJS.Immediate | undefined
  let isClosed = false

  const mount = () => {
    if (isClosed || instance) return
    terminal.enter()
    const app = (
      <App model={model} subscribe={subscribe} onKey={(key) => dispatch({ type: 'key', key })} color={color} />
    )
    instance = render(app, {
      stdin,
      stdout: openScreen(stdout),
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
