import { isIP } from 'node:net'
import { networkInterfaces } from 'node:os'
import type { startMediaWorkers } from '../sfu/workers.ts'
import { failure } from './failure.ts'

export type MediaFlags = { mediaAddress?: string; mediaPort?: string; mediaWorkers?: string; turn?: string }

export type MediaPlan = Pick<
  Parameters<typeof startMediaWorkers>[0],
  'address' | 'announcedAddress' | 'port' | 'turn' | 'workers'
>

const MAX_WORKERS = 64

/** How the embedded media server is to run: the `--media-…` options and `--turn` of `serve`. */
export const mediaPlan = (
  flags: MediaFlags,
  { host, env, isElsewhere }: { host: string; env: NodeJS.ProcessEnv; isElsewhere: boolean },
): MediaPlan => {
  if (isElsewhere) {
    const names = {
      mediaAddress: '--media-address',
      mediaPort: '--media-port',
      mediaWorkers: '--media-workers',
      turn: '--turn',
    }
    for (const [key, name] of Object.entries(names))
      if (flags[key as keyof MediaFlags] !== undefined)
        throw failure('bad-input', `${name} is for the embedded media server, and LIVEKIT_URL names another one`)
  }
  const workers = numberFrom(flags.mediaWorkers, '--media-workers', 1, MAX_WORKERS) ?? 1
  const port = numberFrom(flags.mediaPort, '--media-port', 0, 65_535) ?? 0
  if (port + workers - 1 > 65_535)
    throw failure('bad-input', `--media-port ${port} leaves no ports for ${workers} workers: each takes one, in a row`)
  return { workers, port, ...addresses(flags.mediaAddress, host), turn: turnFrom(flags.turn, env) }
}

/** An address of this machine is listened on; any other is a router's, which sends its packets on to us. */
const addresses = (announced: string | undefined, host: string): Pick<MediaPlan, 'address' | 'announcedAddress'> => {
  if (announced === undefined) return { address: host }
  const family = isIP(announced)
  if (family === 0 || /^(0\.0\.0\.0|::)$/.test(announced))
    throw failure('bad-input', `--media-address must be an IP address that clients can reach, not "${announced}"`)
  const own = Object.values(networkInterfaces()).some((list) => list?.some(({ address }) => address === announced))
  return own ? { address: announced } : { address: family === 6 ? '::' : '0.0.0.0', announcedAddress: announced }
}

const TURN_URL = /^turns?:[^\s:?/@]+|^turns?:\[[0-9a-f:]+\]/i

const turnFrom = (url: string | undefined, env: NodeJS.ProcessEnv): MediaPlan['turn'] => {
  if (url === undefined) return undefined
  const rest = url.replace(TURN_URL, '')
  if (!TURN_URL.test(url) || !/^(:\d{1,5})?(\?transport=(udp|tcp))?$/.test(rest))
    throw failure('bad-input', `--turn must be a URL such as turn:turn.example.org:3478?transport=udp, not "${url}"`)
  const secret = env.ROOMTONE_TURN_SECRET
  if (!secret)
    throw failure(
      'bad-input',
      '--turn needs ROOMTONE_TURN_SECRET: the secret that the TURN server has (static-auth-secret)',
    )
  return { url, secret }
}

const numberFrom = (text: string | undefined, name: string, min: number, max: number): number | undefined => {
  if (text === undefined) return undefined
  const number = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN
  if (number >= min && number <= max) return number
  throw failure('bad-input', `${name} must be a number from ${min} to ${max}, not "${text}"`)
}
