import {
  DisconnectReason,
  LeaveRequest_Action,
  MuteTrackRequest,
  Ping,
  SessionDescription,
  SignalTarget,
  TrickleRequest,
  UpdateParticipantMetadata,
  UpdateSubscription,
} from '@livekit/protocol'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { joinPackets, type PacketParticipant } from '../../../src/client/packets.ts'
import { encodeMarkers } from '../../../src/client/packets-markers.ts'
import type { PacketPublication } from '../../../src/client/packets-publish.ts'
import { spreadOf } from '../../../src/client/packets-received.ts'
import { eventually } from '../../support/eventually.ts'
import { type Flooder, joinFlooder } from '../../support/flooder.ts'
import type { CutOff } from '../../support/flooders.ts'
import {
  API_KEY,
  API_SECRET,
  buildMediaServer,
  startTestMediaServer,
  type TestMediaServer,
} from '../../support/media-server.ts'
import { startYielding } from '../../support/yielding.ts'

let server: TestMediaServer
let speaker: PacketParticipant
let publication: PacketPublication
let bystanders: PacketParticipant[]
let flooder: Flooder | undefined
let floodedBy = ''

const join = async (identity: string, canPublish: boolean) =>
  joinPackets({ url: server.url, token: await server.token(identity, 'hall', { canPublish }) })

beforeAll(async () => {
  server = await startTestMediaServer({ entry: buildMediaServer() })
  speaker = await join('speaker', true)
  publication = await speaker.publish(await encodeMarkers({ everyMs: 1000, id: 2 }))
  bystanders = await Promise.all(Array.from({ length: 10 }, (_, index) => join(`bystander-${index}`, false)))
})
afterAll(async () => {
  for (const one of [...bystanders, speaker]) await one.leave()
  await server.close()
})
afterEach(async () => {
  await flooder?.close()
  flooder = undefined
})

const heard = () => bystanders.map((one) => one.received().find(({ identity }) => identity === 'speaker')!)

/** Who is not the flooder loses no packet, and the media server lets them wait for none longer than a jitter buffer bridges. */
const othersHearNoGap = async () => {
  const sent = publication.sent()
  await eventually(() => heard().every(({ stamped }) => (stamped.last ?? 0) >= sent + 25), {
    withinMs: 5000,
    what: 'half a second after the flood is heard',
  })
  for (const { stamped } of heard()) expect(stamped).toMatchObject({ lost: 0, duplicates: 0, reordered: 0 })
  const gap = spreadOf(heard().map(({ gapUs }) => gapUs))!
  console.log(`longest gap ${gap.maxMs.toFixed(0)} ms, p99 ${gap.p99Ms.toFixed(0)} ms`)
  expect(gap.p99Ms).toBeLessThan(80)
}

const enter = async (identity: string) => {
  floodedBy = identity
  flooder = await joinFlooder(server.url, await server.token(identity, 'hall'))
  await eventually(() => heard().every((track) => (track?.stamped.packets ?? 0) > 10), {
    withinMs: 10_000,
    what: 'the bystanders hear',
  })
  for (const one of bystanders) one.forgetReceived()
  return { ...flooder, cutOffBefore: (await server.metrics()).cutOff! }
}

/** Told why, put out, and not to come back by itself. */
const isCutOff = async (before: number) => {
  await eventually(() => flooder!.raw.closed(), { withinMs: 8000, what: 'the flooder is cut off' })
  expect(flooder!.raw.leave()).toMatchObject({
    reason: DisconnectReason.STATE_MISMATCH,
    action: LeaveRequest_Action.DISCONNECT,
  })
  expect((await server.metrics()).cutOff).toBe(before + 1)
  await expect(server.rooms.getParticipant('hall', floodedBy)).rejects.toMatchObject({ code: 'not_found' })
}

describe('nobody else hears a gap in', () => {
  test('a flood of signal messages', async () => {
    const { raw, repeat, cutOffBefore } = await enter('flood-pings')
    repeat(5000, () => raw.send({ case: 'pingReq', value: new Ping({ timestamp: 0n }) }))
    await isCutOff(cutOffBefore)
    await othersHearNoGap()
  })

  test('a flood of what everyone is told', async () => {
    const { raw, repeat, openTrack, cutOffBefore } = await enter('flood-mutes')
    const { trackSid } = await openTrack()
    repeat(1000, (count) =>
      raw.send({ case: 'mute', value: new MuteTrackRequest({ sid: trackSid, muted: count % 2 === 0 }) }),
    )
    await isCutOff(cutOffBefore)
    await othersHearNoGap()
  })

  test('a flood of new names', async () => {
    const { raw, repeat, cutOffBefore } = await enter('flood-names')
    repeat(1000, (count) =>
      raw.send({ case: 'updateMetadata', value: new UpdateParticipantMetadata({ name: `name ${count}` }) }),
    )
    await isCutOff(cutOffBefore)
    await othersHearNoGap()
  })

  test('a flood of offers', async () => {
    const { raw, repeat, openTrack, cutOffBefore } = await enter('flood-offers')
    const { offer: sdp } = await openTrack()
    repeat(1000, (count) => {
      // A new description each time: another credential, and a track that comes and goes.
      const changed = sdp
        .replace(/ice-pwd:\S+/g, `ice-pwd:${String(count).padStart(24, 'x')}`)
        .replace(/sendonly/g, count % 2 === 0 ? 'inactive' : 'sendonly')
      raw.send({ case: 'offer', value: new SessionDescription({ type: 'offer', sdp: changed, id: count + 2 }) })
    })
    await isCutOff(cutOffBefore)
    await othersHearNoGap()
  })

  test('a flood of candidates', async () => {
    const { raw, repeat, cutOffBefore } = await enter('flood-candidates')
    repeat(5000, (count) => {
      const address = `10.${count & 0xff}.${(count >> 8) & 0xff}.1`
      const candidate = `candidate:${count} 1 udp 2122260223 ${address} ${1024 + count} typ host`
      const candidateInit = JSON.stringify({ candidate, sdpMid: '0', sdpMLineIndex: 0 })
      raw.send({ case: 'trickle', value: new TrickleRequest({ target: SignalTarget.SUBSCRIBER, candidateInit }) })
    })
    await isCutOff(cutOffBefore)
    await othersHearNoGap()
  })

  test('a flood of subscriptions', async () => {
    const { raw, repeat, cutOffBefore } = await enter('flood-wishes')
    const trackSids = [publication.trackSid]
    repeat(1000, (count) =>
      raw.send({ case: 'subscription', value: new UpdateSubscription({ trackSids, subscribe: count % 2 === 0 }) }),
    )
    await isCutOff(cutOffBefore)
    await othersHearNoGap()
  })

  test('a slow flood of subscriptions, below every limit, ends in a new connection', async () => {
    const { raw, repeat, cutOffBefore } = await enter('flood-slow')
    const trackSids = [publication.trackSid]
    // Each wish is taken back, so there are half as many media sections: no more than 200, which is before the first
    // 200 wishes and 20 a second from then on are used up.
    const wish = (count: number) =>
      raw.send({ case: 'subscription', value: new UpdateSubscription({ trackSids, subscribe: count % 2 === 0 }) })
    repeat(30, wish, { isAnswering: true })
    await eventually(() => raw.closed(), { withinMs: 30_000, what: 'it is sent to join anew' })
    // The last ones may share an offer that did not come any more. Of an offer without an answer there would be few.
    const sections = raw.received.findLast((message) => message.case === 'offer')!.value.sdp.match(/^m=audio/gm)
    expect(sections!.length).toBeGreaterThan(150)
    expect(raw.leave()).toMatchObject({
      reason: DisconnectReason.STATE_MISMATCH,
      action: LeaveRequest_Action.RECONNECT,
    })
    expect((await server.metrics()).cutOff).toBe(cutOffBefore)
    await othersHearNoGap()
  })

  test('a flood of sound', async () => {
    const { repeat, openTrack, cutOffBefore } = await enter('flood-sound')
    const { send } = await openTrack()
    repeat(5000, send)
    await isCutOff(cutOffBefore)
    const { overRate } = await server.metrics()
    expect(overRate).toBeGreaterThan(500)
    await othersHearNoGap()
  })

  test('a flood of sound in another room, by ten connections at a hundred times the rate', async () => {
    const flooders = startYielding('flooders', [server.url, 'another hall', '10', '5000', API_KEY, API_SECRET])
    try {
      await eventually(() => flooders.lines().length > 0, { withinMs: 30_000, what: 'the flooders are in' })
      for (const one of bystanders) one.forgetReceived()
      const before = (await server.metrics()).cutOff!
      flooders.tell('flood')
      await eventually(() => flooders.lines().length === 11, { withinMs: 8000, what: 'all flooders are cut off' })
      for (const cut of flooders.lines<CutOff>().slice(1))
        expect(cut).toMatchObject({
          reason: DisconnectReason.STATE_MISMATCH,
          action: LeaveRequest_Action.DISCONNECT,
        })
      expect((await server.metrics()).cutOff).toBe(before + 10)
      await othersHearNoGap()
    } finally {
      await flooders.close()
    }
  })
})
