import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { joinPackets, type PacketParticipant } from '../../../src/client/packets.ts'
import { encodeMarkers } from '../../../src/client/packets-markers.ts'
import { spreadOf } from '../../../src/client/packets-received.ts'
import { eventually } from '../../support/eventually.ts'
import { type Plane, planes } from './planes.ts'

const LISTENERS = 100

describe.each(planes)('light participants on %s', (_name, missing, start) => {
  let plane: Plane
  beforeAll(async () => {
    if (!missing) plane = await start()
  })
  afterAll(() => plane?.close())

  const join = async (identity: string, room: string, canPublish = false) =>
    joinPackets({ url: plane.url, token: await plane.token(identity, room, { canPublish }) })

  const joinMany = async (room: string, count: number): Promise<PacketParticipant[]> => {
    const all: PacketParticipant[] = []
    while (all.length < count) {
      const names = Array.from({ length: Math.min(10, count - all.length) }, (_, i) => `l${all.length + i}`)
      all.push(...(await Promise.all(names.map((name) => join(name, room)))))
    }
    return all
  }

  test.skipIf(missing)(`${LISTENERS} listeners get every packet of one speaker, once, in order and soon`, async () => {
    const speaker = await join('speaker', 'hall', true)
    const publication = await speaker.publish(await encodeMarkers({ everyMs: 1000, id: 3 }))
    const listeners = await joinMany('hall', LISTENERS)
    const stampedOf = (listener: PacketParticipant) => listener.received()[0]?.stamped
    await eventually(() => listeners.every((listener) => (stampedOf(listener)?.packets ?? 0) > 0), {
      withinMs: 15_000,
      what: 'every listener receives',
    })
    for (const listener of listeners) listener.forgetReceived()
    const from = publication.sent()
    await eventually(() => publication.sent() - from >= 150, { withinMs: 10_000, what: 'three seconds are sent' })
    publication.stop()
    const lastSent = publication.sent() - 1
    await eventually(() => listeners.filter((listener) => stampedOf(listener)?.last !== lastSent).length === 0, {
      withinMs: 5_000,
      what: 'the last packet has come to all',
    })
    for (const listener of listeners) {
      const [track, ...others] = listener.received()
      expect(others).toEqual([])
      expect(track!.identity).toBe('speaker')
      expect(track!.trackSid).toBe(publication.trackSid)
      const { first, last } = track!.stamped
      expect(first).toBeLessThanOrEqual(from + 1)
      expect(track!.stamped).toEqual({
        first,
        last: lastSent,
        packets: last! - first! + 1,
        lost: 0,
        duplicates: 0,
        reordered: 0,
      })
      expect(track!.rtp).toMatchObject({ packets: last! - first! + 1, lost: 0 })
    }
    const delay = spreadOf(listeners.map((listener) => listener.received()[0]!.delayUs))!
    const gap = spreadOf(listeners.map((listener) => listener.received()[0]!.gapUs))!
    console.log('delay', delay, 'gap', gap)
    expect(delay.count).toBeGreaterThan(LISTENERS * 140)
    expect(delay.medianMs).toBeLessThan(100)
    expect(gap.medianMs).toBeGreaterThan(10)
    expect(gap.medianMs).toBeLessThan(40)
    for (const one of [...listeners, speaker]) await one.leave()
  })

  test.skipIf(missing)('who joins late hears from there on, and is told of the track', async () => {
    const speaker = await join('speaker', 'late', true)
    const publication = await speaker.publish(await encodeMarkers({ everyMs: 200, id: 0 }))
    await eventually(() => publication.sent() > 50, { withinMs: 5_000, what: 'a second is sent' })
    const before = publication.sent()
    const told: { identity: string; trackSid: string }[] = []
    const token = await plane.token('listener', 'late')
    const listener = await joinPackets({ url: plane.url, token, onTrack: (track) => told.push(track) })
    await eventually(() => (listener.received()[0]?.stamped.packets ?? 0) > 25, {
      withinMs: 10_000,
      what: 'half a second is received',
    })
    expect(told).toEqual([{ identity: 'speaker', trackSid: publication.trackSid }])
    expect(listener.received()[0]!.stamped.first).toBeGreaterThanOrEqual(before)
    expect(listener.received()[0]!.stamped.lost).toBe(0)
    await listener.leave()
    await speaker.leave()
    expect(listener.ended()).toBe('left')
  })

  test.skipIf(missing)('who may not publish is told', async () => {
    const listener = await join('listener', 'silent')
    const publishing = listener.publish(await encodeMarkers({ everyMs: 200, id: 0 }))
    await expect(publishing).rejects.toMatchObject({
      code: 'not-allowed',
      message: expect.stringMatching(/refused the track/),
    })
    expect(listener.ended()).toBeUndefined()
    await listener.leave()
  })

  test.skipIf(missing)('who is removed, or whose place is taken, knows why', async () => {
    const removed = await join('removed', 'out')
    const first = await join('twice', 'out')
    const second = await join('twice', 'out')
    await plane.rooms.removeParticipant('out', 'removed')
    await eventually(() => removed.ended() && first.ended(), { withinMs: 5_000, what: 'both are told' })
    expect(removed.ended()).toBe('PARTICIPANT_REMOVED')
    expect(first.ended()).toBe('DUPLICATE_IDENTITY')
    expect(second.ended()).toBeUndefined()
    await second.leave()
  })

  test.skipIf(missing)('a bad token and a dead address are told apart', async () => {
    await expect(joinPackets({ url: plane.url, token: 'nonsense' })).rejects.toMatchObject({ code: 'sign-in-needed' })
    await expect(joinPackets({ url: 'ws://127.0.0.1:9', token: 'x' })).rejects.toMatchObject({
      code: 'media-unavailable',
    })
  })
})
