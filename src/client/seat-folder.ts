import { chmod, mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

const MARK = '.seat'
/** sun_path of Linux and macOS, whichever is shorter, less its final zero. */
const MAX_SOCKET_PATH_BYTES = 103

/** Where a seat listens. Windows has named pipes, which are in no folder; the mark file lists the seat there, too. */
export const seatAddress = (folder: string, seatId: string): string =>
  process.platform === 'win32' ? `\\\\.\\pipe\\roomtone-${seatId}` : join(folder, `${seatId.slice(0, 13)}.sock`)

/** Makes the folder and gives the address to listen at. Throws an Error with code `bad-config` where sockets cannot be. */
export const openSeatFolder = async (folder: string, seatId: string): Promise<string> => {
  const address = seatAddress(folder, seatId)
  if (process.platform !== 'win32' && Buffer.byteLength(address) > MAX_SOCKET_PATH_BYTES) {
    const message = `The path of the control socket, ${address}, is too long; choose a shorter ROOMTONE_HOME.`
    throw Object.assign(new Error(message), { code: 'bad-config' })
  }
  await mkdir(folder, { recursive: true, mode: 0o700 })
  await chmod(folder, 0o700)
  await rm(address, { force: true })
  return address
}

/** Makes the file that names the seat, once it listens: who looks for seats removes a name that nobody answers to. */
export const markSeat = (folder: string, seatId: string): Promise<void> =>
  writeFile(join(folder, seatId + MARK), '', { mode: 0o600 })

export const removeSeatFiles = async (folder: string, seatId: string): Promise<void> => {
  await rm(join(folder, seatId + MARK), { force: true })
  if (process.platform !== 'win32') await rm(seatAddress(folder, seatId), { force: true })
}

/** Ids of seats that run, or ran until they were killed. */
export const readSeatFolder = async (folder: string): Promise<string[]> => {
  const names = await readdir(folder).catch(() => [])
  return names.filter((name) => name.endsWith(MARK)).map((name) => name.slice(0, -MARK.length))
}
