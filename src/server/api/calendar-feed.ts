import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { apiError } from '../../protocol/errors.ts'
import { type CalendarEvent, calendarText } from '../../schedule/calendar.ts'
import { announcementIn } from '../calendar-store.ts'
import type { Caller } from '../call.ts'
import type { RoomContext } from '../room-context.ts'

const minuteMs = 60_000
const hourMs = 60 * minuteMs
// Of events that can be asked for in one feed.
const most = 1_000

/**
 * `/calendar.ics`, all sessions that are announced, and `/calendar/ID.ics`, one: for calendar programs, by the secret key
 * of somebody's address of the calendar (`?key=`), or by a bearer token. What was cancelled is in it as cancelled.
 */
export const serveCalendarFeed = (
  app: FastifyInstance,
  context: RoomContext,
  callerOf: (request: FastifyRequest) => Promise<Caller>,
): void => {
  const textOf = createFeedText(context)
  const textOfAll = createFeedText(context)
  app.get('/calendar.ics', async (request, reply) => {
    await requireReader(context, request, callerOf)
    return send(reply, textOfAll(await eventsOf(context)), 'roomtone.ics')
  })
  app.get<{ Params: { file: string } }>('/calendar/:file', async (request, reply) => {
    await requireReader(context, request, callerOf)
    const id = /^([0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12})\.ics$/.exec(request.params.file)?.[1]
    const events = id === undefined ? [] : await eventsOf(context, id)
    if (events.length === 0) throw apiError('not-found', 'No such session.')
    return send(reply, textOf(events), request.params.file)
  })
}

const requireReader = async (
  { store }: RoomContext,
  request: FastifyRequest,
  callerOf: (request: FastifyRequest) => Promise<Caller>,
): Promise<void> => {
  const { key } = request.query as { key?: unknown }
  if (key === undefined) return void (await callerOf(request))
  const reader =
    typeof key === 'string' && /^[\w-]{10,80}$/.test(key)
      ? await store.db.selectFrom('account').select('id').where('feed_key', '=', key).executeTakeFirst()
      : undefined
  // A void key tells nobody whether it ever was one.
  if (!reader) throw apiError('not-found', 'There is no calendar at this address.')
}

const eventsOf = async ({ store }: RoomContext, id?: string): Promise<CalendarEvent[]> => {
  const rows = await store.db
    .selectFrom('calendar_event as event')
    .innerJoin('account as owner', 'owner.id', 'event.owner_id')
    .selectAll('event')
    .select(['owner.name as host_name', 'owner.handle as host_handle'])
    .$if(id !== undefined, (some) => some.where('event.id', '=', id!))
    .orderBy('event.updated_at', 'desc')
    .limit(most)
    .execute()
  return rows.map((row) => {
    const { title, topic, description, schedule, durationMs } = announcementIn(row)
    const host = `${row.host_name} (@${row.host_handle})`
    return {
      uid: `${row.id}@roomtone`,
      sequence: row.sequence,
      title,
      description: [description, topic && `Topic: ${topic}`, `Host: ${host}`].filter(Boolean).join('\n'),
      link: null,
      schedule,
      durationMs,
      changedMs: row.updated_at,
      cancelled: row.cancelled_at !== null,
      alarmBeforeMs: 10 * minuteMs,
    }
  })
}

/** To write an event takes more than a millisecond, and programs ask again and again: what did not change is written once an hour. */
const createFeedText = ({ now, publicUrl }: RoomContext): ((events: CalendarEvent[]) => string) => {
  let kept = { key: '', text: '' }
  return (events) => {
    const name = `roomtone at ${new URL(publicUrl()).host}`
    const nowMs = now()
    const key = JSON.stringify([name, Math.floor(nowMs / hourMs), events])
    if (key !== kept.key) kept = { key, text: calendarText({ name, events, nowMs }) }
    return kept.text
  }
}

const send = (reply: FastifyReply, text: string, file: string) =>
  reply
    .type('text/calendar; charset=utf-8')
    .header('content-disposition', `inline; filename="${file}"`)
    .header('cache-control', 'private, max-age=300')
    .send(text)
