import { readFile } from 'node:fs/promises'
import { withLock, writeWhole } from '../../client/shared-file.ts'

/** The right to host one sitting; `fence` grows with each new holder, and an older one is refused wherever it is shown. */
export type Grant = { fence: number; roomId: string | null }

/**
 * One host at a time. `take` is called again every second to keep it; null: another has it. Throws `conflict` with a
 * sentence where nobody is to host it: it was cancelled, or its time is over.
 */
export type Lease = {
  take(): Promise<Grant | null>
  /** Another may have it at once. */
  release(): Promise<void>
}

/** A holder that has not been heard of for so long has lost it. */
const LAPSED_MS = 5000

type Kept = { holder: string; pid: number; atMs: number; fence: number }

/** Among the processes that share a folder: a file that names its holder, who says every second that it is there. */
export const fileLease = (file: string, holder: string, now: () => number): Lease => {
  const read = async (): Promise<Kept | null> => {
    const text = await readFile(file, 'utf8').catch(() => null)
    try {
      return text === null ? null : (JSON.parse(text) as Kept)
    } catch {
      return null
    }
  }
  const isHeld = ({ holder: other, pid, atMs }: Kept) =>
    other !== holder && Math.abs(now() - atMs) < LAPSED_MS && pid !== process.pid && isAlive(pid)
  return {
    take: () =>
      withLock(file, async () => {
        const kept = await read()
        if (kept && isHeld(kept)) return null
        const fence = kept?.holder === holder ? kept.fence : (kept?.fence ?? 0) + 1
        await writeWhole(file, { holder, pid: process.pid, atMs: now(), fence } satisfies Kept)
        return { fence, roomId: null }
      }),
    release: () =>
      withLock(file, async () => {
        const kept = await read()
        if (kept?.holder === holder) await writeWhole(file, { ...kept, atMs: 0 })
      }),
  }
}

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
