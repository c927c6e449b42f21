import type { Command } from 'commander'
import type { Context } from '../context.ts'

export type EventListOptions = { from?: string; limit?: string; json?: boolean }

export const addEvent = (program: Command, context: Context): void => {
  const event = program.command('event').description('sessions that are announced')
  event
    .command('list')
    .description('what comes next, in your time; a session that is live with its room')
    .option('--from <instant>', 'those from then on, e.g. 2027-03-01 (default now)')
    .option('--limit <number>', 'at most so many (default 20)')
    .option('--json', 'one JSON document')
    .action(async (options: EventListOptions) => (await import('../event.ts')).listEvents(context, options))
  event
    .command('link')
    .description('your secret address of the calendar, for a calendar program')
    .option('--new', 'make the old one void')
    .option('--json', 'one JSON document')
    .action(async (options: { new?: boolean; json?: boolean }) =>
      (await import('../event.ts')).showFeed(context, options),
    )
  event
    .command('cancel <name>')
    .description('cancel a session of yours; calendars show it as cancelled')
    .action(async (name: string) => (await import('../event.ts')).cancelEvent(context, name))
}
