import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'

export type SmallDisk = {
  folder: string
  /** Takes what is left of it; what others free meanwhile is not taken. */
  fill(): void
  /** Takes it away under those who use it: their open files live on, and nobody finds them again. */
  takeAway(): void
  close(): void
}

/** A file system of its own that can be filled, e.g. `80m`; null without the right to mount. */
export const mountSmallDisk = (size: string): SmallDisk | null => {
  const folder = mkdtempSync('/tmp/roomtone-small-')
  let isMounted = false
  const run = (program: string, ...args: string[]) => execFileSync(program, args, { stdio: 'ignore' })
  try {
    run('/bin/mount', '-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', folder)
    isMounted = true
  } catch {
    rmSync(folder, { recursive: true })
    return null
  }
  const takeAway = () => {
    if (isMounted) run('/bin/umount', '-l', folder)
    isMounted = false
  }
  return {
    folder,
    fill: () => {
      // dd ends with an error when the disk is full: as wanted.
      try {
        run('dd', 'if=/dev/zero', `of=${folder}/filling`, 'bs=4k')
      } catch {}
    },
    takeAway,
    close: () => {
      takeAway()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
