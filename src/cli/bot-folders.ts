import { join } from 'node:path'
import type { Context } from './context.ts'

/** Measured loudness and rendered speech, for all sessions. */
export const soundCacheOf = ({ folders }: Context): string => join(folders.state, 'sounds')

/** A folder for each session that is or was hosted here: its journal and its as-run log. */
export const sessionsFolderOf = ({ folders }: Context): string => join(folders.state, 'sessions')
