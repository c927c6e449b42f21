import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { SeatEvent, SeatState } from '../../src/protocol/seat.ts'
import { eventually } from './eventually.ts'
import { mediaEnv, startProjectMedia } from './project-media.ts'
import { login, type Ran, type Running, roomtone, startRoomtone, throwawayHome } from './roomtone.ts'

type EventOf<T extends SeatEvent['type']> = Extract<SeatEvent, { type: T }>

/** A running `join`; `--jsonl` unless its sound goes to stdout. */
export type HouseSeat = Running & {
  /** All told so far of one type. */
  told<T extends SeatEvent['type']>(type: T): EventOf<T>[]
  /** The first of that type (that fits), told already or within the time. */
  tells<T extends SeatEvent['type']>(
    type: T,
    options?: { withinMs?: number; where?: (event: EventOf<T>) => boolean; after?: number },
  ): Promise<EventOf<T>>
  /** One verb of the built command line on this seat, run to its end. */
  verb(...args: string[]): Promise<Ran>
  state(): Promise<SeatState>
}

/** One home with its own server and an account per name; each has a profile and a handle of its name in small letters. */
export type House = {
  home: string
  /** What was asked for by `serve`. */
  server: HouseSeat | undefined
  /** Runs a command to its end. */
  run(...args: string[]): Promise<Ran>
  /** The same; throws what it said unless it exits with 0. */
  must(...args: string[]): Promise<string>
  createRoom(title: string, ...args: string[]): Promise<{ id: string; title: string; link: string }>
  /** Joins by `join --jsonl`; resolves when in the room. */
  join(profile: string, room: { id: string }, ...args: string[]): Promise<HouseSeat>
  /** Joins without waiting, without `--jsonl`. */
  start(args: string[], env?: Record<string, string>): HouseSeat
  /** Runs the home's server by `serve` until it listens; what it sends by text goes where `login` looks. */
  serve(...args: string[]): Promise<HouseSeat>
  /** Every process that lives in this home, zombies among their children included. */
  processes(): HouseProcess[]
  /** Ends the seats that run. */
  leaveAll(): Promise<void>
  /** Stops the server; throws when any process is left. */
  close(): Promise<void>
}

export type HouseProcess = { pid: number; state: string; command: string }
export type HouseOptions = {
  env?: Record<string, string>
  /** What `serve` is told, where the server shall not be the embedded one: see `House.serve`. */
  serve?: string[]
}

/** Signs each name in on the home's own server; on a LiveKit server, where the project is one of those, that is `serve`. */
export const openHouse = async (names: string[], { env = {}, serve: asked }: HouseOptions = {}): Promise<House> => {
  // Nothing but URL and keys is changed: it sends no webhooks.
  const media = await startProjectMedia()
  const place = throwawayHome()
  const serve = asked ?? (media && ['--port', '0'])
  const { home } = place
  const seats: HouseSeat[] = []
  const run = (...args: string[]) => roomtone(args, { home, env })
  const must = async (...args: string[]) => {
    const { code, stdout, stderr } = await run(...args)
    if (code !== 0) throw new Error(`roomtone ${args.join(' ')}: exit ${code}: ${stderr}`)
    return stdout
  }
  const start = (args: string[], more: Record<string, string> = {}): HouseSeat => {
    const running = startRoomtone(args, { home, env: { ...env, ...more }, withinMs: 110_000 })
    const seat = withEvents(running, run)
    seats.push(seat)
    return seat
  }
  const leaveAll = async () => {
    const leaving = seats.splice(0)
    // Last come, first gone: a server that runs here is asked after its seats.
    for (const seat of leaving.reverse()) {
      seat.kill('SIGINT')
      await seat.ended
    }
  }
  const startServer = async (...args: string[]) => {
    mkdirSync(join(home, 'state'), { recursive: true, mode: 0o700 })
    const server = start(['serve', '--sms', `outbox:${home}/state/outbox.jsonl`, '--json', ...args], mediaEnv(media))
    await eventually(
      () => server.lines().length > 0 || (server.child.exitCode !== null && raiseText(server.stderr())),
      { withinMs: 20_000, what: 'the server listens' },
    )
    return server
  }
  const server = serve && (await startServer(...serve))
  for (const [index, name] of names.entries()) await login(home, `+49151123456${70 + index}`, name, name.toLowerCase())

  return {
    home,
    server,
    run,
    must,
    createRoom: async (title, ...args) => {
      const profile = args.includes('--profile') ? [] : ['--profile', names[0]!.toLowerCase()]
      return JSON.parse(await must('room', 'create', title, ...args, ...profile, '--json'))
    },
    start,
    serve: startServer,
    join: async (profile, { id }, ...args) => {
      const seat = start(['join', id, '--jsonl', '--profile', profile, ...args])
      await seat.tells('joined')
      return seat
    },
    processes: () => processesOf(home),
    leaveAll,
    close: async () => {
      await leaveAll()
      await run('server', 'stop')
      await eventually(() => processesOf(home).length === 0 || raise(processesOf(home)), {
        withinMs: 10_000,
        what: 'no process of this home is left',
      })
        .finally(place.close)
        .finally(() => media?.close())
    },
  }
}

const withEvents = (running: Running, run: House['run']): HouseSeat => {
  const told = <T extends SeatEvent['type']>(type: T) =>
    running.events<SeatEvent>().filter((event): event is EventOf<T> => event.type === type)
  const tells: HouseSeat['tells'] = (type, { withinMs = 15_000, where = () => true, after = 0 } = {}) =>
    eventually(
      () => {
        const found = told(type).find((event) => Date.parse(event.at) >= after && where(event))
        if (!found && running.child.exitCode !== null)
          throw new Error(`ended with ${running.child.exitCode}: ${running.stderr()}`)
        if (!found) throw new Error(`told so far: ${running.lines().slice(-8).join(' ')} ${running.stderr()}`)
        return found
      },
      { withinMs, what: `"${type}" told` },
    )
  const seatId = async () => (await tells('joined')).seatId
  const verb = async (...args: string[]) => run(...args, '--seat', await seatId())
  return {
    ...running,
    told,
    tells,
    verb,
    state: async () => JSON.parse((await verb('status', '--json')).stdout),
  }
}

const raiseText = (text: string): never => {
  throw new Error(text)
}

const raise = (left: HouseProcess[]): never => {
  throw new Error(left.map(({ pid, state, command }) => `${pid} ${state} ${command}`).join('; '))
}

/** Found by the environment that they share, so also those that nobody waits for; Linux only. */
const processesOf = (home: string): HouseProcess[] => {
  const all = readdirSync('/proc').flatMap((name) => (/^\d+$/.test(name) ? describeProcess(+name) : []))
  const ours = all.filter(({ environment }) => environment.includes(`ROOMTONE_HOME=${home}`))
  const pids = new Set(ours.map(({ pid }) => pid))
  // A zombie has no environment any more, only a parent who does not look after it.
  const zombies = all.filter(({ state, parent }) => state === 'Z' && pids.has(parent))
  return [...ours, ...zombies].map(({ pid, state, command }) => ({ pid, state, command }))
}

const describeProcess = (pid: number) => {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const [state = '', parent = ''] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    const read = (file: string) => (state === 'Z' ? '' : readFileSync(`/proc/${pid}/${file}`, 'utf8'))
    const environment = read('environ').split('\0')
    return [{ pid, state, parent: Number(parent), environment, command: read('cmdline').replaceAll('\0', ' ').trim() }]
  } catch {
    // Ended meanwhile, or another user's.
    return []
  }
}
