import { createSocket } from 'node:dgram'
import { createServer } from 'node:net'

// Below those that systems give to whoever asks for any (32768 or 49152 and up): there one that is free now is soon somebody else's.
const FIRST = 10_000
const PAST_LAST = 32_000

/** A port of loopback that was free a moment ago, for TCP as for UDP. */
export const freePort = async (): Promise<number> => {
  for (;;) {
    const port = FIRST + Math.floor(Math.random() * (PAST_LAST - FIRST))
    if ((await isFreeForTcp(port)) && (await isFreeForUdp(port))) return port
  }
}

const isFreeForTcp = (port: number) =>
  new Promise<boolean>((resolve) => {
    const probe = createServer()
    probe.once('error', () => resolve(false))
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)))
  })

const isFreeForUdp = (port: number) =>
  new Promise<boolean>((resolve) => {
    const probe = createSocket('udp4')
    probe.once('error', () => resolve(false))
    probe.bind(port, '127.0.0.1', () => probe.close(() => resolve(true)))
  })
