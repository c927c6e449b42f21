import { fork } from 'node:child_process'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { AccessToken } from 'livekit-server-sdk'
import { eventually } from '../support/eventually.ts'
import { API_KEY, API_SECRET } from '../support/media-server.ts'
import type { Heard, Order } from './media-people.ts'
import { costOf } from './process-cost.ts'

/** Each of `rooms` rooms has this many speakers, who hear nobody, and listeners, who hear them all. */
export type Load = { name: string; rooms: number; speakers: number; listeners: number }

/** A media server under load, with test/support's keys. */
export type Server = { url: string; pids: number[]; close(): Promise<void> }

export type Measured = {
  /** CPU seconds per second. */
  cores: number
  packetsPerS: number
  memoryBytes: number
  lost: number
  doubled: number
  bytesPerPacket: number
  delay: Heard['delay']
}

const PER_PROCESS = 100
const CROWD_PRIORITY = 10
const AT_ONCE = 6
/** Listeners whose delay is measured; spread over the order of joining, in which servers may send. */
const PROBES = 6
const SETTLE_MS = 4000

/**
 * What the server costs while people in other processes send and hear for `windowMs`. The crowd yields to all others;
 * the delay is that of a few listeners in the speakers' process: one clock, and not behind the crowd's own work.
 */
export const measure = async (start: () => Promise<Server>, load: Load, windowMs: number): Promise<Measured> => {
  const server = await start()
  const people: People[] = []
  try {
    await fill(server.url, load, people)
    const [inside, ...crowd] = people as [People, ...People[]]
    await everyoneHears(people, load)
    await wait(SETTLE_MS)
    await Promise.all(people.map((one) => one.tell({ order: 'forget' })))
    const before = { ...costOf(server.pids), ms: performance.now() }
    await wait(windowMs)
    const after = { ...costOf(server.pids), ms: performance.now() }
    const probes = await inside.tell({ order: 'count' })
    const heard = [probes!, ...(await Promise.all(crowd.map((one) => one.tell({ order: 'count' })))).map((one) => one!)]
    const gone = heard.flatMap((one) => one.gone)
    if (gone.length > 0) throw new Error(`${gone.length} people fell out, the first because: ${gone[0]}`)
    const sum = (of: (one: Heard) => number): number => heard.reduce((total, one) => total + of(one), 0)
    const seconds = (after.ms - before.ms) / 1000
    const packets = sum((one) => one.packets)
    return {
      cores: (after.cpuS - before.cpuS) / seconds,
      packetsPerS: packets / seconds,
      memoryBytes: after.memoryBytes,
      lost: sum((one) => one.lost),
      doubled: sum((one) => one.doubled),
      bytesPerPacket: packets > 0 ? sum((one) => one.payloadBytes) / packets : 0,
      delay: probes!.delay,
    }
  } finally {
    for (const one of people) one.close()
    await server.close()
  }
}

/** The first of `people` holds the speakers and the probes, the others the crowd. */
const fill = async (url: string, load: Load, people: People[]): Promise<void> => {
  const inside = await startPeople(0)
  people.push(inside)
  const speakers = await tokens(load, 'speaker', load.speakers)
  await inside.tell({ order: 'join', url, speakers, listeners: [] })
  const listeners = await tokens(load, 'listener', load.listeners)
  const step = (listeners.length - 1) / (PROBES - 1)
  const probes = new Set(Array.from({ length: PROBES }, (_, at) => Math.round(at * step)))
  let crowd: People | undefined
  let inCrowd = 0
  for (let at = 0; at < listeners.length; at += AT_ONCE) {
    if (!crowd || inCrowd >= PER_PROCESS) {
      crowd = await startPeople(CROWD_PRIORITY)
      people.push(crowd)
      inCrowd = 0
    }
    const group = listeners.slice(at, at + AT_ONCE)
    const isProbe = (_: string, index: number): boolean => probes.has(at + index)
    const others = group.filter((token, index) => !isProbe(token, index))
    inCrowd += others.length
    await Promise.all([
      inside.tell({ order: 'join', url, speakers: [], listeners: group.filter(isProbe) }),
      crowd.tell({ order: 'join', url, speakers: [], listeners: others }),
    ])
  }
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

type People = { tell(order: Order): Promise<Heard | undefined>; close(): void }

const startPeople = async (priority: number): Promise<People> => {
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
  await tell({ order: 'begin', priority })
  return { tell, close: () => void child.kill('SIGKILL') }
}
