import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { openStore } from '../../src/server/store.ts'
import { ram } from './ram.ts'

let made: Promise<string> | undefined

/** The folder of an empty store: making one takes seconds, copying one a moment. Once for a run of vitest, else for this process. */
export const storeTemplate = (): Promise<string> => {
  const { ROOMTONE_TEST_STORE: given } = process.env
  made ??= given === undefined ? makeTemplate() : Promise.resolve(given)
  return made
}

const makeTemplate = async () => {
  const folder = mkdtempSync(join(ram(), 'roomtone-template-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  await (await openStore({ dataDir: folder })).close()
  return folder
}

/** Vitest's global setup. Test processes have it in their environment. */
export const setup = async (): Promise<void> => {
  process.env.ROOMTONE_TEST_STORE ??= await storeTemplate()
}
