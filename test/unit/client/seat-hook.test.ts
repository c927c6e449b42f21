import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { startSeatHook } from '../../../src/client/seat-hook.ts'
import type { SeatEvent } from '../../../src/protocol/seat.ts'
import { eventually } from '../../support/eventually.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'rt-hook-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const at = '2026-01-01T00:00:00.000Z'
const joins = (name: string): SeatEvent => ({
  at,
  type: 'participant-joined',
  participantId: 'p',
  name,
  handle: null,
  role: 'listener',
  kind: 'person',
})
const open = (command: string, runMs?: number) => {
  const problems: string[] = []
  const hook = startSeatHook({
    command,
    env: process.env,
    seatId: 'seat-1',
    onProblem: (problem) => problems.push(problem),
    runMs,
  })
  return { ...hook, problems }
}
const read = (file: string) => (existsSync(file) ? readFileSync(file, 'utf8') : '')

test('is told who and what, in order, and of nothing else', async () => {
  const file = join(folder, 'told')
  const hook = open(`printf '%s %s %s %s\\n' "$ROOMTONE_EVENT" "$ROOMTONE_SEAT" "$ROOMTONE_NAME" "$(cat)" >> ${file}`)
  hook.tell(joins('Kim'))
  hook.tell({ at, type: 'speaking', participantId: 'p', name: 'Kim', isYou: false, isSpeaking: true, levelDb: -20 })
  hook.tell({ at, type: 'left', reason: 'done', by: null, message: 'Over.' })
  await hook.close()
  const lines = read(file).trim().split('\n')
  expect(lines).toHaveLength(2)
  expect(lines[0]).toBe(`participant-joined seat-1 Kim ${JSON.stringify(joins('Kim'))}`)
  expect(lines[1]).toMatch(/^left seat-1 {2}\{/)
  expect(hook.problems).toEqual([])
})

test("somebody's name is never run, nor does it steer a terminal", async () => {
  const file = join(folder, 'told')
  const hook = open(`printf %s "$ROOMTONE_NAME" >> ${file}`)
  hook.tell(joins(`$(touch ${folder}/ran); \u001b[31mKim`))
  await hook.close()
  expect(existsSync(join(folder, 'ran'))).toBe(false)
  expect(read(file)).toContain('$(touch')
  expect(read(file)).not.toContain('\u001b')
})

test('one that fails is told of once, and run again at the next event', async () => {
  const file = join(folder, 'runs')
  const hook = open(`echo run >> ${file}; exit 3`)
  hook.tell(joins('Kim'))
  hook.tell(joins('Jo'))
  await hook.close()
  expect(read(file)).toBe('run\nrun\n')
  expect(hook.problems).toEqual([expect.stringContaining('failed (exit code 3)')])
})

test('one that hangs is ended with all that it started, and the next event is told', async () => {
  const file = join(folder, 'told')
  const hook = open(`echo "$ROOMTONE_NAME $$" >> ${file}; sleep 600 & wait`, 300)
  hook.tell(joins('Kim'))
  hook.tell(joins('Jo'))
  const told = () => read(file).trim().split('\n')
  await eventually(() => told().length === 2, { withinMs: 5_000, what: 'both events are told' })
  await hook.close()
  expect(hook.problems).toEqual([expect.stringContaining('took longer than 0.3 s')])
  const groups = told().map((line) => Number(line.split(' ')[1]))
  for (const group of groups)
    await eventually(() => !isGroupAlive(group), { withinMs: 2_000, what: `nothing of ${group} is left` })
})

test('of an endless burst some are left out', async () => {
  const hook = open('sleep 600')
  for (let index = 0; index < 10_000; index++) hook.tell(joins(`Person ${index}`))
  const began = performance.now()
  await hook.close()
  expect(performance.now() - began).toBeLessThan(5_000)
})

const isGroupAlive = (pid: number) => {
  try {
    process.kill(-pid, 0)
    return true
  } catch {
    return false
  }
}
