import { expect } from 'vitest'
import { eventually } from '../../support/eventually.ts'
import { isTone } from '../../support/media-tone.ts'
import type { Phone } from '../../support/phones.ts'
import { endOf, isPutOut } from '../../support/put-out.ts'
import type { TestServer } from '../../support/server.ts'
import { joinWrtc, type WrtcPeer } from '../../support/wrtc-client.ts'
import { enter, ok, openRoom, type Seat } from '../server-rooms/room-kit.ts'

type Access = { url: string; token: string }
export type Talk = { room: { id: string }; host: Seat; seat: Seat; ear: WrtcPeer; mouth: WrtcPeer }

/** People connected to a media server; `closeAll` for `afterEach`. */
export const createPeople = () => {
  const peers: WrtcPeer[] = []
  const connect = async ({ url, token }: Access): Promise<WrtcPeer> => {
    const peer = await joinWrtc(url, token)
    peers.push(peer)
    return peer
  }
  return {
    connect,
    closeAll: async () => {
      for (const peer of peers.splice(0)) await peer.close()
    },
    /** The first hosts; the second is on stage, with a tone that the first hears. */
    talk: async (first: Phone, second: Phone): Promise<Talk> => {
      const room = await openRoom(first)
      const host = await enter(first, room.id)
      const ear = await connect(host.joined.media)
      const seat = await enter(second, room.id)
      const mouth = await connect(seat.joined.media)
      ok(await seat.post('hand'), 204)
      ok(await host.stage('admit', seat.joined.you.id), 204)
      await eventually(() => mouth.media.you().canPublish, { withinMs: 3_000, what: 'the right to publish has come' })
      await mouth.publishTone(440)
      await hears(ear, seat.joined.you.id)
      return { room, host, seat, ear, mouth }
    },
    /** In the time that R3 gives and what a busy machine adds; told at once, also while coming in. */
    isTurnedAway: async (
      server: TestServer,
      access: Access,
      putOut = () => isPutOut(connect(access), 'removed'),
    ): Promise<void> => {
      const { sub } = claimsOf(access.token)
      const times = () =>
        server.logs.filter((entry) => entry.event === 'media-participant-removed' && entry.identity === sub).length
      const before = times()
      const out = putOut()
      await eventually(() => times() > before, { withinMs: 4_000, what: 'who may not be there is removed' })
      await within(3_000, out)
    },
  }
}

const within = (limitMs: number, work: Promise<unknown>) =>
  Promise.race([
    work,
    new Promise((_, reject) => setTimeout(() => reject(new Error(`not told within ${limitMs} ms`)), limitMs).unref()),
  ])

export const hears = (peer: WrtcPeer, identity: string) =>
  eventually(() => isTone(peer.heardHz(identity), 440), { withinMs: 10_000, what: '440 Hz is heard' })

export const isSilent = (peer: WrtcPeer, identity: string) =>
  eventually(() => !peer.heardHz(identity), { withinMs: 2_000, what: 'the sound has ended' })

export const staysIn = async (peer: WrtcPeer, forMs: number) => {
  await new Promise((resolve) => setTimeout(resolve, forMs))
  expect(endOf(peer)).toBeUndefined()
}

/** What a LiveKit token says: the room, and who. */
export const claimsOf = (token: string): { sub: string; video: { room: string } } =>
  JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString())
