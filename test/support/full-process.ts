import { openSync } from 'node:fs'
import { devNull } from 'node:os'
import { createPublishingPeer } from '../../src/client/packets-peer.ts'

/** A program of its own: opens all files that it may, then makes an offer, and says with which code that failed. */
const peer = await createPublishingPeer(
  { cid: 'track', ssrc: 1 },
  { onCandidate: () => {}, onConnected: () => {}, onFailed: () => {} },
)
try {
  for (;;) openSync(devNull, 'r')
} catch {
  // Full.
}
try {
  peer.offer()
  console.log('offered')
} catch (error) {
  console.log((error as { code?: string }).code)
}
process.exit(0)
