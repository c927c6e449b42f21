import { parseCron } from './cron.ts'
import { parseRrule } from './rrule.ts'
import type { Rule } from './rule.ts'
import { scheduleError } from './schedule-error.ts'
import type { Zone } from './zone.ts'

/** An RRULE value or a cron expression; the zone is for an UNTIL in UTC. Throws a `bad-schedule` error that names the part. */
export const parseRule = (text: string, zone: Zone): Rule => {
  if (text.includes('=')) return parseRrule(text, zone)
  if (text.trim().split(/\s+/).length === 5) return parseCron(text)
  const forms = 'such as FREQ=WEEKLY;BYDAY=MO,WE or a cron expression of five fields such as 0 7 * * 1,3'
  throw scheduleError('rule', `${JSON.stringify(text)} is no rule: wanted is an RRULE ${forms}`)
}
