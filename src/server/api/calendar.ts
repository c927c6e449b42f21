import { apiError } from '../../protocol/errors.ts'
import type { Handlers } from '../call.ts'
import type { RoomContext } from '../room-context.ts'

type CalendarRoutes =
  | 'listCalendar'
  | 'registerSession'
  | 'cancelSession'
  | 'leaseOccurrence'
  | 'releaseOccurrence'
  | 'calendarFeed'
  | 'renewCalendarFeed'

/** Sessions that are announced, and who hosts them. */
export const calendarHandlers = (_context: RoomContext): Pick<Handlers, CalendarRoutes> => {
  const notYet = async (): Promise<never> => {
    throw apiError('unavailable', 'This server has no calendar yet.')
  }
  return {
    listCalendar: notYet,
    registerSession: notYet,
    cancelSession: notYet,
    leaseOccurrence: notYet,
    releaseOccurrence: notYet,
    calendarFeed: notYet,
    renewCalendarFeed: notYet,
  }
}
