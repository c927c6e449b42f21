import { setPriority } from 'node:os'
import { setTimeout as wait } from 'node:timers/promises'
import { joinPackets, type PacketParticipant } from '../../src/client/packets.ts'
import { encodeMarkers } from '../../src/client/packets-markers.ts'
import { type Spread, spreadOf } from '../../src/client/packets-received.ts'

/** A process full of light participants, told over IPC what to do; one order at a time, one answer each. */
export type Order =
  /** To all processes of a lower nice value. */
  | { order: 'yield'; priority: number }
  | { order: 'join'; url: string; speakers: string[]; listeners: string[] }
  | { order: 'forget' }
  | { order: 'count' }

export type Heard = {
  /** Tracks that carry packets. */
  alive: number
  packets: number
  lost: number
  doubled: number
  delay: Spread | undefined
  /** Why people are out who should be in. */
  gone: string[]
}

const AT_ONCE = 10
const TRIES = 10

const listeners: PacketParticipant[] = []
const speakers: PacketParticipant[] = []

const obey = async (order: Order): Promise<Heard | undefined> => {
  switch (order.order) {
    case 'yield':
      setPriority(order.priority)
      return undefined
    case 'join':
      return joinAll(order)
    case 'forget':
      for (const one of listeners) one.forgetReceived()
      return undefined
    case 'count':
      return count()
  }
}

const joinAll = async ({ url, ...tokens }: Extract<Order, { order: 'join' }>): Promise<undefined> => {
  for (const token of tokens.speakers) {
    const speaker = await join(url, token, false)
    await speaker.publish(await encodeMarkers({ everyMs: 1000, id: speakers.length % 16 }))
    speakers.push(speaker)
  }
  // As many at a time as leave the machine some room; one that takes a second does not hold up the others.
  const rest = tokens.listeners.values()
  const joinRest = async (): Promise<void> => {
    for (const token of rest) listeners.push(await join(url, token, true))
  }
  await Promise.all(Array.from({ length: AT_ONCE }, joinRest))
}

const join = async (url: string, token: string, autoSubscribe: boolean): Promise<PacketParticipant> => {
  for (let tries = 1; ; tries += 1) {
    try {
      return await joinPackets({ url, token, autoSubscribe })
    } catch (error) {
      // Ours refuses for a moment when too many join at once.
      if (tries === TRIES) throw error
      await wait(200 * tries)
    }
  }
}

const count = (): Heard => {
  const tracks = listeners.flatMap((one) => one.received())
  const sum = (of: (track: (typeof tracks)[number]) => number): number =>
    tracks.reduce((total, track) => total + of(track), 0)
  return {
    alive: tracks.filter(({ stamped }) => stamped.packets > 0).length,
    packets: sum(({ stamped }) => stamped.packets),
    lost: sum(({ stamped }) => stamped.lost),
    doubled: sum(({ stamped }) => stamped.duplicates),
    delay: spreadOf(tracks.map(({ delayUs }) => delayUs)),
    gone: [...listeners, ...speakers].map((one) => one.ended()).filter((reason) => reason !== undefined),
  }
}

process.on('message', (order: Order) => {
  obey(order).then(
    (heard) => process.send!({ heard }),
    (error: Error) => process.send!({ error: error.message }),
  )
})
// Without a parent there is nobody to tell, and closing hundreds of connections takes long.
process.on('disconnect', () => process.exit(0))
