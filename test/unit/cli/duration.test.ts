import { expect, it } from 'vitest'
import { parseDurationMs } from '../../../src/cli/duration.ts'

it.each([
  ['20s', 20_000],
  ['5m', 300_000],
  ['1h30m', 5_400_000],
  ['500ms', 500],
  ['1.5s', 1500],
])('reads %s', (text, ms) => expect(parseDurationMs(text, '--for')).toBe(ms))

it.each(['', '20', 's', '20 s', '5x', '-5s', '20s!'])('refuses "%s" by a sentence that names the option', (text) => {
  expect(() => parseDurationMs(text, '--for')).toThrow(/^--for wants a duration such as 20s/)
})

it.each(['25d', '600h', '99999999999h'])('refuses "%s", which no timer can wait for', (text) => {
  expect(() => parseDurationMs(text, '--for')).toThrow(/^--for takes at most 24d/)
})
