import { existsSync, mkdirSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { failure } from './failure.ts'

/** Where things of this account on this machine are kept. */
export type Folders = { config: string; data: string; state: string; sockets: string }

/** ROOMTONE_HOME keeps all in one folder; else the system's own folders (XDG on Linux). */
export const foldersOf = (env: NodeJS.ProcessEnv, platform: NodeJS.Platform = process.platform): Folders => {
  if (env.ROOMTONE_HOME) {
    const home = resolve(env.ROOMTONE_HOME)
    return {
      config: home,
      data: join(home, 'data'),
      state: join(home, 'state'),
      sockets: socketFolder(join(home, 'run')),
    }
  }
  const home = env.HOME ?? env.USERPROFILE ?? homedir()
  if (platform === 'darwin') {
    const support = join(home, 'Library', 'Application Support', 'roomtone')
    return {
      config: support,
      data: join(support, 'data'),
      state: join(support, 'state'),
      sockets: socketFolder(join(support, 'run')),
    }
  }
  if (platform === 'win32') {
    const local = join(env.LOCALAPPDATA ?? join(home, 'AppData', 'Local'), 'roomtone')
    const config = join(env.APPDATA ?? join(home, 'AppData', 'Roaming'), 'roomtone')
    return { config, data: join(local, 'data'), state: join(local, 'state'), sockets: socketFolder(join(local, 'run')) }
  }
  const state = join(env.XDG_STATE_HOME || join(home, '.local', 'state'), 'roomtone')
  return {
    config: join(env.XDG_CONFIG_HOME || join(home, '.config'), 'roomtone'),
    data: join(env.XDG_DATA_HOME || join(home, '.local', 'share'), 'roomtone'),
    state,
    sockets: socketFolder(env.XDG_RUNTIME_DIR ? join(env.XDG_RUNTIME_DIR, 'roomtone') : join(state, 'run')),
  }
}

/**
 * Throws an Error with code `bad-config` where ROOMTONE_HOME cannot be made. Its first missing folder is made here and
 * alone: where the system says ENOENT to that, as under /proc, node's recursive mkdir tries for ever.
 */
export const checkHome = (env: NodeJS.ProcessEnv): void => {
  if (!env.ROOMTONE_HOME) return
  let missing = resolve(env.ROOMTONE_HOME)
  if (existsSync(missing)) return
  while (!existsSync(dirname(missing))) missing = dirname(missing)
  try {
    mkdirSync(missing, { mode: 0o700 })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'EEXIST') throw failure('bad-config', `ROOMTONE_HOME: the folder ${missing} cannot be made (${code}).`)
  }
}

// A Unix socket's path holds at most 104 bytes (macOS; Linux 108), its name here about 45.
const socketFolder = (folder: string): string => {
  if (Buffer.byteLength(folder) <= 58) return folder
  // Loaded here alone: it would cost every command more than all else it begins with.
  const { createHash } = process.getBuiltinModule('node:crypto')
  const name = createHash('sha256').update(folder).digest('hex').slice(0, 16)
  return join(tmpdir(), `roomtone-${process.getuid?.() ?? 0}-${name}`)
}
