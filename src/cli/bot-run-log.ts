import type { BotRunEvent } from './bot-watch.ts'

export type LogLine = { level: 'info' | 'warn' | 'error'; name: BotRunEvent['type']; facts: Record<string, unknown> }

/** An event as one line of a structured log: which session, occurrence and cue, and what belongs to it; nobody is named. */
export const logEntryOf = (event: BotRunEvent, cue: string | null): LogLine => {
  const { at: _, type, session, occurrence, ...rest } = event
  const facts = Object.entries(rest).filter(([key]) => !(namesOfPeople[type] ?? []).includes(key))
  return { level: levelOf(event), name: type, facts: { session, occurrence, cue, ...Object.fromEntries(facts) } }
}

/** What somebody may have to look at. */
export const isTrouble = (event: BotRunEvent): boolean => levelOf(event) !== 'info'

const levelOf = (event: BotRunEvent): LogLine['level'] => {
  if (event.type === 'ended') return event.outcome === 'failed' ? 'error' : 'info'
  if (event.type === 'dead-air' || event.type === 'incident')
    return event.type === 'incident' && event.state === 'over' ? 'info' : 'error'
  return warnings.includes(event.type) ? 'warn' : 'info'
}

const warnings: readonly BotRunEvent['type'][] = ['warning', 'restarted', 'underrun', 'repair']

/** Who speaks, moderates or commands is in the room's own record, not here. */
const namesOfPeople: Partial<Record<BotRunEvent['type'], string[]>> = {
  joined: ['name'],
  admitted: ['name'],
  demoted: ['name'],
  paused: ['by'],
  command: ['by'],
}
