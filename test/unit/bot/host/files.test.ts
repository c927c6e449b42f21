import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import type { RunLine } from '../../../../src/bot/host/as-run.ts'
import { readJournal } from '../../../../src/bot/host/journal.ts'
import { fileLease } from '../../../../src/bot/host/lease.ts'
import { openRunLog, readRunLog } from '../../../../src/bot/host/run-log.ts'

const folder = mkdtempSync(join(tmpdir(), 'roomtone-host-files-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const line = (id: string): RunLine => ({
  ...{ at: '2027-03-01T06:00:00.000Z', session: 's', occurrence: 'o', id },
  ...{ type: 'over', sentMs: 1, cause: 'end', message: null },
})
const idsOf = async (file: string) => {
  const ids: string[] = []
  for await (const { id } of readRunLog(file)) ids.push(id)
  return ids
}

it('passes over half a line that a crash left, and writes the next one on a line of its own', async () => {
  const file = join(folder, 'half', 'as-run.jsonl')
  const log = openRunLog(file, () => {})
  log.append(line('a'))
  await log.flush()
  appendFileSync(file, '{"at":"2027')
  const next = openRunLog(file, () => {})
  next.append(line('b'))
  await next.flush()
  expect(await idsOf(file)).toEqual(['a', 'b'])
})

it('keeps what cannot be written, says so once, and writes it when there is room', async () => {
  const blocked = join(folder, 'blocked')
  writeFileSync(blocked, 'a file where a folder should be')
  const told: string[] = []
  const log = openRunLog(join(blocked, 'as-run.jsonl'), (message) => told.push(message))
  for (const id of ['a', 'b']) {
    log.append(line(id))
    await log.flush()
  }
  expect(log.unwritten().map(({ id }) => id)).toEqual(['a', 'b'])
  rmSync(blocked)
  log.append(line('c'))
  await log.flush()
  expect(await idsOf(join(blocked, 'as-run.jsonl'))).toEqual(['a', 'b', 'c'])
  expect(told).toHaveLength(2)
  expect(log.unwritten()).toEqual([])
})

it('reads no journal where there is none, half of one, or somebody else’s', async () => {
  const file = join(folder, 'journal.json')
  expect(await readJournal(file)).toBeNull()
  for (const text of ['{"version":1,', '{}', '[]', 'null']) {
    writeFileSync(file, text)
    expect(await readJournal(file)).toBeNull()
  }
})

it('gives the lease to one holder, and to another when that one is gone or says nothing', async () => {
  const file = join(folder, 'host.json')
  let now = 1000
  const first = fileLease(file, 'first', () => now)
  expect(await first.take()).toEqual({ fence: 1, roomId: null })
  expect(await first.take()).toEqual({ fence: 1, roomId: null })
  // As if another process had written it: this test's parent lives.
  writeFileSync(file, readFileSync(file, 'utf8').replace(String(process.pid), String(process.ppid)))
  const second = fileLease(file, 'second', () => now)
  expect(await second.take()).toBeNull()
  now += 6000
  expect(await second.take()).toEqual({ fence: 2, roomId: null })
  await second.release()
  expect(await first.take()).toEqual({ fence: 3, roomId: null })
})
