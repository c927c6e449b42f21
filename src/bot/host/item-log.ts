import type { ProgramEvent } from '../program/contract.ts'
import { createOpenItems } from './open-items.ts'
import type { RunLog } from './run-log.ts'
import type { SittingEvent } from './sitting-contract.ts'

type ItemEvent = Extract<ProgramEvent, { type: 'began' | 'over' | 'title' }>

export type ItemLogDeps = {
  session: string
  occurrence: string
  runLog: RunLog
  listeners(): number
  /** What ends now ends because another host takes the sitting up. */
  isInterrupted(): boolean
  tell(event: SittingEvent): void
  now(): number
}

/** What of the program began and is over: in the as-run log, and told. */
export const createItemLog = ({ session, occurrence, runLog, listeners, isInterrupted, tell, now }: ItemLogDeps) => {
  const items = createOpenItems()
  const line = () => ({ at: new Date(now()).toISOString(), session, occurrence })
  let lastLookMs = now()
  return {
    onEvent: (event: ItemEvent) => {
      switch (event.type) {
        case 'began': {
          const { type, atMs, ...rest } = event
          const heardBy = listeners()
          items.begin(event.id)
          const { id, cue, kind, title, artist } = rest
          runLog.append({ ...line(), type: 'begun', id, cue, kind, title, artist, listeners: heardBy })
          return tell({ type, ...rest, programMs: Math.round(atMs), listeners: heardBy })
        }
        case 'over': {
          const { type, atMs, ...rest } = event
          items.end(event.id)
          const { id, sentMs, message } = rest
          const cause = isInterrupted() ? 'interrupted' : rest.cause
          runLog.append({ ...line(), type: 'over', id, sentMs: Math.round(sentMs), cause, message })
          return tell({ type, ...rest, cause, programMs: Math.round(atMs) })
        }
        case 'title': {
          const { id, title, artist } = event
          const sentMs = items.list().find((one) => one.id === id)?.sentMs ?? 0
          runLog.append({ ...line(), type: 'title', id, title, artist, sentMs, listeners: listeners() })
          return tell({ type: 'title', id, title, artist })
        }
      }
    },
    /** The program is here now: what is open was sent for so long. */
    move: (programMs: number) => {
      items.move(programMs, now() - lastLookMs)
      lastLookMs = now()
    },
    list: items.list,
    /** Of those that were open, which the program itself did not end. */
    closeThose: (open: ReturnType<typeof items.list>) => {
      const cause = isInterrupted() ? 'interrupted' : 'stop'
      const left = new Set(items.list().map(({ id }) => id))
      for (const { id, sentMs } of open)
        if (left.has(id)) runLog.append({ ...line(), type: 'over', id, sentMs, cause, message: null })
    },
  }
}
