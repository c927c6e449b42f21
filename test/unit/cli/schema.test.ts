import { readFileSync, writeFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { z } from 'zod'
import { agrees, documents } from '../../support/cli-schema.ts'
import { botsAgree } from '../../support/cli-schema-bot.ts'
import { checksAgree } from '../../support/cli-schema-check.ts'

const file = new URL('../../../docs/cli.schema.json', import.meta.url)

it('stands in docs/cli.schema.json as the tests know it (WRITE_SCHEMA=1 writes it, then npm run format)', () => {
  const $defs = Object.fromEntries(
    Object.entries(documents).map(([command, schema]) => {
      const { $schema, ...definition } = z.toJSONSchema(schema, { io: 'output' })
      return [command, definition]
    }),
  )
  const schema = {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'What roomtone prints with --json (one document) and --jsonl (one a line)',
    description:
      'Each definition is named by its command. Fields may be added; none is removed or changes its meaning.',
    $defs,
  }
  if (process.env.WRITE_SCHEMA) writeFileSync(file, `${JSON.stringify(schema, null, 2)}\n`)
  expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(schema)
  expect(agrees).toEqual([true, true])
  expect(botsAgree).toEqual([true, true, true])
  expect(checksAgree).toEqual([true, true])
})
