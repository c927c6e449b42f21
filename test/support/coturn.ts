import { spawn, spawnSync } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { eventually } from './eventually.ts'

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
  const port = await freeUdpPort()
  const secret = 'a secret between two servers'
  const flags = ['-n', '--no-tls', '--no-dtls', '--no-cli', '--verbose', '--log-file=stdout', '--fingerprint']
  const child = spawn(
    'turnserver',
    [
      ...flags,
      '--listening-ip=127.0.0.1',
      '--relay-ip=127.0.0.1',
      `--listening-port=${port}`,
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

const freeUdpPort = (): Promise<number> =>
  new Promise((resolve) => {
    const socket = createSocket('udp4')
    socket.bind(0, '127.0.0.1', () => {
      const { port } = socket.address()
      socket.close(() => resolve(port))
    })
  })
