import type { ChildProcess } from 'node:child_process'

/**
 * Tells, once, how a forked process ended: by its signal or its exit code. All that it had sent has come by then: the
 * news of an end may be quicker than the last words, which the channel holds until it is read to its end.
 */
export const onProcessEnd = (child: ChildProcess, tell: (how: string) => void): void => {
  child.once('exit', (code, signal) => {
    const end = () => tell(signal ?? `exit code ${code}`)
    if (child.connected) child.once('disconnect', end)
    else end()
  })
}
