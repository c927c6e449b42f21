type GuardOptions = {
  stdin: NodeJS.ReadStream
  stdout: NodeJS.WriteStream
  /** SIGINT, SIGTERM. */
  onInterrupt: () => void
  /** The terminal is no longer there, or hangs up: SIGHUP. */
  onGone: () => void
  /** What nobody caught. */
  onError: (error: unknown) => void
  onResize: () => void
  /** The process goes on after a stop. */
  onContinue: () => void
  /** Last chance, synchronous. */
  onExit: () => void
}

/** Everything that can end or stop the process, or change the terminal, while the terminal UI is up. */
export const guardProcess = (options: GuardOptions): { close: () => void } => {
  const { stdin, stdout, onInterrupt, onGone, onError, onResize, onContinue, onExit } = options
  const onProcess: [string, (argument: unknown) => void][] = [
    ['SIGINT', onInterrupt],
    ['SIGTERM', onInterrupt],
    ['SIGHUP', onGone],
    ['SIGCONT', onContinue],
    ['uncaughtException', onError],
    ['unhandledRejection', onError],
    ['exit', onExit],
  ]
  for (const [name, listener] of onProcess) process.on(name, listener)
  stdout.on('resize', onResize)
  stdout.on('error', onGone)
  stdin.on('error', onGone)
  stdin.on('end', onGone)
  return {
    close: () => {
      for (const [name, listener] of onProcess) process.off(name, listener)
      stdout.off('resize', onResize)
      stdin.off('end', onGone)
      // The error listeners stay: a terminal that is gone may answer late writes, and nobody is left to tell.
    },
  }
}
