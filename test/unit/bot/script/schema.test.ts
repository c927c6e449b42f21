import { readFileSync, writeFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { z } from 'zod'
import { publishedShapes } from '../../../../src/bot/script/shape.ts'

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
