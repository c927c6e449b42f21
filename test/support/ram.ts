import { readFileSync, statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'

const MEMORY = '/dev/shm'
const ENOUGH_BYTES = 2 ** 30

/** Folders of stores are made in it: memory where there is enough of it, as every commit waits for the disk, which is busy with others. */
export const ram = (): string => (hasRoom() ? MEMORY : tmpdir())

const hasRoom = (): boolean => {
  try {
    const mount = readFileSync('/proc/mounts', 'utf8')
      .split('\n')
      .map((line) => line.split(' '))
      .findLast(([, path]) => path === MEMORY)
    const { bavail, bsize } = statfsSync(MEMORY)
    return mount?.[2] === 'tmpfs' && !mount[3]?.split(',').includes('noexec') && bavail * bsize > ENOUGH_BYTES
  } catch {
    return false
  }
}
