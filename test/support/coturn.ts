import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { eventually } from './eventually.ts'
import { freePort } from './free-port.ts'

/** Why there is no TURN server on this machine, or undefined when there is. For `test.skipIf(...)`. */
export const coturnMissing: string | undefined =
  spawnSync('turnserver', ['--help']).error === undefined ? undefined : 'needs coturn (apt: coturn)'

export type Coturn = {
  url: string
  secret: string
  /** Its log so far. */
  log(): string
  close(): Promise<void>
}

/** A real TURN server on loopback with time-limited credentials; it relays to loopback, which it else refuses to. */
export const startCoturn = async (): Promise<Coturn> => {
  const folder = mkdtempSync(join(tmpdir(), 'rt-turn-'))
  const port = await freePort()
  const secret = 'a secret between two servers'
  const flags = ['-n', '--no-tls', '--no-dtls', '--no-cli', '--verbose', '--log-file=stdout', '--fingerprint']
  const child = spawn(
    'turnserver',
    [
      ...flags,
      '--listening-ip=127.0.0.1',
      '--relay-ip=127.0.0.1',
      `--listening-port=${port}`,
      // Not among those that others are given when they ask for any.
      '--min-port=61000',
      '--max-port=65535',
      '--use-auth-secret',
      `--static-auth-secret=${secret}`,
      '--realm=roomtone.test',
      '--allow-loopback-peers',
      `--pidfile=${join(folder, 'pid')}`,
      `--userdb=${join(folder, 'db')}`,
    ],
    { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] },
  )
  let log = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk) => {
      log += chunk
    })
  const ended = new Promise((resolve) => child.once('close', resolve))
  const close = async () => {
    child.kill('SIGKILL')
    await ended
    rmSync(folder, { recursive: true, force: true })
  }
  await eventually(() => /UDP listener opened on/i.test(log), {
    withinMs: 10_000,
    what: 'coturn listens',
  }).catch(async (error) => {
    await close()
    throw new Error(`${error.message}\n${log}`)
  })
  return { url: `turn:127.0.0.1:${port}?transport=udp`, secret, log: () => log, close }
}
