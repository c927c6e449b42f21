import { execFileSync, type SpawnOptions, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { eventually } from './eventually.ts'

const run = (command: string, ...args: string[]) =>
  execFileSync(command, args, { stdio: ['ignore', 'pipe', 'pipe'], encoding: 'utf8' })

/** Why no second network can be made on this machine, or undefined when it can. For `it.skipIf(...)`. */
export const farSideMissing: string | undefined = (() => {
  const name = `rt${process.pid}p`
  const works = spawnSync('ip', ['netns', 'add', name]).status === 0 && spawnSync('tc', ['-V']).status === 0
  spawnSync('ip', ['netns', 'del', name])
  return works ? undefined : 'needs root, ip netns and tc (iproute2)'
})()

/** A network of its own (Linux), joined to this one by a cable. */
export type Cable = {
  /** The near end: where a server is to listen, and what it is called over there. */
  readonly address: string
  /** The command that runs `command` over there; its pid is the command's own. */
  inside(command: string[]): [string, string[]]
  /** The cable is pulled: what either side sends is dropped without a word. */
  cut(): void
  mend(): void
  close(): void
}

let cables = 0

/** `via`: the near end of another cable, that is to be reached from over there, too. */
export const layCable = (via?: string): Cable => {
  const index = cables++
  const name = `rt${process.pid}${index === 0 ? '' : `x${index}`}`
  const [near, far] = [`${name}a`, `${name}b`]
  const at = (host: number) => `10.231.${process.pid % 250}.${4 * index + host}`
  const there = (...command: string[]) => run('ip', 'netns', 'exec', name, ...command)
  run('ip', 'netns', 'add', name)
  run('ip', 'link', 'add', near, 'type', 'veth', 'peer', 'name', far)
  run('ip', 'link', 'set', far, 'netns', name)
  run('ip', 'address', 'add', `${at(1)}/30`, 'dev', near)
  run('ip', 'link', 'set', near, 'up')
  there('ip', 'address', 'add', `${at(2)}/30`, 'dev', far)
  there('ip', 'link', 'set', far, 'up')
  there('ip', 'link', 'set', 'lo', 'up')
  if (via !== undefined) there('ip', 'route', 'add', via, 'via', at(1))
  // Every packet is larger than what this filter ever lets through.
  const drop = ['root', 'tbf', 'rate', '8bit', 'burst', '10', 'limit', '10']
  return {
    address: at(1),
    inside: (command) => ['ip', ['netns', 'exec', name, ...command]],
    cut: () => {
      run('tc', 'qdisc', 'replace', 'dev', near, ...drop)
      there('tc', 'qdisc', 'replace', 'dev', far, ...drop)
    },
    mend: () => {
      run('tc', 'qdisc', 'del', 'dev', near, 'root')
      there('tc', 'qdisc', 'del', 'dev', far, 'root')
    },
    close: () => {
      spawnSync('ip', ['link', 'del', near])
      spawnSync('ip', ['netns', 'del', name])
    },
  }
}

/** A cable for UDP alone: HTTP of `port` on loopback goes in another way. */
export type FarSide = Omit<Cable, 'close'> & {
  /** When (`performance.now()`) each connection to `port` was made. */
  readonly calls: number[]
  close(): Promise<void>
}

export const startFarSide = async (port: number): Promise<FarSide> => {
  const cable = layCable()
  const folder = mkdtempSync(join(tmpdir(), 'rt-far-'))

  // A unix socket is the same file in both networks: HTTP does not take the cable.
  const path = join(folder, 'http.sock')
  const sockets = new Set<Socket>()
  const calls: number[] = []
  const tunnel = createServer((from) => {
    calls.push(performance.now())
    const to = connect(port, '127.0.0.1')
    for (const [one, other] of [
      [from, to],
      [to, from],
    ] as const) {
      sockets.add(one)
      one.on('error', () => other.destroy()).on('close', () => sockets.delete(one))
      one.pipe(other)
    }
  })
  await new Promise<void>((resolve) => tunnel.listen(path, resolve))
  const gate = `require('net').createServer((from) => {
    const to = require('net').connect(${JSON.stringify(path)})
    from.on('error', () => to.destroy()).pipe(to).on('error', () => from.destroy()).pipe(from)
  }).listen(${port}, '127.0.0.1', () => console.log('open'))`
  const options: SpawnOptions = { stdio: ['ignore', 'pipe', 'inherit'] }
  const doorman = spawn(...cable.inside([process.execPath, '-e', gate]), options)
  let isOpen = false
  doorman.stdout!.once('data', () => {
    isOpen = true
  })
  await eventually(() => isOpen, { withinMs: 10_000, what: 'the gate of the far side is open' })

  return {
    ...cable,
    calls,
    close: async () => {
      doorman.kill('SIGKILL')
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => tunnel.close(resolve))
      cable.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
