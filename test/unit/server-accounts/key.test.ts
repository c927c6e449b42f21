import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { loadServerKey } from '../../../src/server/key.ts'
import { mountSmallDisk } from '../../support/small-disk.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync('/tmp/roomtone-key-')
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

it('is made once, for its owner alone, however many servers start at the same time', async () => {
  const keys = await Promise.all(Array.from({ length: 5 }, () => loadServerKey(folder)))
  expect(new Set(keys.map((key) => key.hash('phone', '+4915112345678'))).size).toBe(1)
  expect(readdirSync(folder)).toEqual(['server.key'])
  expect(statSync(join(folder, 'server.key')).mode & 0o777).toBe(0o600)
  const text = readFileSync(join(folder, 'server.key'), 'utf8')
  await loadServerKey(folder)
  expect(readFileSync(join(folder, 'server.key'), 'utf8')).toBe(text)
})

it('is not left half made on a full disk: with room again, the next start makes it (needs the right to mount)', async ({
  skip,
}) => {
  const disk = mountSmallDisk('64k')
  if (!disk) return skip()
  try {
    disk.fill()
    await expect(loadServerKey(disk.folder)).rejects.toMatchObject({ code: 'disk-full' })
    rmSync(join(disk.folder, 'filling'))
    expect((await loadServerKey(disk.folder)).hash('phone', '1')).toMatch(/^[\w-]{43}$/)
  } finally {
    disk.close()
  }
})
