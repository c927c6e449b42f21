import { createHmac } from 'node:crypto'
import { ICEServer } from '@livekit/protocol'
import type { Turn } from './ipc.ts'

/** Long enough for any evening: a TURN server may ask for the credentials again at each refresh of an allocation. */
const LIFETIME_S = 12 * 3600

/**
 * Credentials as coturn's `use-auth-secret` takes them (draft-uberti-behave-turn-rest-00): the user name is the second
 * of Unix time in which they end, the password its HMAC-SHA1 by the shared secret, in base64.
 */
export const turnServer = ({ url, secret }: Turn, unixMs: number): ICEServer => {
  const username = String(Math.floor(unixMs / 1000) + LIFETIME_S)
  const credential = createHmac('sha1', secret).update(username).digest('base64')
  return new ICEServer({ urls: [url], username, credential })
}
