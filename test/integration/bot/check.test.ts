import { once } from 'node:events'
import { chmodSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'
import { botCheckSchema } from '../../support/cli-schema.ts'
import { roomtone, throwawayHome } from '../../support/roomtone.ts'

const examples = fileURLToPath(new URL('../../../examples', import.meta.url))
const { home, close } = throwawayHome()
afterAll(close)

const check = (file: string, ...options: string[]) => roomtone(['bot', 'check', file, ...options], { home, cwd: home })

describe('roomtone bot check', () => {
  it('shows the program of each variant as it will run, and the next sittings', async () => {
    const { code, stdout, stderr } = await check(join(examples, 'guided-meditation.session.yaml'))
    expect(stderr).toBe('')
    expect(code).toBe(0)
    expect(stdout.match(/^guided-meditation \w+: .*$/gm)).toEqual([
      'guided-meditation 10m: "Ten quiet minutes", 10:00, mono',
      'guided-meditation 5m: "Five quiet minutes", 5:00, mono',
      'guided-meditation 15m: "Fifteen quiet minutes", 15:00, mono',
    ])
    expect(stdout).toMatch(/^0:18 {2,}-32\.0 LUFS {2}bed-1 +bed rain$/m)
    expect(stdout).toMatch(/^14:30 +0:23 +-18\.\d LUFS {2}bell-3 +bell x3, 7 s apart$/m)
    expect(stdout).toMatch(/^Next: \d{4}-\d\d-\d\d 07:00, .*\(Europe\/Berlin\)$/m)
    expect(stdout).toMatch(/guided-meditation is in order\.\n$/)
  })

  it('prints one document, in which voices are as loud as they are to be', async () => {
    const { code, stdout } = await check(join(examples, 'guided-meditation.session.yaml'), '--variant', '5m', '--json')
    expect(code).toBe(0)
    const { ok, problems, next, programs } = botCheckSchema.parse(JSON.parse(stdout))
    expect({ ok, problems, next: next.length }).toEqual({ ok: true, problems: [], next: 5 })
    expect(programs.map(({ variant, durationMs }) => [variant, durationMs])).toEqual([['5m', 300_000]])
    for (const { kind, lufs } of programs[0]!.cues) if (kind === 'say') expect(lufs).toBeCloseTo(-18, 0)
    const close = programs[0]!.cues.find(({ cue }) => cue === 'close')!
    expect(close).toMatchObject({ atMs: 230_000, kind: 'say' })
    expect(close.lengthMs).toBeGreaterThan(3000)
  })

  it('refuses what cannot go on air: each problem with its place, all at once, and no stack', async () => {
    const engine = join(home, 'engine.sh')
    writeFileSync(engine, '#!/bin/sh\necho "no such voice" >&2\nexit 3\n')
    chmodSync(engine, 0o755)
    writeFileSync(join(home, 'text.mp3'), 'This is no sound. '.repeat(500))
    const web = createServer((_, response) =>
      response.setHeader('content-type', 'text/html').end('<html>Sign in</html>'),
    )
    await once(web.listen(0, '127.0.0.1'), 'listening')
    const page = `http://127.0.0.1:${(web.address() as AddressInfo).port}/live`
    writeFileSync(
      join(home, 'bad.session.yaml'),
      `session: bad
speech: {command: [./engine.sh]}
cues:
  - {at: 0:00, play: none.mp3}
  - {at: 0:10, play: text.mp3}
  - {at: 0:20, say: Nobody will hear this.}
  - {at: 0:30, floor: 5m}
  - {at: 2:00, floor: 1m}
  - {at: 6:00, play: "${page}", for: 1m}
alerts:
  - {command: [./page-me.sh]}
  - {command: [sh, -c, "exit 0"]}
`,
    )
    const { code, stdout, stderr } = await check('bad.session.yaml')
    web.close()
    expect(code).toBe(2)
    expect(stdout).not.toContain('in order')
    expect(stderr).not.toMatch(/\n {4}at /)
    const lines = stderr.trim().split('\n')
    expect(lines).toEqual([
      expect.stringMatching(/^roomtone: bad\.session\.yaml:4:22: .*none\.mp3/),
      expect.stringMatching(/^roomtone: bad\.session\.yaml:5:22: .*text\.mp3/),
      expect.stringMatching(/^roomtone: bad\.session\.yaml:6:5: .*engine/),
      expect.stringMatching(/^roomtone: bad\.session\.yaml:8:5: .*floor-2 begins at 2:00/),
      expect.stringMatching(/^roomtone: bad\.session\.yaml:9:22: .*127\.0\.0\.1.* is a web page/),
      expect.stringMatching(/^roomtone: bad\.session\.yaml:11:5: the alert's program .*\/page-me\.sh is not there/),
    ])
  })

  it('tells a script that cannot be read, and one that is not there', async () => {
    writeFileSync(
      join(home, 'broken.session.yaml'),
      'session: a\ncues:\n  - {att: 0:00, bell: 1}\n  - {at: 1:00, sai: hey}\n',
    )
    const broken = await check('broken.session.yaml', '--json')
    expect(broken.code).toBe(2)
    expect(botCheckSchema.parse(JSON.parse(broken.stdout)).problems.map(({ line, column }) => [line, column])).toEqual([
      [3, 6],
      [4, 16],
    ])
    const none = await check('none.session.yaml')
    expect(none).toMatchObject({ code: 6, stdout: '' })
    expect(none.stderr).toMatch(/^roomtone: no such file: [^\n]+\n$/)
  })
})
