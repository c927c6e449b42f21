import pino from 'pino'
import type { Log, LogEntry } from './deps.ts'

/** JSON lines on stderr, or entries to `sink`. */
export const createLog = (sink?: (entry: LogEntry) => void): Log => {
  if (sink) return (level, event, facts) => sink({ level, event, ...facts })
  const logger = pino(
    { base: null, timestamp: pino.stdTimeFunctions.isoTime, formatters: { level: (level) => ({ level }) } },
    pino.destination({ fd: 2, sync: true }),
  )
  return (level, event, facts) => logger[level]({ event, ...facts })
}
