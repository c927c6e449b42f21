import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { writeWhole } from '../../client/shared-file.ts'
import type { OpenIncidents } from './incidents.ts'

const instant = z.number().optional()
const openSchema = z.object({ 'not-on-air': instant, 'dead-air': instant, 'check-failed': instant })

/** Open incidents, kept beside a session's journal: whoever hosts it next tells of none a second time. */
export const createIncidentFiles = (folder: string) => {
  const fileOf = (session: string) => join(folder, session, 'incidents.json')
  let writing = Promise.resolve()
  return {
    before: (session: string): OpenIncidents => {
      try {
        return openSchema.parse(JSON.parse(readFileSync(fileOf(session), 'utf8')))
      } catch {
        return {}
      }
    },
    /** On a disk that takes nothing an incident may be told twice, which is better than not at all. */
    keep: (session: string, open: OpenIncidents): void => {
      writing = writing.then(() => writeWhole(fileOf(session), open)).catch(() => {})
    },
    flush: () => writing,
  }
}
