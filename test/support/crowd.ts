import { setTimeout as wait } from 'node:timers/promises'
import { AccessToken } from 'livekit-server-sdk'
import { joinPackets, type PacketParticipant } from '../../src/client/packets.ts'

/**
 * A program of its own: many people who join at once, try again when told that too many do, stay until its input ends.
 * Writes one JSON line per person once all are in.
 */
export type Arrival = { tookMs: number; tries: number; error?: string }

const [url, room, count, apiKey, apiSecret] = process.argv.slice(2) as [string, string, string, string, string]

const arrive = async (identity: string): Promise<{ arrival: Arrival; participant?: PacketParticipant }> => {
  const token = new AccessToken(apiKey, apiSecret, { identity })
  token.addGrant({ roomJoin: true, room, canPublish: false })
  const jwt = await token.toJwt()
  const startedMs = performance.now()
  const arrived = (tries: number, error?: string): Arrival => ({ tookMs: performance.now() - startedMs, tries, error })
  for (let tries = 1; ; tries += 1) {
    try {
      const participant = await joinPackets({ url, token: jwt })
      return { arrival: arrived(tries), participant }
    } catch (error) {
      if (tries === 10) return { arrival: arrived(tries, (error as Error).message) }
      await wait(1000 + Math.random() * 1000)
    }
  }
}

const all = await Promise.all(Array.from({ length: Number(count) }, (_, index) => arrive(`crowd-${index}`)))
for (const { arrival } of all) console.log(JSON.stringify(arrival))
console.log('done')
process.stdin.once('end', async () => {
  await Promise.all(all.map(({ participant }) => participant?.leave()))
  process.exit(0)
})
process.stdin.resume()
