import { fork } from 'node:child_process'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { AccessToken } from 'livekit-server-sdk'
import { eventually } from '../support/eventually.ts'
import { API_KEY, API_SECRET } from '../support/media-server.ts'
import type { Heard, Order } from './media-people.ts'
import { costOf, machineBusyS } from './process-cost.ts'

/** Each of `rooms` rooms has this many speakers, who hear nobody, and listeners, who hear them all. */
export type Load = { name: string; rooms: number; speakers: number; listeners: number }

/** A media server under load, with test/support's keys. */
export type Server = { url: string; pids: number[]; close(): Promise<void> }

export type Measured = {
  /** CPU seconds per second. */
  cores: number
  /** The same of those who sent and heard, and of all else on the machine. */
  loadCores: number
  otherCores: number
  packetsPerS: number
  memoryBytes: number
  lost: number
  doubled: number
  delay: Heard['delay']
}

const CROWDS = 5
const CROWD_PRIORITY = 10
const SETTLE_MS = 4000

/**
 * What the server costs while people in other processes send and hear for `windowMs`. The crowd yields to all others;
 * the delay is that of a few listeners in the speakers' process: one clock, and not behind the crowd's own work.
 */
export const measure = async (start: () => Promise<Server>, load: Load, windowMs: number): Promise<Measured> => {
  const server = await start()
  const people: People[] = []
  try {
    for (let place = 0; place <= CROWDS; place += 1) people.push(startPeople())
    const [, ...crowds] = people
    await Promise.all(crowds.map((one) => one.tell({ order: 'yield', priority: CROWD_PRIORITY })))
    await fill(server.url, load, people)
    await everyoneHears(people, load)
    await wait(SETTLE_MS)
    await Promise.all(people.map((one) => one.tell({ order: 'forget' })))
    const look = () => ({
      server: costOf(server.pids),
      load: costOf(people.map(({ pid }) => pid)),
      busyS: machineBusyS(),
      ms: performance.now(),
    })
    const before = look()
    await wait(windowMs)
    const after = look()
    const heard = (await Promise.all(people.map((one) => one.tell({ order: 'count' })))).map((one) => one!)
    const gone = heard.flatMap((one) => one.gone)
    if (gone.length > 0) throw new Error(`${gone.length} people fell out, the first because: ${gone[0]}`)
    const sum = (of: (one: Heard) => number): number => heard.reduce((total, one) => total + of(one), 0)
    const seconds = (after.ms - before.ms) / 1000
    const packets = sum((one) => one.packets)
    const cores = (after.server.cpuS - before.server.cpuS) / seconds
    const loadCores = (after.load.cpuS - before.load.cpuS) / seconds
    return {
      cores,
      loadCores,
      otherCores: Math.max(0, (after.busyS - before.busyS) / seconds - cores - loadCores),
      packetsPerS: packets / seconds,
      memoryBytes: after.server.memoryBytes,
      lost: sum((one) => one.lost),
      doubled: sum((one) => one.doubled),
      delay: heard[0]!.delay,
    }
  } finally {
    for (const one of people) one.close()
    await server.close()
  }
}

/** The first of `people` holds the speakers and the probes, one before each crowd and one after them all. */
const fill = async (url: string, load: Load, [inside, ...crowds]: People[]): Promise<void> => {
  await inside!.tell({ order: 'join', url, speakers: await tokens(load, 'speaker', load.speakers), listeners: [] })
  const listeners = await tokens(load, 'listener', load.listeners)
  const probes = listeners.splice(0, crowds.length + 1)
  const joinProbe = () => inside!.tell({ order: 'join', url, speakers: [], listeners: probes.splice(0, 1) })
  const each = Math.ceil(listeners.length / crowds.length)
  for (const crowd of crowds) {
    await joinProbe()
    await crowd.tell({ order: 'join', url, speakers: [], listeners: listeners.splice(0, each) })
  }
  await joinProbe()
}

/** Room by room in turn, so that neighbours in the list are in different rooms. */
const tokens = ({ rooms }: Load, kind: 'speaker' | 'listener', perRoom: number): Promise<string[]> =>
  Promise.all(
    Array.from({ length: rooms * perRoom }, (_, at) => {
      const token = new AccessToken(API_KEY, API_SECRET, { identity: `${kind}-${at}` })
      token.addGrant({ roomJoin: true, room: `room-${at % rooms}`, canPublish: kind === 'speaker' })
      return token.toJwt()
    }),
  )

const everyoneHears = async (people: People[], { rooms, speakers, listeners }: Load): Promise<void> => {
  const wanted = rooms * speakers * listeners
  if (wanted === 0) return
  let alive = 0
  await eventually(
    async () => {
      const heard = await Promise.all(people.map((one) => one.tell({ order: 'count' })))
      alive = heard.reduce((sum, one) => sum + one!.alive, 0)
      if (alive < wanted) throw new Error(`${alive} of ${wanted} tracks carry packets`)
      return true
    },
    { withinMs: 30_000, what: 'every listener hears every speaker of the room', everyMs: 500 },
  )
}

type People = { pid: number; tell(order: Order): Promise<Heard | undefined>; close(): void }

const startPeople = (): People => {
  // Inherits the loader that runs TypeScript.
  const child = fork(fileURLToPath(new URL('media-people.ts', import.meta.url)))
  const tell: People['tell'] = (order) =>
    new Promise((resolve, reject) => {
      const gone = (): void => reject(new Error('a process of participants ended'))
      child.once('exit', gone)
      child.once('message', ({ heard, error }: { heard?: Heard; error?: string }) => {
        child.off('exit', gone)
        if (error === undefined) resolve(heard)
        else reject(new Error(error))
      })
      child.send(order)
    })
  return { pid: child.pid!, tell, close: () => void child.kill('SIGKILL') }
}
