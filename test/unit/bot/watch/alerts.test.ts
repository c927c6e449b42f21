import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import type { Alert } from '../../../../src/bot/script/script.ts'
import { type AlertMessage, createAlerts } from '../../../../src/bot/watch/alerts.ts'
import { createWebhooks } from '../../../../src/client/api-webhook.ts'
import { eventually } from '../../../support/eventually.ts'

const folder = mkdtempSync(join(tmpdir(), 'alerts-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

let files = 0
/** A program that node runs: its own source, told by stdin. */
const program = (source: string, ...args: string[]): string[] => {
  const file = join(folder, `${files++}.mjs`)
  writeFileSync(file, source)
  return [process.execPath, file, ...args]
}
/** Appends what comes on stdin, and its arguments, to a file. */
const keep = (into: string, ...args: string[]) =>
  program(
    `import { appendFileSync, readFileSync } from 'node:fs'
     const { env, argv } = process
     appendFileSync(argv[2], JSON.stringify({ told: JSON.parse(readFileSync(0, 'utf8')), env, args: argv.slice(3) }) + '\\n')`,
    into,
    ...args,
  )
const linesOf = (file: string) =>
  existsSync(file)
    ? readFileSync(file, 'utf8')
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line))
    : []

const message = (state: 'began' | 'over', kind: AlertMessage['kind'] = 'dead-air'): Omit<AlertMessage, 'id'> => ({
  at: '2026-12-01T07:00:10.000Z',
  kind,
  state,
  since: '2026-12-01T07:00:00.000Z',
  session: 'morning-sit',
  title: 'Morning; `sit` $HOME',
  sitting: '2026-12-01T07:00:00.000Z',
  message: 'Dead air for 10 s.',
})

const start = (more: Partial<Parameters<typeof createAlerts>[0]> = {}) => {
  const problems: string[] = []
  const webhooks = createWebhooks({})
  const alerts = createAlerts({
    post: webhooks.post,
    env: { PATH: process.env.PATH },
    onProblem: (problem) => problems.push(problem),
    backoffMs: [20, 20],
    ...more,
  })
  return { alerts, problems, close: () => alerts.close().then(webhooks.close) }
}

/** A receiver that answers each request in turn by one of `answers`, the last one for good; 0 hangs up. */
const startReceiver = async (...answers: number[]) => {
  const got: AlertMessage[] = []
  const keys: unknown[] = []
  const server = createServer((request, response) => {
    let text = ''
    request.on('data', (chunk) => {
      text += chunk
    })
    request.on('end', () => {
      const status = answers[Math.min(got.length, answers.length - 1)]!
      got.push(JSON.parse(text))
      keys.push(request.headers['idempotency-key'])
      if (status === 0) request.socket.destroy()
      else response.writeHead(status, { location: '/elsewhere' }).end()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return { got, keys, url: `http://127.0.0.1:${port}/hooks/s3cret`, close: () => server.close() }
}

const all = (alert: { command: string[] } | { webhook: string }): Alert => ({ kinds: [], ...alert })

describe('an alert by command', () => {
  it('gives one line of JSON on stdin, arguments as they stand, and no more of the environment than was given', async () => {
    const { alerts, problems, close } = start()
    const file = join(folder, 'kept')
    const command = keep(file, '$HOME', '; rm -rf x', '{text}')
    alerts.tell([all({ command })], message('began'))
    await eventually(() => linesOf(file).length === 1, { withinMs: 10_000, what: 'the command has run' })
    const [{ told, env, args }] = linesOf(file)
    expect(told).toMatchObject({ ...message('began'), id: expect.any(String) })
    expect(args).toEqual(['$HOME', '; rm -rf x', '{text}'])
    expect(Object.keys(env)).toEqual(['PATH'])
    expect(problems).toEqual([])
    await close()
  })

  it('is told of its kinds alone, in order', async () => {
    const { alerts, close } = start()
    const file = join(folder, 'kinds')
    const alert: Alert = { kinds: ['dead-air'], command: keep(file) }
    for (const told of [message('began'), message('began', 'not-on-air'), message('over')]) alerts.tell([alert], told)
    await eventually(() => linesOf(file).length === 2, { withinMs: 10_000, what: 'both were told' })
    expect(linesOf(file).map(({ told }) => told.state)).toEqual(['began', 'over'])
    await close()
  })

  it('that hangs is ended with all that it started, and said', async () => {
    const { alerts, problems, close } = start({ commandMs: 1_500 })
    const file = join(folder, 'pids')
    const command = program(
      `import { spawn } from 'node:child_process'
       import { writeFileSync } from 'node:fs'
       const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' })
       writeFileSync(process.argv[2], JSON.stringify([process.pid, child.pid]) + '\\n')
       setInterval(() => {}, 1000)`,
      file,
    )
    alerts.tell([all({ command })], message('began'))
    await eventually(() => problems.length === 1, { withinMs: 10_000, what: 'it is given up' })
    expect(problems[0]).toMatch(/did not reach .*: it took longer than 1\.5 s and was ended\.$/)
    const [pids] = linesOf(file) as [number[]]
    await eventually(() => pids.every((pid) => !isRunning(pid)), { withinMs: 5_000, what: 'both processes are gone' })
    await close()
  })

  it('that fails, or is not there, is said in a sentence', async () => {
    const { alerts, problems, close } = start()
    alerts.tell(
      [all({ command: program('process.exit(3)') }), all({ command: ['/no/such/program'] })],
      message('began'),
    )
    await eventually(() => problems.length === 2, { withinMs: 10_000, what: 'both are said' })
    expect(problems.toSorted()).toEqual([
      'The alert "dead-air" (began) did not reach /no/such/program: there is no such program.',
      `The alert "dead-air" (began) did not reach ${process.execPath}: it failed (3).`,
    ])
    await close()
  })
})

describe('an alert by webhook', () => {
  it('is posted again until it is taken, under one name, and what follows waits for it', async () => {
    const receiver = await startReceiver(500, 0, 204)
    const { alerts, problems, close } = start()
    alerts.tell([all({ webhook: receiver.url })], message('began'))
    alerts.tell([all({ webhook: receiver.url })], message('over'))
    await eventually(() => receiver.got.length === 4, { withinMs: 10_000, what: 'four posts' })
    expect(receiver.got.map(({ state }) => state)).toEqual(['began', 'began', 'began', 'over'])
    const [first, second, third, over] = receiver.keys
    expect([second, third]).toEqual([first, first])
    expect(over).not.toBe(first)
    await close()
    expect(problems).toEqual([])
    receiver.close()
  })

  it('that is never taken is said without its secret path; a redirect is no taking', async () => {
    const receiver = await startReceiver(302)
    const { alerts, problems, close } = start()
    alerts.tell([all({ webhook: receiver.url })], message('began'))
    await eventually(() => problems.length === 1, { withinMs: 10_000, what: 'it is given up' })
    expect(receiver.got).toHaveLength(3)
    expect(problems[0]).toMatch(/did not reach http:\/\/127\.0\.0\.1:\d+: it answered 302\.$/)
    await close()
    receiver.close()
  })

  it('does not keep the bot from ending', async () => {
    const receiver = await startReceiver(500)
    const { alerts, problems, close } = start({ backoffMs: [600_000] })
    alerts.tell([all({ webhook: receiver.url })], message('began'))
    await eventually(() => receiver.got.length === 1, { withinMs: 10_000, what: 'the first try' })
    await close()
    expect(problems[0]).toMatch(/the bot ended first\.$/)
    receiver.close()
  })
})

const isRunning = (pid: number): boolean => {
  try {
    // A zombie of a parent that was killed is gone, too.
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return false
  }
}
