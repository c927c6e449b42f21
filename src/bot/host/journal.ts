import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import { writeWhole } from '../../client/shared-file.ts'
import type { ProgramState } from '../program/contract.ts'
import { outcomes } from './wire.ts'

const instant = z.number()

/**
 * What a host keeps of a sitting, once a second, so that another process can take it up: where the program is (session
 * time at a wall time, ms), by which clock, who paused it, what was changed by hand.
 */
const journalSchema = z.object({
  version: z.literal(1),
  session: z.string(),
  /** The server or media server it is hosted at. */
  target: z.string(),
  pid: z.number(),
  /** Of which occurrence: the local time that its rule named, or the instant of a start by hand. */
  occurrence: z.string(),
  /** Null: it began by hand. */
  startMs: z.number().nullable(),
  phase: z.enum(['opening', 'open', 'on-air', 'paused', 'closing', 'over']),
  /** How it was over; null while it is not. */
  outcome: z.enum(outcomes).nullable(),
  room: z.object({ id: z.string(), title: z.string(), link: z.string().nullable() }).nullable(),
  seatId: z.string(),
  /** By which the server knows the host; the same for the process that takes its place. */
  holder: z.string(),
  writtenMs: instant,
  programMs: z.number(),
  hasBegun: z.boolean(),
  anchor: z.object({ programMs: z.number(), wallMs: instant }).nullable(),
  human: z.object({ by: z.string(), sinceMs: instant }).nullable(),
  /** Levels, and what was made longer, skipped or asked for: the engine's own record. */
  program: z.custom<ProgramState>((value) => typeof value === 'object').nullable(),
  open: z.array(z.object({ id: z.string(), sentMs: z.number() })),
  listeners: z.number(),
})
export type Journal = z.infer<typeof journalSchema>

/** Null where there is none, or none that can be read: the host begins anew then, and says so. */
export const readJournal = async (file: string): Promise<Journal | null> => {
  const text = await readFile(file, 'utf8').catch(() => null)
  if (text === null) return null
  try {
    return journalSchema.parse(JSON.parse(text))
  } catch {
    return null
  }
}

export type JournalWriter = {
  /** Written soon; of several at once the last. */
  write(journal: Journal): void
  /** Resolves when all is written, or could not be. */
  flush(): Promise<void>
}

/** Writes whole or not at all. A full disk is told once, and once when it is over; the session goes on. */
export const createJournalWriter = (file: string, onWarning: (message: string) => void): JournalWriter => {
  let next: Journal | undefined
  let writing: Promise<void> | undefined
  let isFailing = false
  const run = async () => {
    while (next) {
      const journal = next
      next = undefined
      try {
        await writeWhole(file, journal)
        if (isFailing) onWarning('The journal is written again.')
        isFailing = false
      } catch (error) {
        if (!isFailing)
          onWarning(`The journal cannot be written, so a crash would lose the place: ${(error as Error).message}.`)
        isFailing = true
      }
    }
    writing = undefined
  }
  return {
    write: (journal) => {
      next = journal
      writing ??= run()
    },
    flush: async () => {
      await writing
    },
  }
}
