import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Api } from '../../../src/client/api.ts'
import { startSession } from '../../../src/client/session.ts'
import { eventually } from '../../support/eventually.ts'
import { startTestServer, type TestServer } from '../../support/server.ts'
import { enter, heardFrom, hearMore, hearSilence, newPerson, openRoom, type Person, type Stay, tone } from './people.ts'

let server: TestServer
let host: Person
let guest: Person
const stays: Stay[] = []
const stay = async (...args: Parameters<typeof enter>) => {
  const entered = await enter(...args)
  stays.push(entered)
  return entered
}
const leaveAll = () => Promise.all(stays.splice(0).map(({ session }) => session.close()))

beforeAll(async () => {
  server = await startTestServer({ media: 'embedded' })
  host = await newPerson(server, 'Lena')
  guest = await newPerson(server, 'Omar')
})
afterAll(async () => {
  await leaveAll()
  await Promise.all([host.api.close(), guest.api.close()])
  await server.close()
})

describe('a session', () => {
  it('carries a tone from a speaker to a listener at its frequency and level', async () => {
    const room = await openRoom(host, 'Tone')
    const listener = await stay(guest, room)
    const speaker = await stay(host, room, tone())
    const heard = await hearMore(listener, 'Lena', 3, 10_000)
    expect(heard.frequencyHz).toBeCloseTo(440, 0)
    expect(heard.levelDb).toBeGreaterThan(-21)
    expect(heard.levelDb).toBeLessThan(-19)
    expect(heard.handle).toBe(host.handle)
    expect(speaker.session.state().you.microphone).toBe('open')
    expect(listener.session.state().you.microphone).toBe('listening')
    await eventually(
      () => listener.session.state().participants.find(({ isSpeaking }) => isSpeaking)?.name === 'Lena',
      {
        withinMs: 3_000,
        what: 'Lena speaks',
      },
    )
    await leaveAll()
    expect(listener.events.map(({ type }) => type)).toContain('joined')
    expect(listener.events.at(-1)).toMatchObject({ type: 'left', reason: 'left' })
    expect(listener.events.find((event) => event.type === 'heard' && event.isFinal)).toBeDefined()
  })

  it('leaves nobody behind when it is closed while it joins, however late its join reaches the server', async () => {
    const room = await openRoom(host, 'Early')
    const listeners = async () => {
      const { counts } = await host.api.call('showRoom', { params: { roomId: room.id } })
      return counts.listeners
    }
    for (const joinAfterMs of [0, 5, 20, 200]) {
      const late: Api = {
        ...guest.api,
        call: async (name, options) => {
          if (name === 'joinRoom') await sleep(joinAfterMs)
          return guest.api.call(name, options)
        },
      }
      const target = { api: late, roomId: room.id }
      const session = startSession({ target, source: null, sink: null, isDevice: false })
      await sleep(10)
      await session.close()
      await expect(session.joined).rejects.toMatchObject({ code: 'left' })
      await sleep(joinAfterMs)
      expect(await listeners(), `joined after ${joinAfterMs} ms`).toBe(0)
    }
  })

  it('follows hand, invitation, mute by a moderator and demotion with its sound within a second', async () => {
    const room = await openRoom(host, 'Stage')
    const moderator = await stay(host, room)
    const listener = await stay(guest, room, tone(880))
    await expect(listener.session.command({ verb: 'unmute' })).rejects.toMatchObject({ code: 'not-allowed' })
    await listener.session.command({ verb: 'hand', question: 'May I?' })
    await eventually(() => moderator.session.state().hands[0]?.question === 'May I?', {
      withinMs: 1_000,
      what: 'the moderator sees the hand',
    })
    expect(listener.session.state().you.microphone).toBe('hand-raised')
    const who = moderator.session.state().hands[0]!.participantId
    await moderator.session.command({ verb: 'stage', action: 'invite', who })
    await eventually(() => listener.session.state().you.microphone === 'invited', {
      withinMs: 1_500,
      what: 'the invitation arrives',
    })
    await listener.session.command({ verb: 'accept' })
    const heard = await hearMore(moderator, 'Omar', 1, 5_000)
    expect(heard.frequencyHz).toBeCloseTo(880, 0)

    await listener.session.command({ verb: 'mute' })
    expect(await hearSilence(moderator, 'Omar', 3_000)).toBeLessThan(1_000)
    await listener.session.command({ verb: 'unmute' })
    await hearMore(moderator, 'Omar', 0.5, 2_000)

    await moderator.session.command({ verb: 'stage', action: 'mute', who })
    expect(await hearSilence(moderator, 'Omar', 3_000)).toBeLessThan(1_000)
    expect(listener.session.state().you.microphone).toBe('muted-by-moderator')
    await expect(listener.session.command({ verb: 'unmute' })).rejects.toMatchObject({ code: 'not-allowed' })
    await moderator.session.command({ verb: 'stage', action: 'allow', who })
    await eventually(() => listener.session.state().you.microphone === 'muted', { withinMs: 2_000, what: 'allowed' })
    await listener.session.command({ verb: 'unmute' })
    await hearMore(moderator, 'Omar', 0.5, 3_000)

    await moderator.session.command({ verb: 'stage', action: 'demote', who })
    expect(await hearSilence(moderator, 'Omar', 3_000)).toBeLessThan(1_000)
    expect(heardFrom(moderator, 'Omar')!.longestGapMs).toBeLessThan(400)

    await moderator.session.command({ verb: 'stage', action: 'kick', who })
    expect(await listener.session.done).toMatchObject({ reason: 'kicked' })
    await leaveAll()
  })

  it('starts a device muted and opens it only on its own word', async () => {
    const room = await openRoom(host, 'Device')
    const speaker = await stay(host, room, tone(), { isDevice: true })
    const listener = await stay(guest, room)
    await eventually(() => speaker.session.state().you.isTalkingWhileMuted, { withinMs: 3_000, what: 'talks unheard' })
    expect(heardFrom(listener, 'Lena')).toBeUndefined()
    await speaker.session.command({ verb: 'unmute' })
    await hearMore(listener, 'Lena', 1, 4_000)
    await leaveAll()
  })

  it('gives its seat up for good to another seat of the same person', async () => {
    const room = await openRoom(host, 'Replaced')
    const first = await stay(host, room)
    const second = await stay(host, room)
    expect(await first.session.done).toMatchObject({ reason: 'replaced' })
    await eventually(() => second.session.state().connection.status === 'live', {
      withinMs: 2_000,
      what: 'second live',
    })
    await leaveAll()
  })

  it('tells who ended the room', async () => {
    const room = await openRoom(host, 'End')
    const moderator = await stay(host, room)
    const listener = await stay(guest, room)
    await moderator.session.command({ verb: 'end-room' })
    expect(await listener.session.done).toMatchObject({ reason: 'room-ended', by: 'Lena' })
    expect(await moderator.session.done).toMatchObject({ reason: 'room-ended' })
    await leaveAll()
  })

  it('counts by its own clock where that of the server is another', async () => {
    const late = await startTestServer({ media: 'embedded', now: () => Date.now() - 20_000 })
    const [lena, omar] = [await newPerson(late, 'Lena'), await newPerson(late, 'Omar')]
    try {
      const room = await openRoom(lena, 'Clocks')
      const moderator = await stay(lena, room)
      const listener = await stay(omar, room)
      await moderator.session.command({ verb: 'stage', action: 'invite', who: '@omar' })
      const invited = () => listener.session.state().you.invitation
      await eventually(invited, { withinMs: 5_000, what: 'the invitation' })
      // 60 s by the server's clock, which is known to a second.
      const leftMs = Date.parse(invited()!.expiresAt) - Date.now()
      expect(leftMs).toBeGreaterThan(55_000)
      expect(leftMs).toBeLessThan(62_000)
      const { startedAt } = listener.session.state().room
      expect(Math.abs(Date.now() - Date.parse(startedAt!))).toBeLessThan(10_000)
    } finally {
      await leaveAll()
      await Promise.all([lena.api.close(), omar.api.close()])
      await late.close()
    }
  })

  it('says why it cannot join', async () => {
    const room = await openRoom(host, 'Gone')
    await host.api.call('endRoom', { params: { roomId: room.id } })
    await expect(enter(guest, room)).rejects.toMatchObject({ code: 'room-ended' })
  })
})
