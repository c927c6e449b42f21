import { spawn } from 'node:child_process'
import { buildMediaServer, startTestMediaServer } from '../support/media-server.ts'
import { type RoomtoneOptions, roomtone, roomtoneBin, throwawayHome } from '../support/roomtone.ts'
import type { Bench } from './run.ts'
import { inTurn, medianOf, percentileOf } from './statistics.ts'

const ROUNDS = 20
const SHORT_ROUNDS = 5
/** What bare node is given to do: nothing. */
const BARE = ['-e', '0']
const HELP = ['--help']
const ON_A_SEAT = [['status'], ['mute'], ['unmute'], ['volume', '80'], ['deafen'], ['undeafen'], ['talk', 'off']]

/** From the start of a command's process to its end, beside a node that does nothing. */
export const run: Bench = async (print, { short }) => {
  const place = throwawayHome()
  const media = await startTestMediaServer({ entry: buildMediaServer() })
  try {
    const options: RoomtoneOptions = { home: place.home }
    const target = ['--url', media.url, '--token', await media.token('ana', 'commands')]
    await must(['join', ...target, '--microphone', 'tone:440', '--speaker', 'none', '--detach'], options)
    const commands = [HELP, ...ON_A_SEAT]
    const takes = Object.fromEntries(
      commands.map((command) => [command.join(' '), () => tookMs([roomtoneBin, ...command], place.home)]),
    )
    const { 'bare node': bare, ...taken } = await inTurn(short ? SHORT_ROUNDS : ROUNDS, {
      'bare node': () => tookMs(BARE, place.home),
      ...takes,
    })
    print('| command | median ms | p95 ms | over bare node, ms |')
    print('|---|---|---|---|')
    for (const [name, values] of Object.entries({ 'bare node': bare!, ...taken })) {
      const figures = [medianOf(values), percentileOf(values, 0.95), medianOf(values) - medianOf(bare!)]
      print(`| ${name} | ${figures.map((ms) => ms.toFixed(1)).join(' | ')} |`)
    }
    await must(['leave'], options)
  } finally {
    await place.close()
    await media.close()
  }
}

const must = async (args: string[], options: RoomtoneOptions): Promise<void> => {
  const { code, stderr } = await roomtone(args, options)
  if (code !== 0) throw new Error(`roomtone ${args[0]}: exit ${code}: ${stderr}`)
}

const tookMs = (args: string[], home: string): Promise<number> =>
  new Promise((resolve, reject) => {
    const startMs = performance.now()
    const env = { PATH: process.env.PATH, HOME: process.env.HOME, ROOMTONE_HOME: home }
    spawn(process.execPath, args, { env, stdio: 'ignore' }).once('exit', (code) => {
      if (code === 0) resolve(performance.now() - startMs)
      else reject(new Error(`${args.slice(1).join(' ')}: exit ${code}`))
    })
  })
