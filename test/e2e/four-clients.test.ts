import { afterAll, beforeAll, expect, it } from 'vitest'
import { companionSchema } from '../../src/protocol/rooms.ts'
import { browserMissing, joinBrowser } from '../support/browser.ts'
import { eventually } from '../support/eventually.ts'
import type { ForeignPeer } from '../support/foreign-peer.ts'
import { buildGoClient, goClientMissing, joinGo } from '../support/go-client.ts'
import { type House, type HouseSeat, openHouse } from '../support/house.ts'
import { isTone } from '../support/media-tone.ts'
import { joinRtcNode } from '../support/rtc-node.ts'

// Ana speaks by `roomtone join`. The others are on stage, too, and speak by another program, with a token of `roomtone token`.
type Join = (url: string, token: string, hz: number) => Promise<ForeignPeer>
type Voice = { identity: string; hz: number }
type Guest = Voice & { name: string; peer: ForeignPeer }

const missing = browserMissing ?? goClientMissing
const ANA_HZ = 440
let goClient: string
let house: House
const closers: (() => Promise<void>)[] = []
const closesLater = <P extends ForeignPeer>(peer: P): P => {
  closers.push(peer.close)
  return peer
}
const guests: { profile: string; program: string; hz: number; join: Join }[] = [
  {
    profile: 'ben',
    program: 'Chromium',
    hz: 523,
    join: async (url, token) => {
      const page = closesLater(await joinBrowser(url, token))
      await page.joined()
      return page
    },
  },
  {
    profile: 'kim',
    program: 'rtc-node',
    hz: 659,
    join: async (url, token) => closesLater(await joinRtcNode(url, token)),
  },
  {
    profile: 'omar',
    program: 'Go',
    hz: 784,
    join: async (url, token, hz) => closesLater(await joinGo(goClient, url, token, { hz })),
  },
]

beforeAll(async () => {
  if (missing) return
  goClient = buildGoClient()
  // By `serve`, as rooms are that strangers reach.
  house = await openHouse(['Ana', 'Ben', 'Kim', 'Omar'], { serve: ['--port', '0'] })
})
afterAll(async () => {
  for (const close of closers.reverse()) await close()
  await house?.close()
})

it.skipIf(missing)(
  `four people on Chromium, rtc-node, Go and roomtone talk in one room${missing ? ` (skipped: ${missing})` : ''}`,
  async () => {
    const room = await house.createRoom('Four')
    const ana = await house.join('ana', room, '--microphone', `tone:${ANA_HZ}`, '--speaker', 'none')
    const { participantId } = await ana.tells('unmuted', { where: ({ isYou }) => isYou })
    const there: Guest[] = []
    for (const { profile, program, hz, join } of guests) {
      await comeOnStage(ana, profile, room)
      const { stdout } = await house.run('token', room.id, '--json', '--profile', profile)
      const { url, token, identity } = companionSchema.parse(JSON.parse(stdout))
      const peer = await join(url, token, hz)
      await peer.publishTone(hz)
      there.push({ name: `${profile} by ${program}`, identity, hz, peer })
    }

    const voices: Voice[] = [{ identity: participantId, hz: ANA_HZ }, ...there]
    for (const guest of there)
      for (const voice of voices) if (voice.identity !== guest.identity) await hears(guest, voice)
    for (const guest of there) await anaHears(ana, guest)
    // Their sound still stands when all four speak.
    for (const guest of there) await hears(guest, voices[0]!)

    const [ben, ...others] = there
    await does(ana, 'stage', 'mute', '@ben')
    for (const { name, peer } of others)
      await eventually(() => !peer.heardHz(ben!.identity), {
        withinMs: 5000,
        what: `${name} hears ${ben!.name} no more`,
      })
    for (const guest of others) await hears(guest, voices[0]!)

    await house.must('room', 'end', room.id, '--profile', 'ana')
    for (const { name, peer } of there)
      await eventually(() => peer.events.some((event) => event.startsWith('disconnected')), {
        withinMs: 10_000,
        what: `${name} is told that the room has ended`,
      })
  },
)

/** The seat of one's own, silent: sound goes through the other program. */
const comeOnStage = async (ana: HouseSeat, profile: string, room: { id: string }): Promise<void> => {
  const seat = await house.join(profile, room, '--microphone', 'none', '--speaker', 'none')
  await does(seat, 'hand')
  await ana.tells('hand-raised', { where: ({ handle }) => handle === profile })
  await does(ana, 'stage', 'admit', `@${profile}`)
  await seat.tells('role-changed', { where: ({ isYou, role }) => isYou && role === 'speaker' })
}

const does = async (seat: HouseSeat, ...verb: string[]): Promise<void> => {
  const { code, stderr } = await seat.verb(...verb)
  expect(code, `${verb.join(' ')}: ${stderr}; the seat: ${seat.lines().at(-1)} ${seat.stderr()}`).toBe(0)
}

const hears = ({ name, peer }: Guest, { identity, hz }: Voice) =>
  eventually(
    () => {
      const heard = peer.heardHz(identity)
      if (isTone(heard, hz)) return true
      throw new Error(`${heard} Hz; told: ${peer.events.slice(-8).join(', ')}`)
    },
    { withinMs: 10_000, what: `${name} hears ${hz} Hz` },
  )

/** By what her seat says of each voice. */
const anaHears = (ana: HouseSeat, { identity, hz, name }: Guest) =>
  eventually(
    () => {
      const last = ana.told('heard').findLast(({ participantId }) => participantId === identity)
      if (last && isTone(last.frequencyHz, hz)) return true
      throw new Error(JSON.stringify(last ?? ana.told('heard').map(({ who }) => who)))
    },
    { withinMs: 15_000, what: `Ana hears ${name} at ${hz} Hz` },
  )
