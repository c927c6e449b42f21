import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { decodeWhole } from '../../src/audio/files/decode.ts'
import { listen } from '../support/bot-room.ts'
import { compareSounds } from '../support/compare-sound.ts'
import { roomtone, startRoomtone } from '../support/roomtone.ts'
import type { Scene } from './run.ts'

const examples = fileURLToPath(new URL('../../examples', import.meta.url))

/** The ten-minute meditation of the examples, in real time, heard by a second participant and held against its rendering. */
export const meditation = async ({ folder, room, omar, env, print }: Scene): Promise<boolean> => {
  cpSync(examples, folder, { recursive: true })
  const script = join(folder, 'meditation.session.yaml')
  // In a room where somebody listens from the first stroke on, and without words that depend on how many do.
  const text = readFileSync(join(folder, 'guided-meditation.session.yaml'), 'utf8')
    .replace('room:\n', `room:\n  existing: ${room.id}\n`)
    .replace(' {listeners} of us are here.', '')
    .replace('  closes: 10m\n', '')
  writeFileSync(script, text)
  const reference = join(folder, 'reference.wav')
  const rendered = await roomtone(['bot', 'render', script, '--variant', '10m', '-o', reference], {
    ...{ home: folder, env, withinMs: 240_000 },
  })
  if (rendered.code !== 0) throw new Error(`not rendered: ${rendered.stderr}`)
  const ears = await listen(omar, room)
  const running = startRoomtone(['bot', 'run', script, '--variant', '10m', '--now', '--ear', '--jsonl'], {
    ...{ home: folder, env, withinMs: 720_000 },
  })
  const { code, stderr } = await running.ended
  const told = running.events<Told>()
  const heard = ears.heard()
  await ears.session.close()

  const { stretches } = compareSounds(heard, await decodeWhole(reference, { channels: 1 }))
  const lags = stretches.flatMap(({ lagMs }) => lagMs ?? [])
  const levels = stretches.flatMap(({ offByDb }) => offByDb ?? [])
  const noises = stretches.flatMap(({ atS, noiseDb }) =>
    noiseDb === null ? [] : [`${atS} s: ${noiseDb.toFixed(0)} dBFS`],
  )
  const missedMs = told.reduce((sum, event) => sum + (event.missedMs ?? 0), 0)
  const trouble = told.filter(({ type }) => ['dead-air', 'repair', 'restarted', 'warning'].includes(type))
  const span = (values: number[]) => `${Math.min(...values).toFixed(1)} to ${Math.max(...values).toFixed(1)}`
  print(`| heard | ${(heard.length / 48_000).toFixed(1)} s, ${stretches.length} stretches of 5 s |`)
  print(`| later than its place | ${span(lags)} ms, by ${lags.length} stretches that tell |`)
  print(`| louder than rendered, worst band of each stretch | ${span(levels)} dB |`)
  print(`| silence that was none | ${noises.join(', ') || 'none'} |`)
  print(`| frames missed, as the bot told | ${missedMs} ms |`)
  print(
    `| troubles told | ${trouble.map(({ type, message, cause, repair }) => `${type} ${message ?? cause ?? repair ?? ''}`).join(', ') || 'none'} |`,
  )
  print(`| exit code | ${code} ${stderr} |`)
  for (const { atS, lagMs, offByDb } of stretches)
    if (Math.abs(lagMs ?? 0) > 60 || Math.abs(offByDb ?? 0) > 1)
      print(`| at ${atS} s | ${lagMs ?? '-'} ms, ${offByDb?.toFixed(1) ?? '-'} dB |`)
  const isInTime = lags.every((lagMs) => lagMs >= -60 && lagMs <= 60 + missedMs)
  const isLevel = levels.every((db) => Math.abs(db) <= 1)
  return code === 0 && isInTime && isLevel && noises.length === 0 && trouble.length === 0
}

type Told = { type: string; missedMs?: number; message?: string; cause?: string; repair?: string }
