import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, it } from 'vitest'
import { loadScript } from '../../../../src/bot/script/load.ts'
import type { ScriptError } from '../../../../src/yaml/problem.ts'

const folder = mkdtempSync(join(tmpdir(), 'roomtone-fuzz-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const examples = fileURLToPath(new URL('../../../../examples', import.meta.url))
const texts = readdirSync(examples)
  .filter((name) => name.endsWith('.session.yaml'))
  .map((name) => readFileSync(join(examples, name), 'utf8'))

/** Mulberry32: the same numbers for the same seed. */
const randomOf = (seed: number) => () => {
  seed = (seed + 0x6d2b79f5) | 0
  let t = Math.imul(seed ^ (seed >>> 15), 1 | seed)
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
}

const scraps =
  '{ } [ ] : , - # & * ! | > \' " % @ ` \t \n 0 -1 1e99 ~ null true *a &a << --- ... \u0000 \ud800 💥 {x} {listeners} __proto__'.split(
    ' ',
  )
const words =
  'at every from until bell say play bed off silence floor include only variants end cues 5m 99:99 0:00 constructor'.split(
    ' ',
  )

const mutated = (text: string, random: () => number): string => {
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!
  let changed = text
  for (let count = 1 + Math.floor(random() * 4); count > 0; count--) {
    const at = Math.floor(random() * changed.length)
    const length = Math.floor(random() ** 3 * 60)
    const lines = changed.split('\n')
    const line = Math.floor(random() * lines.length)
    changed = pick([
      () => changed.slice(0, at) + changed.slice(at + length),
      () => changed.slice(0, at) + pick(scraps) + changed.slice(at),
      () => changed.slice(0, at) + changed.slice(at, at + length).repeat(3) + changed.slice(at),
      () => changed.slice(0, at) + String.fromCharCode(random() * 256) + changed.slice(at + 1),
      () => changed.replace(new RegExp(`\\b${pick(words)}\\b`), () => pick([...words, ...scraps])),
      () => [...lines.slice(0, line), ...lines.slice(line + 1)].join('\n'),
      () =>
        [...lines.slice(0, line), ' '.repeat(random() * 9) + (lines[line] ?? '').trim(), ...lines.slice(line + 1)].join(
          '\n',
        ),
    ])()
  }
  return changed
}

it('takes a mutated script, or says what is wrong with it and where: nothing else', { timeout: 60_000 }, async () => {
  const rounds = Number(process.env.FUZZ_ROUNDS ?? 600)
  const random = randomOf(Number(process.env.FUZZ_SEED ?? 7))
  const file = join(folder, 'a.session.yaml')
  let taken = 0
  for (let round = 0; round < rounds; round++) {
    const text = mutated(texts[round % texts.length]!, random)
    writeFileSync(file, text)
    const error = await loadScript(file).then(
      () => undefined,
      (thrown: ScriptError) => thrown,
    )
    if (error === undefined) {
      taken++
      continue
    }
    expect(error.code, `${error.stack}\n${text}`).toBe('bad-script')
    const lines = text.split('\n').length
    for (const { place, message } of error.problems) {
      expect(message, text).toMatch(/^[^\n]{5,400}$/)
      expect(place.line, text).toBeLessThanOrEqual(lines)
      expect(place.column, text).toBeGreaterThan(0)
    }
  }
  expect(taken).toBeGreaterThan(rounds / 50)
  expect(taken).toBeLessThan(rounds)
})
