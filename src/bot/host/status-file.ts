import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { writeWhole } from '../../client/shared-file.ts'
import type { SessionReport } from '../watch/report.ts'

/** How a hosted session was when its host last said so. */
type KeptStatus = { pid: number; writtenAt: string; report: SessionReport }

const FILE = 'status.json'
const EVERY_MS = 2000
/** A host that has said nothing for longer is gone, or hangs. */
const FRESH_MS = 10_000

/** Keeps the status of each session beside its journal, for `bot status`: at once where its phase changes, else every 2 s. */
export const createStatusFiles = (folder: string, onWarning: (message: string) => void) => {
  const told = new Map<string, { phase: string; atMs: number }>()
  let writing = Promise.resolve()
  let isFailing = false
  return {
    see: (report: SessionReport) => {
      const last = told.get(report.session)
      const atMs = Date.now()
      if (last?.phase === report.phase && atMs - last.atMs < EVERY_MS) return
      told.set(report.session, { phase: report.phase, atMs })
      const kept: KeptStatus = { pid: process.pid, writtenAt: new Date(atMs).toISOString(), report }
      writing = writing
        .then(() => writeWhole(join(folder, report.session, FILE), kept))
        .then(
          () => {
            isFailing = false
          },
          (error: Error) => {
            if (!isFailing) onWarning(`The status cannot be written: ${error.message}.`)
            isFailing = true
          },
        )
    },
    flush: () => writing,
  }
}

/** All sessions that are or were hosted here. */
export const readStatuses = async (folder: string): Promise<{ report: SessionReport; isHosted: boolean }[]> => {
  const names = (await readdir(folder).catch(() => [])).sort()
  const kept = await Promise.all(names.map((name) => readStatus(join(folder, name))))
  return kept.flatMap((one) => (one ? [{ report: one.report, isHosted: isHosted(one) }] : []))
}

const readStatus = async (folder: string): Promise<KeptStatus | null> => {
  try {
    return JSON.parse(await readFile(join(folder, FILE), 'utf8')) as KeptStatus
  } catch {
    return null
  }
}

const isHosted = ({ pid, writtenAt, report }: KeptStatus): boolean => {
  if (report.phase === 'over' || Date.now() - Date.parse(writtenAt) > FRESH_MS) return false
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
