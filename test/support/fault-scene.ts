import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { type AddressInfo, connect, createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'vitest'
import { createToneSource } from '../../src/audio/sources/tone.ts'
import type { Api } from '../../src/client/api.ts'
import { type Link, startLink } from '../../src/client/link.ts'
import type { LinkProfile } from '../../src/client/link-relay.ts'
import type { Joined, Room } from '../../src/protocol/rooms.ts'
import type { RouteName } from '../../src/protocol/routes.ts'
import { eventually } from './eventually.ts'
import { hears, keepsQueue } from './fault-lines.ts'
import { enterHere, type FaultSeat, forget, type Signed, signUp } from './fault-seat.ts'
import { mediaEnv, startProjectMedia } from './project-media.ts'
import { ram } from './ram.ts'
import { startRoomtone } from './roomtone.ts'
import type { Sms, TestServer } from './server.ts'

export const KIM_HZ = 440
export const ANA_HZ = 880
export const isLive = ({ see }: FaultSeat) => see().connection.status === 'live'
export const isReconnecting = ({ see }: FaultSeat) => see().connection.status === 'reconnecting'
export const tone = (hz: number) => createToneSource({ hz })

/** Done at the end, the last first; before them all seats leave, at once. */
export const cleanups: (() => unknown)[] = []
export const seats: FaultSeat[] = []
export const cleanUp = async () => {
  await Promise.all(seats.splice(0).map((seat) => seat.close()))
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
}

/** An account each, signed in; `url` is what the server is called where Ana and Omar are. */
export const people = async (server: Pick<TestServer, 'url' | 'outbox'>, url?: string) => {
  const near = await Promise.all(['Kim', 'Noor'].map((name) => signUp(server, name)))
  const hit = await Promise.all(['Ana', 'Omar'].map((name) => signUp(server, name, url)))
  for (const one of [...near, ...hit]) cleanups.push(() => forget(one))
  return { kim: near[0]!, noor: near[1]!, ana: hit[0]!, omar: hit[1]! }
}

/** Noor has no sound: only a place in the room, and in the queue. */
const sitIn = async ({ api }: Signed, roomId: string) => {
  const seatId = crypto.randomUUID()
  const params = { roomId }
  const { heartbeatMs } = await api.call('joinRoom', { params, body: { seatId } })
  const beat = () => void api.call('heartbeat', { params, body: { seatId, isMuted: true } }).catch(() => {})
  const timer = setInterval(beat, heartbeatMs)
  cleanups.push(() => clearInterval(timer))
  await api.call('raiseHand', { params, body: { seatId } })
}

export type Enter = (who: Signed, room: Room, isSpeaking: boolean) => Promise<FaultSeat>

/** `ana` is a moderator, or a speaker who was invited. */
export const openScene = async (
  { kim, noor, ana, omar }: Awaited<ReturnType<typeof people>>,
  title: string,
  anaIs: 'moderator' | 'speaker',
  enter: Enter,
) => {
  const cohosts = anaIs === 'moderator' ? [ana.handle] : []
  const room = await kim.api.call('createRoom', { body: { title, cohosts } })
  const host = await enterHere(kim, room, tone(KIM_HZ))
  const first = await enter(ana, room, true)
  const second = await enter(omar, room, false)
  seats.push(host, first, second)
  if (anaIs === 'speaker') {
    await first.command({ verb: 'hand' })
    await host.command({ verb: 'stage', action: 'invite', who: first.see().you.id })
    await eventually(() => first.see().you.invitation, { withinMs: 5_000, what: 'Ana is invited' })
    await first.command({ verb: 'accept' })
  }
  await sitIn(noor, room.id)
  await second.command({ verb: 'hand', question: 'Still there?' })
  await keepsQueue(host, second)
  const cutMs = performance.now()
  await hears(host, ANA_HZ, cutMs, 2)
  await hears(first, KIM_HZ, cutMs, 2)
  return { room, kim: host, ana: first, omar: second }
}
export type Scene = Awaited<ReturnType<typeof openScene>>

export const anaOf = (seat: FaultSeat) => seat.see().participants.find(({ name }) => name === 'Ana')
const hit = ['Ana', 'Omar']
export const wasAway = (seat: FaultSeat, fromMs: number) =>
  seat.diary.some(
    ({ atMs, state }) => atMs > fromMs && state.participants.some(({ name, isAway }) => isAway && hit.includes(name)),
  )
export const told = (seat: FaultSeat, type: string) => seat.events.filter((event) => event.type === type)

/** Both are back as they were: live, on stage or in the queue, and not away to the others. */
export const areBack = async ({ kim, ana, omar }: Scene, role: 'moderator' | 'speaker') => {
  await eventually(() => isLive(ana) && isLive(omar), { withinMs: 30_000, what: 'both are back' })
  await eventually(
    () => {
      const away = kim.see().participants.filter(({ name, isAway }) => isAway && hit.includes(name))
      return away.length === 0 || expect(away).toEqual([])
    },
    { withinMs: 10_000, what: 'neither is away to Kim' },
  )
  expect(ana.see().you.role).toBe(role)
  expect(anaOf(kim)?.role).toBe(role)
  await keepsQueue(kim, omar)
  for (const seat of [ana, omar]) expect(told(seat, 'left')).toEqual([])
}

/** Muted, she is not heard, and is as soon as she opens her microphone. */
export const isMutedAndOpens = async ({ kim, ana }: Scene) => {
  expect(ana.see().you).toMatchObject({ isMuted: true, microphone: 'muted' })
  const sinceMs = performance.now()
  await sleep(1_000)
  expect(kim.ears.between(sinceMs).seconds).toBe(0)
  await ana.command({ verb: 'unmute' })
  await hears(kim, ANA_HZ, performance.now(), 2)
}

/** In this process. */
export const here: Enter = (who, room, isSpeaking) => enterHere(who, room, isSpeaking ? tone(ANA_HZ) : null)

/** `serve` in a process of its own, again and again on the same port and data. */
export const serverOfItsOwn = async (port: number) => {
  const livekit = await startProjectMedia()
  if (livekit) cleanups.push(livekit.close)
  const home = mkdtempSync(join(ram(), 'rt-faults-'))
  const outbox = join(home, 'outbox.jsonl')
  cleanups.push(() => rmSync(home, { recursive: true, force: true }))
  return {
    outbox: () =>
      readFileSync(outbox, 'utf8')
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as Sms),
    serve: async () => {
      const args = ['serve', '--port', String(port), '--data', join(home, 'data'), '--sms', `outbox:${outbox}`]
      const running = startRoomtone(args, { home, env: mediaEnv(livekit), withinMs: 110_000 })
      cleanups.push(async () => {
        running.kill('SIGTERM')
        await running.ended
      })
      await eventually(async () => (await fetch(`http://127.0.0.1:${port}/api/server`)).ok, {
        withinMs: 30_000,
        what: 'the server answers',
      })
      return running
    },
  }
}

/** What listens on loopback is reached at that address, too; returns the port there. */
export const openDoor = async (address: string, port: number): Promise<number> => {
  const door = createServer((from) => {
    const to = connect(port, '127.0.0.1')
    from.on('error', () => to.destroy()).pipe(to)
    to.on('error', () => from.destroy()).pipe(from)
  })
  await new Promise<void>((resolve) => door.listen(0, address, resolve))
  cleanups.push(() => door.close())
  return (door.address() as AddressInfo).port
}

/** The same API, but what it says of the media server leads through a bad network. */
export const behindLink = (api: Api, seed: number) => {
  let link: Link | undefined
  const call = async (name: RouteName, options?: object) => {
    const answer = await api.call(name, options)
    if (name !== 'joinRoom') return answer
    const joined = answer as unknown as Joined
    if (!link) {
      link = await startLink({ url: joined.media.url, seed })
      cleanups.push(link.close)
    }
    return { ...joined, media: { ...joined.media, url: link.url } }
  }
  return { api: { ...api, call: call as Api['call'] }, set: (profile: LinkProfile) => link!.set(profile) }
}
