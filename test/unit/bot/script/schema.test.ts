import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { z } from 'zod'
import { loadScript } from '../../../../src/bot/script/load.ts'
import { publishedShapes } from '../../../../src/bot/script/shape.ts'

const examples = fileURLToPath(new URL('../../../../examples', import.meta.url))

const titles = {
  session: 'A session of roomtone: *.session.yaml (docs/sessions.md)',
  part: 'What a session of roomtone includes: beds, variables, cues (docs/sessions.md)',
}

it.each([
  ['session', 'session.schema.json'],
  ['part', 'session-part.schema.json'],
] as const)('publishes the shape of a %s in docs/%s (WRITE_SCHEMA=1 writes it)', (kind, name) => {
  const file = new URL(`../../../../docs/${name}`, import.meta.url)
  const schema = { title: titles[kind], ...z.toJSONSchema(publishedShapes[kind], { io: 'input' }) }
  if (process.env.WRITE_SCHEMA) writeFileSync(file, `${JSON.stringify(schema, null, 2)}\n`)
  expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(schema)
})

const guide = readFileSync(new URL('../../../../docs/sessions.md', import.meta.url), 'utf8')

it('explains every key in docs/sessions.md', () => {
  const keys = new Set<string>()
  const walk = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return
    if ('properties' in value) for (const key of Object.keys(value.properties as object)) keys.add(key)
    for (const inner of Object.values(value)) walk(inner)
  }
  walk(z.toJSONSchema(publishedShapes.session, { io: 'input' }))
  expect([...keys].filter((key) => !new RegExp(`\\b${key}\\b`).test(guide))).toEqual([])
  expect(keys.size).toBeGreaterThan(50)
})

it('shows whole sessions there that are taken as they stand', async () => {
  const blocks = [...guide.matchAll(/```yaml\n([\s\S]*?)```/g)].map((found) => found[1]!)
  const sessions = blocks.filter((block) => /^session:/m.test(block))
  expect(sessions.length).toBeGreaterThan(1)
  const folder = mkdtempSync(join(tmpdir(), 'roomtone-docs-'))
  for (const text of sessions) {
    const file = join(folder, 'a.session.yaml')
    writeFileSync(file, text)
    const { variants } = await loadScript(file)
    for (const variant of variants) await loadScript(file, { variant })
  }
  // A part of a session, on its own.
  for (const text of blocks.filter((block) => block.startsWith('- '))) {
    const file = join(folder, 'part.session.yaml')
    mkdirSync(join(folder, 'parts'), { recursive: true })
    writeFileSync(join(folder, 'parts/opening.yaml'), 'cues: [{bell: 1}]')
    writeFileSync(file, `session: a\nend: 1:00:00\ncues:\n${text.replace(/^/gm, '  ')}`)
    await loadScript(file)
  }
  rmSync(folder, { recursive: true })
})

it.each(readdirSync(examples).filter((name) => name.endsWith('.session.yaml')))(
  'takes examples/%s, each of its variants',
  async (name) => {
    const { variants } = await loadScript(join(examples, name))
    for (const variant of variants) expect((await loadScript(join(examples, name), { variant })).variant).toBe(variant)
  },
)
