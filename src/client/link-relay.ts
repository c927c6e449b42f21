import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import { isIPv6 } from 'node:net'
import { createFateSource, type Impairment, seedFor } from './link-impairment.ts'

export type LinkProfile = {
  /** From the participant to the media server. */
  up?: Impairment
  down?: Impairment
}

/** Datagrams of one direction, every one: sound, connectivity checks, handshakes, reports. */
export type DirectionCounts = {
  came: number
  passed: number
  lost: number
  burstLost: number
  rateDropped: number
  outageDropped: number
  duplicated: number
  reordered: number
  /** Of those that came, packets of sound, and how many of these were dropped: what a receiver misses. */
  soundCame: number
  soundDropped: number
}

export const noCounts = (): DirectionCounts => ({
  came: 0,
  passed: 0,
  lost: 0,
  burstLost: 0,
  rateDropped: 0,
  outageDropped: 0,
  duplicated: 0,
  reordered: 0,
  soundCame: 0,
  soundDropped: 0,
})

export type Address = { address: string; port: number }

/** One participant's way to the media server, as an address translation does it. */
export type Relay = {
  /** The port here that stands for an address of the media server. */
  portFor(target: Address): Promise<number>
  close(): void
}

export type RelayOptions = {
  /** Where the participant reaches this relay. */
  address: string
  seed: number
  profile(): LinkProfile
  counts: { up: DirectionCounts; down: DirectionCounts }
}

/** Both directions draw from seeds of their own, so that what one of them carries does not change the other's chances. */
export const startRelay = ({ address, seed, profile, counts }: RelayOptions): Relay => {
  const fronts = new Map<string, Promise<Socket>>()
  const sockets = new Set<Socket>()
  const up = createDirection(seedFor(seed, 'up'), () => profile().up ?? {}, counts.up)
  const down = createDirection(seedFor(seed, 'down'), () => profile().down ?? {}, counts.down)
  let isClosed = false

  const open = (family: 'udp4' | 'udp6'): Socket => {
    const socket = createSocket(family)
    sockets.add(socket)
    // What cannot be delivered is lost, as on any network.
    socket.on('error', () => {})
    return socket
  }
  const deliver = (socket: Socket, datagram: Buffer, to: Address): void => {
    if (!isClosed) socket.send(datagram, to.port, to.address, () => {})
  }
  /** The media server sees each of the participant's sockets as one of ours. */
  const startFront = async (target: Address): Promise<Socket> => {
    const backs = new Map<string, Socket>()
    const front = open(familyOf(address))
    const backOf = (client: RemoteInfo): Socket => {
      const key = `${client.address} ${client.port}`
      const known = backs.get(key)
      if (known) return known
      const back = open(familyOf(target.address))
      back.on('message', (datagram, { address: from, port }) => {
        if (port === target.port && from === target.address) down.take(datagram, () => deliver(front, datagram, client))
      })
      backs.set(key, back)
      return back
    }
    front.on('message', (datagram, client) => {
      const back = backOf(client)
      up.take(datagram, () => deliver(back, datagram, target))
    })
    await new Promise<void>((resolve, reject) => {
      front.once('error', reject)
      front.bind(0, address, resolve)
    })
    return front
  }
  return {
    portFor: async (target) => {
      if (isClosed) throw new Error('the link is closed')
      const key = `${target.address} ${target.port}`
      const front = fronts.get(key) ?? startFront(target)
      fronts.set(key, front)
      return (await front).address().port
    },
    close: () => {
      if (isClosed) return
      isClosed = true
      up.close()
      down.close()
      for (const socket of sockets) socket.close()
    },
  }
}

const familyOf = (address: string) => (isIPv6(address) ? 'udp6' : 'udp4')

const createDirection = (seed: number, impairment: () => Impairment, counts: DirectionCounts) => {
  const fates = createFateSource(seed)
  const queue = createQueue()
  return {
    take: (datagram: Buffer, send: () => void): void => {
      const fate = fates.next(impairment(), datagram.length, performance.now())
      const sound = isSound(datagram) ? 1 : 0
      counts.came += 1
      counts.soundCame += sound
      if (fate.type === 'dropped') {
        counts[DROPPED[fate.why]] += 1
        counts.soundDropped += sound
        return
      }
      counts.passed += 1
      if (fate.isHeldBack) counts.reordered += 1
      if (fate.copies === 2) counts.duplicated += 1
      for (let copy = 0; copy < fate.copies; copy += 1) queue.add(fate.dueMs, send)
    },
    close: queue.close,
  }
}

const DROPPED = { loss: 'lost', burst: 'burstLost', rate: 'rateDropped', outage: 'outageDropped' } as const

/** RTP is what RFC 7983 gives the first bytes 128 to 191, without the packet types of RTCP (RFC 5761, section 4). */
const isSound = (datagram: Buffer): boolean => {
  const [first = 0, second = 0] = datagram
  return first >= 128 && first <= 191 && (second < 192 || second > 223)
}

/** Runs each entry when it is due, those due at one time in the order they came: timers alone would mix them. */
const createQueue = () => {
  const entries: { dueMs: number; run(): void }[] = []
  let timer: NodeJS.Timeout | undefined
  const runDue = (): void => {
    clearTimeout(timer)
    timer = undefined
    const nowMs = performance.now()
    while (entries.length > 0 && entries[0]!.dueMs <= nowMs) entries.shift()!.run()
    const next = entries[0]
    if (next) timer = setTimeout(runDue, Math.max(1, next.dueMs - nowMs))
  }
  return {
    add: (dueMs: number, run: () => void): void => {
      let place = entries.length
      while (place > 0 && entries[place - 1]!.dueMs > dueMs) place -= 1
      entries.splice(place, 0, { dueMs, run })
      if (place === 0) runDue()
    },
    close: (): void => {
      clearTimeout(timer)
      entries.length = 0
    },
  }
}
