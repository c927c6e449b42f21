import { expect } from 'vitest'
import type { MediaEnd } from '../../src/client/media.ts'
import { eventually } from './eventually.ts'
import type { WrtcPeer } from './wrtc-client.ts'

export const endOf = ({ events }: WrtcPeer): MediaEnd | undefined =>
  events.flatMap((event) => (event.type === 'disconnected' ? [event.end] : []))[0]

/** The media server lets go of one who is in, and says why: in one of these words. */
export const isOut = async (peer: WrtcPeer, ...ends: MediaEnd[]): Promise<void> => {
  const told = await eventually(() => endOf(peer), { withinMs: 3_000, what: 'the media server has let go' })
  expect(ends).toContain(told)
}

/** One who comes in without a right to is put out, before the connection stands or right after. */
export const isPutOut = async (joining: Promise<WrtcPeer>, ...ends: MediaEnd[]): Promise<void> => {
  const peer = await joining.catch((error: { code: string; end: MediaEnd }) => {
    expect(error).toMatchObject({ code: 'media-ended' })
    expect(ends).toContain(error.end)
  })
  if (!peer) return
  await isOut(peer, ...ends)
  await peer.close()
}
