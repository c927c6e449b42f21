import { type CalendarEvent, calendarText } from '../../schedule/calendar.ts'
import type { SessionScript } from '../script/script.ts'
import { lastingText } from '../script/text.ts'

export type HostedSession = {
  script: SessionScript
  /** Null: without an end. */
  durationMs: number | null
  /** When the script was last changed, ms since 1970. */
  changedMs: number
}

/** What is shown of a session that has no end. */
const ENDLESS_MS = 3_600_000

/**
 * The calendar of what a host holds, as iCalendar text (RFC 5545). An event is known by its session's name and the host's;
 * SEQUENCE is when the script was last changed, in seconds, so that it grows with each change and needs no memory.
 */
export const calendarOf = (sessions: readonly HostedSession[], hostName: string, nowMs: number): string => {
  const events = sessions.flatMap(({ script, durationMs, changedMs }): CalendarEvent[] => {
    const { name, room, schedule: given } = script
    if (!given) return []
    const { catchupMs: _, ...schedule } = given
    return [
      {
        uid: `${name}@${hostName}`,
        sequence: Math.floor(changedMs / 1000),
        title: lastingText(room.title),
        description: room.topic,
        link: room.existing?.startsWith('http') ? room.existing : null,
        schedule,
        durationMs: durationMs ?? ENDLESS_MS,
        changedMs,
      },
    ]
  })
  return calendarText({ name: `Sessions on ${hostName}`, events, nowMs })
}
