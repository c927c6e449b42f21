import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { HostEvent } from '../../src/bot/host/wire.ts'
import { familyOf, type Listener, listen, runsHeard, writeStaircase } from '../support/bot-room.ts'
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
  const heardMs = () => ears.heard().length / 48
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
    const before = { fromMs: heardMs() - 3_000, toMs: heardMs() }
    bot = start()
    // Sound is only counted meanwhile: to look for its tones takes this process's time, which is the listener's, too.
    const soundedMs = ears.soundedMs()
    await eventually(() => ears.soundedMs() >= soundedMs + 500, { withinMs: 15_000, what: 'it is heard again' })
    const backMs = performance.now() - 500 - killedAt
    const fromMs = heardMs() - 500
    const { programMs } = await onAir(bot)
    // Heard for a while, so that the jitter buffer has settled.
    await wait(2_000)
    const offMs = wrapped(beginOf(ears, { fromMs, toMs: heardMs() }) - beginOf(ears, before))
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

/** When the staircase's first step would have been heard, by this machine's clock and that stretch of what was heard. */
const beginOf = (ears: Listener, { fromMs, toMs }: { fromMs: number; toMs: number }): number => {
  const runs = runsHeard(ears.heard().subarray(fromMs * 48, toMs * 48)).filter(({ stepAtMs }) => stepAtMs !== null)
  const { stepAtMs, to } = runs.toSorted((a, b) => b.ms - a.ms)[0]!
  return ears.clockAt(fromMs + stepAtMs!) - to * 100
}
const wrapped = (ms: number): number => ((((ms + LOOP_MS / 2) % LOOP_MS) + LOOP_MS) % LOOP_MS) - LOOP_MS / 2
