import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { HostEvent } from '../../src/bot/host/wire.ts'
import { familyOf, type Listener, listen, type Run, runsHeard, writeStaircase } from '../support/bot-room.ts'
import { eventually } from '../support/eventually.ts'
import { isAlive, type Running, startRoomtone } from '../support/roomtone.ts'
import type { Scene } from './run.ts'

const MOMENTS = 5
const LOOP_MS = 4_000

/**
 * A staircase of tones is hosted by the clock; at five random moments every process of the bot is killed (-9) and it is
 * started again, as systemd does. What is heard tells where the program is, modulo four seconds, before and after.
 */
export const kill = async ({ folder, room, omar, env, print }: Scene): Promise<boolean> => {
  writeStaircase(join(folder, 'stairs.wav'), { count: 3_000 })
  const script = join(folder, 'stairs.session.yaml')
  writeFileSync(
    script,
    `session: stairs\nroom: {title: Stairs, existing: ${room.id}}\nwhen: {crash: clock, ended: keep-room}\ncues: [{at: 0:00, play: stairs.wav}]\n`,
  )
  const ears = await listen(omar, room)
  const start = () =>
    startRoomtone(['bot', 'run', script, '--now', '--jsonl'], { home: folder, env, withinMs: 400_000 })
  let bot = start()
  await onAir(bot)
  await wait(3_000)
  let isWell = true
  for (let moment = 1; moment <= MOMENTS; moment++) {
    const afterMs = 2_000 + Math.random() * 8_000
    await wait(afterMs)
    const family = familyOf(bot.pid)
    for (const pid of family) process.kill(pid, 'SIGKILL')
    const killedAt = performance.now()
    await eventually(() => !family.some(isAlive), { withinMs: 5_000, what: 'all are dead' })
    const before = lastRun(ears)
    bot = start()
    const { programMs } = await onAir(bot)
    const run = await eventually(() => runAfter(ears, before), {
      ...{ withinMs: 15_000, what: 'it is heard again', everyMs: 300 },
    })
    const backMs = ears.clockAt(run.atMs) - killedAt
    // Heard for a while, so that the jitter buffer has settled.
    await wait(2_000)
    const offMs = wrapped(beginOf(ears, runAfter(ears, before)!) - beginOf(ears, before))
    print(
      `| ${moment}: killed after ${(afterMs / 1000).toFixed(1)} s on air | heard again ${(backMs / 1000).toFixed(1)} s later, at ${(programMs / 1000).toFixed(1)} s, off its place by ${offMs.toFixed(0)} ms |`,
    )
    isWell &&= Math.abs(offMs) <= 100 && backMs <= 5_000
  }
  bot.kill('SIGINT')
  await bot.ended
  await ears.session.close()
  return isWell
}

const onAir = (bot: Running) =>
  eventually(
    () => {
      const found = bot.events<HostEvent>().find(({ type }) => type === 'on-air')
      if (!found) throw new Error(`${bot.stdout()} ${bot.stderr()}`)
      return found as Extract<HostEvent, { type: 'on-air' }>
    },
    { withinMs: 20_000, what: 'it is on air' },
  )

/** Of the last seconds alone: looking for tones takes this process's time, which is the listener's, too. */
const LOOK_MS = 6_000
const longRuns = (ears: Listener): Run[] => {
  const heard = ears.heard()
  const fromMs = Math.max(0, heard.length / 48 - LOOK_MS)
  return runsHeard(heard.subarray(fromMs * 48))
    .filter(({ ms, stepAtMs }) => ms >= 600 && stepAtMs !== null)
    .map((run) => ({ ...run, atMs: run.atMs + fromMs, stepAtMs: run.stepAtMs! + fromMs }))
}
const lastRun = (ears: Listener): Run => longRuns(ears).at(-1)!
const runAfter = (ears: Listener, { atMs, ms }: Run): Run | undefined =>
  longRuns(ears).findLast((run) => run.atMs > atMs + ms)

/** When the staircase's first step would have been heard, by this machine's clock. */
const beginOf = (ears: Listener, { to, stepAtMs }: Run): number => ears.clockAt(stepAtMs!) - to * 100
const wrapped = (ms: number): number => ((((ms + LOOP_MS / 2) % LOOP_MS) + LOOP_MS) % LOOP_MS) - LOOP_MS / 2
