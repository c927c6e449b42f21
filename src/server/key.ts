import { createHmac, randomBytes, randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** Keyed hashes by the server's key file: without it a dump of the store gives no number and no code (R11, R15). */
export type ServerKey = {
  /** `purpose` keeps hashes of different kinds apart. */
  hash(purpose: string, text: string): string
}

/** Reads `server.key` of the data folder, mode 0600, making it at the first start. Error codes: `bad-input`, `disk-full`. */
export const loadServerKey = async (dataDir: string): Promise<ServerKey> => {
  await mkdir(dataDir, { recursive: true, mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
    throw cannotWrite(dataDir, error)
  })
  const path = join(dataDir, 'server.key')
  await makeOnce(path)
  const key = Buffer.from((await readFile(path, 'utf8')).trim(), 'hex')
  if (key.length !== 32) throw Object.assign(new Error(`The key file ${path} is damaged.`), { code: 'bad-input' })
  return { hash: (purpose, text) => createHmac('sha256', key).update(`${purpose}\0${text}`).digest('base64url') }
}

/** Under its name only when it is whole, on the disk; of two that start at once, the first one's stays. */
const makeOnce = async (path: string): Promise<void> => {
  if (existsSync(path)) return
  const draft = `${path}.${randomUUID()}`
  try {
    await writeFile(draft, `${randomBytes(32).toString('hex')}\n`, { mode: 0o600, flush: true })
    await link(draft, path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw cannotWrite(path, error as NodeJS.ErrnoException)
  } finally {
    await rm(draft, { force: true })
  }
}

const cannotWrite = (path: string, { code }: NodeJS.ErrnoException): Error & { code: string } => {
  const isFull = code === 'ENOSPC' || code === 'EDQUOT'
  const message = isFull
    ? `The disk of ${path} is full; make room and start again.`
    : `${path} cannot be made (${code}).`
  return Object.assign(new Error(message), { code: isFull ? 'disk-full' : 'bad-input' })
}
