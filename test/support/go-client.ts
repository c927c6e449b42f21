import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { createOpusDecoder, createOpusEncoder } from '../../src/audio/opus.ts'
import { eventually } from './eventually.ts'
import type { ForeignPeer } from './foreign-peer.ts'
import { createToneMeter, type ToneMeter } from './media-tone.ts'

const source = fileURLToPath(new URL('go-client', import.meta.url))
const go = ['go', '/usr/local/go/bin/go', '/usr/lib/go/bin/go'].find(
  (name) => spawnSync(name, ['version'], { stdio: 'ignore' }).status === 0,
)

/** Why LiveKit's Go client cannot be tried here, or undefined. */
export const goClientMissing = go ? undefined : 'there is no Go to build it'

/** Builds test/support/go-client into a folder of this process; returns the program's path. */
export const buildGoClient = (): string => {
  const folder = mkdtempSync(join(tmpdir(), 'roomtone-go-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  const program = join(folder, 'go-client')
  execFileSync(go!, ['build', '-buildvcs=false', '-o', program, '.'], {
    cwd: source,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  return program
}

export type GoPeer = ForeignPeer & {
  /** Ends what it publishes. */
  unpublish(): void
}

type Line = { event?: string; from?: string; timestamp?: number; packet?: string }

/** A participant on LiveKit's server-sdk-go. `explicit`: auto-subscribe off, each track asked for. */
export const joinGo = async (
  program: string,
  url: string,
  token: string,
  { hz, explicit = false }: { hz?: number; explicit?: boolean } = {},
): Promise<GoPeer> => {
  const events: string[] = []
  const heard = new Map<string, { meter: ToneMeter; decode(packet: Uint8Array): Int16Array }>()
  const sound = hz === undefined ? [] : ['-packets', await tonePackets(hz)]
  const args = ['-url', url, '-token', token, ...(explicit ? ['-explicit'] : []), ...sound]
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'ignore'] })
  const exited = once(child, 'exit')
  child.stdin.on('error', () => {})
  const decoders = await Promise.all(Array.from({ length: 8 }, () => createOpusDecoder({ channels: 1 })))
  createInterface({ input: child.stdout }).on('line', (text) => {
    const { event, from, packet } = JSON.parse(text) as Line
    if (event !== undefined) events.push(event)
    if (from === undefined || packet === undefined) return
    const ear = heard.get(from) ?? { meter: createToneMeter(), decode: decoders[heard.size]!.decode }
    heard.set(from, ear)
    ear.meter.add(ear.decode(Buffer.from(packet, 'base64')))
  })
  const command = (text: string) => void child.stdin.write(`${text}\n`)
  /** The first new event that begins with one of these words. */
  const next = (from: number, words: RegExp, withinMs: number) =>
    eventually(
      () => {
        const found = events.slice(from).find((event) => words.test(event))
        if (found !== undefined) return found
        throw new Error(`told so far: ${events.join(', ')}; exit code ${child.exitCode}`)
      },
      { withinMs, what: `the Go client tells ${words}` },
    )
  const joined = await next(0, /^(joined|refused)/, 20_000)
  if (joined.startsWith('refused')) throw new Error(joined)
  return {
    events,
    heardHz: (identity) => heard.get(identity)?.meter.hz(),
    publishTone: async () => {
      const from = events.length
      command('publish')
      const told = await next(from, /^(published|refused)/, 15_000)
      if (told.startsWith('refused')) throw new Error(told)
      return { sid: told.split(' ')[1]! }
    },
    setMuted: async (muted) => command(muted ? 'mute' : 'unmute'),
    unpublish: () => command('unpublish'),
    close: async () => {
      command('leave')
      child.stdin.end()
      const kill = setTimeout(() => child.kill('SIGKILL'), 3000)
      await exited
      clearTimeout(kill)
      for (const decoder of decoders) decoder.close()
    },
  }
}

const FRAME = 960
const PACKETS = 500

/** A file of ten seconds of a sine in Opus packets of 20 ms, each after its length (16 bits, big endian). */
const tonePackets = async (hz: number): Promise<string> => {
  const folder = mkdtempSync(join(tmpdir(), 'roomtone-tone-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, `${hz}.opus-packets`)
  const encoder = await createOpusEncoder({ channels: 1, bitrate: 32_000 })
  const pieces = Array.from({ length: PACKETS }, (_, index) => {
    const at = (i: number) => 8000 * Math.sin((2 * Math.PI * hz * (index * FRAME + i)) / 48_000)
    const packet = encoder.encode(Int16Array.from({ length: FRAME }, (_, i) => at(i)))
    const length = Buffer.alloc(2)
    length.writeUInt16BE(packet.length)
    return Buffer.concat([length, packet])
  })
  encoder.close()
  writeFileSync(file, Buffer.concat(pieces))
  return file
}
