import { Writable } from 'node:stream'
import { expect, it } from 'vitest'
import { columns, createOutput, wantsColor } from '../../../src/cli/output.ts'

const memory = () => {
  let text = ''
  const stream = new Writable({
    write: (chunk, _encoding, done) => {
      text += chunk
      done()
    },
  })
  return { stream, text: () => text }
}

it('aligns columns by what a terminal shows, wide characters as two', () => {
  expect(
    columns([
      ['李华', 'x'],
      ['Bo', 'y'],
      ['Björn', 'z'],
    ]),
  ).toEqual(['李华   x', 'Bo     y', 'Björn  z'])
})

it('keeps results on stdout and the rest on stderr', () => {
  const [out, err] = [memory(), memory()]
  const output = createOutput({
    stdout: out.stream,
    stderr: err.stream,
    color: false,
    errorColor: false,
    quiet: false,
    verbose: false,
    debug: false,
    isPlain: () => false,
  })
  output.line('a result')
  output.json({ b: 1 })
  output.note('a note')
  output.detail('hidden')
  output.problem(Object.assign(new Error('no luck'), { code: 'not-found' }))
  expect(out.text()).toBe('a result\n{\n  "b": 1\n}\n')
  expect(err.text()).toBe('a note\nroomtone: no luck\n')
})

it('uses colour only on a terminal that wants it', () => {
  expect(wantsColor(true, undefined, {})).toBe(true)
  expect(wantsColor(false, undefined, {})).toBe(false)
  expect(wantsColor(true, false, {})).toBe(false)
  expect(wantsColor(true, undefined, { NO_COLOR: '1' })).toBe(false)
  expect(wantsColor(true, undefined, { TERM: 'dumb' })).toBe(false)
})

it('writes no control character into JSON, and loses none', () => {
  const out = memory()
  const output = createOutput({
    stdout: out.stream,
    stderr: memory().stream,
    color: false,
    errorColor: false,
    quiet: false,
    verbose: false,
    debug: false,
    isPlain: () => false,
  })
  const name = 'a\u001b[31m\u009b2J\u007fü'
  output.event({ name })
  expect(out.text().trimEnd()).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/)
  expect(JSON.parse(out.text())).toEqual({ name })
})

it('prints a record for each row with --plain, by its labels, and no colour', () => {
  const out = memory()
  let isPlain = false
  const output = createOutput({
    stdout: out.stream,
    stderr: out.stream,
    color: true,
    errorColor: true,
    quiet: false,
    verbose: false,
    debug: false,
    isPlain: () => isPlain,
  })
  // Known only once the settings are read.
  isPlain = true
  const rows = [
    ['Ana', '', output.paint('dim', 'here')],
    ['Omar', '@omar', 'gone'],
  ]
  output.table(['name', 'handle', 'state'], rows)
  output.facts([
    ['title', 'Story: one'],
    ['ended', ''],
  ])
  output.problem(Object.assign(new Error('no luck'), { code: 'not-found' }))
  expect(out.text().split('\n')).toEqual([
    'name: Ana',
    'state: here',
    '',
    'name: Omar',
    'handle: @omar',
    'state: gone',
    'title: Story: one',
    'roomtone: no luck',
    '',
  ])
})
