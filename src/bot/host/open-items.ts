import type { OpenItem } from './as-run.ts'

/** The items that have begun and are not over, with what of each went out so far, by the program's own time. */
export const createOpenItems = () => {
  const items = new Map<string, number>()
  let lastMs: number | undefined
  return {
    begin: (id: string) => void items.set(id, 0),
    end: (id: string) => void items.delete(id),
    /** `programMs` moved on by what was sent since the last call; a jump is not sending. */
    move: (programMs: number, wallMs: number) => {
      const sentMs = lastMs === undefined ? 0 : programMs - lastMs
      lastMs = programMs
      if (sentMs > 0 && sentMs <= wallMs + JUMP_MS) for (const [id, ms] of items) items.set(id, ms + sentMs)
    },
    list: (): OpenItem[] => [...items].map(([id, sentMs]) => ({ id, sentMs: Math.round(sentMs) })),
  }
}

const JUMP_MS = 500
