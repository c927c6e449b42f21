import { setTimeout as wait } from 'node:timers/promises'
import { AccessToken } from 'livekit-server-sdk'
import { joinPackets, type PacketParticipant } from '../../src/client/packets.ts'

/**
 * A program of its own: many people who join at once, try again when told that too many do, stay until it is killed.
 * Writes one JSON line per person once all are in.
 */
export type Arrival = { tookMs: number; tries: number; error?: string }

const [url, room, count, apiKey, apiSecret] = process.argv.slice(2) as [string, string, string, string, string]

// Held, so that they stay.
const inside: PacketParticipant[] = []

const arrive = async (identity: string): Promise<Arrival> => {
  const token = new AccessToken(apiKey, apiSecret, { identity })
  token.addGrant({ roomJoin: true, room, canPublish: false })
  const jwt = await token.toJwt()
  const startedMs = performance.now()
  const arrived = (tries: number, error?: string): Arrival => ({ tookMs: performance.now() - startedMs, tries, error })
  for (let tries = 1; ; tries += 1) {
    try {
      inside.push(await joinPackets({ url, token: jwt }))
      return arrived(tries)
    } catch (error) {
      if (tries === 10) return arrived(tries, (error as Error).message)
      await wait(1000 + Math.random() * 1000)
    }
  }
}

const all = await Promise.all(Array.from({ length: Number(count) }, (_, index) => arrive(`crowd-${index}`)))
process.stdout.write(all.map((arrival) => `${JSON.stringify(arrival)}\n`).join(''))
process.stdin.resume()
