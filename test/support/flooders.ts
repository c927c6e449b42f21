import { AccessToken } from 'livekit-server-sdk'
import { type Flooder, joinFlooder } from './flooder.ts'

/**
 * A program of its own: many who join one room and, once a line comes in, all send sound at so many packets a second, or
 * as many as the machine has time for. Writes `[]` when all are ready, then a JSON line for each that was cut off.
 */
export type CutOff = { identity: string; afterMs: number; sent: number; reason?: number; action?: number }

const [url, room, count, perS, apiKey, apiSecret] = process.argv.slice(2) as [
  string,
  string,
  string,
  string,
  string,
  string,
]
const write = (value: unknown) => void process.stdout.write(`${JSON.stringify(value)}\n`)

const AT_ONCE = 20

type Ready = { identity: string; flooder: Flooder; send(): void }

const enter = async (identity: string): Promise<Ready> => {
  const token = new AccessToken(apiKey, apiSecret, { identity })
  token.addGrant({ roomJoin: true, room })
  const flooder = await joinFlooder(url, await token.toJwt(), '&auto_subscribe=0')
  const { send } = await flooder.openTrack()
  return { identity, flooder, send }
}

const flood = ({ identity, flooder: { raw, repeat }, send }: Ready): void => {
  const startedMs = performance.now()
  let sent = 0
  raw.socket.once('close', () => {
    const { reason, action } = raw.leave() ?? {}
    write({ identity, afterMs: performance.now() - startedMs, sent, reason, action } satisfies CutOff)
  })
  repeat(Number(perS), () => {
    send()
    sent += 1
  })
}

const ready: Ready[] = []
const waiting = Array.from({ length: Number(count) }, (_, index) => `flooder-${index}`).values()
const enterInTurn = async (): Promise<void> => {
  for (const identity of waiting) ready.push(await enter(identity))
}
await Promise.all(Array.from({ length: AT_ONCE }, enterInTurn))
write([])
process.stdin.once('data', () => ready.forEach(flood))
