import type { Api } from '../client/api.ts'
import type { OccurrenceView } from '../protocol/calendar.ts'
import type { EventListOptions } from './commands/event.ts'
import type { Context } from './context.ts'
import { failure } from './failure.ts'

/** Sessions to come, by their start. */
export const listEvents = async (context: Context, options: EventListOptions): Promise<void> => {
  const limit = limitOf(options.limit ?? '20')
  const from = options.from === undefined ? undefined : instantOf(options.from)
  const events = await eventsFrom(await context.api(), from, limit)
  if (options.json) return context.output.json({ events })
  if (events.length === 0) return context.output.note('No session is announced')
  context.output.table(
    ['when', 'there', 'title', 'host', 'name', 'room'],
    events.map((event) => rowOf(context, event)),
  )
}

const eventsFrom = async (api: Api, from: string | undefined, limit: number): Promise<OccurrenceView[]> => {
  const events: OccurrenceView[] = []
  let cursor: string | undefined
  do {
    const query = { from, cursor, limit: Math.min(100, limit - events.length) }
    const page = await api.call('listCalendar', { query })
    events.push(...page.events)
    cursor = page.nextCursor ?? undefined
  } while (cursor !== undefined && events.length < limit)
  return events
}

const rowOf = ({ output }: Context, { startsAt, local, zone, title, host, name, room }: OccurrenceView): string[] => [
  whenOf(startsAt),
  `${local.slice(11, 16)} ${zone}`,
  output.paint('bold', title),
  `${host.name} (@${host.handle})`,
  name,
  room?.isLive ? `live: ${room.link}` : room ? 'over' : '',
]

const whenOf = (startsAt: string): string =>
  new Date(startsAt).toLocaleString('en-GB', {
    ...{ weekday: 'short', day: 'numeric', month: 'short', year: 'numeric' },
    ...{ hour: '2-digit', minute: '2-digit' },
  })

const limitOf = (text: string): number => {
  const limit = Number(text)
  if (Number.isInteger(limit) && limit >= 1 && limit <= 1_000) return limit
  throw failure('bad-input', `--limit is a number from 1 to 1000, not "${text}"`)
}

/** A date or date-time without an offset is of this machine's zone. */
const instantOf = (text: string): string => {
  const ms = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text.length === 10 ? `${text}T00:00` : text) : Number.NaN
  if (Number.isNaN(ms)) throw failure('bad-input', `--from wants a date such as 2027-03-01, not "${text}"`)
  return new Date(ms).toISOString()
}

/** Prints the address that calendar programs subscribe to. */
export const showFeed = async (context: Context, options: { new?: boolean; json?: boolean }): Promise<void> => {
  const { url } = await (await context.api()).call(options.new ? 'renewCalendarFeed' : 'calendarFeed')
  if (options.json) return context.output.json({ url })
  context.output.line(url)
  context.output.note('Whoever has this address reads the calendar; roomtone event link --new makes it void')
}

export const cancelEvent = async (context: Context, name: string): Promise<void> => {
  await (await context.api()).call('cancelSession', { params: { name } })
  context.output.note(`Cancelled "${name}"`)
}
