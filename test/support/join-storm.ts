import { AccessToken } from 'livekit-server-sdk'
import { joinPackets, type PacketParticipant } from '../../src/client/packets.ts'
import { encodeMarkers } from '../../src/client/packets-markers.ts'
import { type Spread, spreadOf } from '../../src/client/packets-received.ts'
import type { Arrival } from './crowd.ts'
import { eventually } from './eventually.ts'
import { API_KEY, API_SECRET } from './media-server.ts'
import { startYielding } from './yielding.ts'

export type Storm = {
  /** In the order of `tookMs`. */
  arrivals: Arrival[]
  /** What three who were in before heard of the one who spoke all the time. */
  inside: { stamped: { lost: number; duplicates: number; reordered: number }[]; gap: Spread; delay: Spread }
  /** They all leave. */
  close(): Promise<void>
}

/** `count` people join one room at once, of a media server with test/support's keys; resolves when all are in. */
export const joinAtOnce = async (url: string, count: number, withinMs: number): Promise<Storm> => {
  const people: PacketParticipant[] = []
  const join = async (identity: string, canPublish: boolean) => {
    const token = new AccessToken(API_KEY, API_SECRET, { identity })
    token.addGrant({ roomJoin: true, room: 'hall', canPublish })
    const one = await joinPackets({ url, token: await token.toJwt() })
    people.push(one)
    return one
  }
  const speaker = await join('speaker', true)
  const publication = await speaker.publish(await encodeMarkers({ everyMs: 1000, id: 1 }))
  const listeners = [await join('inside-1', false), await join('inside-2', false), await join('inside-3', false)]
  const received = () => listeners.map((one) => one.received()[0])
  await eventually(() => received().every((track) => (track?.stamped.packets ?? 0) > 50), {
    withinMs: 10_000,
    what: 'those inside hear',
  })
  for (const one of listeners) one.forgetReceived()
  const crowd = startYielding('crowd', [url, 'hall', String(count), API_KEY, API_SECRET])
  const close = async () => {
    await crowd.close()
    await Promise.all(people.map((one) => one.leave()))
  }
  try {
    await eventually(() => crowd.lines().length === count, { withinMs, what: 'all have arrived' })
    publication.stop()
    const lastSent = publication.sent() - 1
    await eventually(() => received().every((track) => track!.stamped.last === lastSent), {
      withinMs: 5000,
      what: 'the last packet has come',
    })
    const tracks = received().map((track) => track!)
    return {
      arrivals: crowd.lines<Arrival>().sort((a, b) => a.tookMs - b.tookMs),
      inside: {
        stamped: tracks.map(({ stamped }) => stamped),
        gap: spreadOf(tracks.map(({ gapUs }) => gapUs))!,
        delay: spreadOf(tracks.map(({ delayUs }) => delayUs))!,
      },
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}
