import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { browserMissing, joinBrowser } from '../../support/browser.ts'
import { eventually } from '../../support/eventually.ts'
import type { ForeignPeer } from '../../support/foreign-peer.ts'
import { buildGoClient, goClientMissing, joinGo } from '../../support/go-client.ts'
import { startMediaLine } from '../../support/media-line.ts'
import { buildMediaServer, startTestMediaServer, type TestMediaServer } from '../../support/media-server.ts'
import { isTone } from '../../support/media-tone.ts'
import { joinRtcNode, type RtcNodePeer } from '../../support/rtc-node.ts'

// LiveKit's own clients on the embedded media server; none shares code with it.
let server: TestMediaServer
let goClient = ''
const closers: (() => Promise<void>)[] = []
beforeAll(async () => {
  server = await startTestMediaServer({ entry: buildMediaServer() })
  if (!goClientMissing) goClient = buildGoClient()
})
afterAll(() => server?.close())
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

type Join = (url: string, token: string, hz: number) => Promise<ForeignPeer>
const intoBrowser =
  (singlePeerConnection?: boolean): Join =>
  async (url, token) => {
    const browser = await joinBrowser(url, token, { singlePeerConnection })
    closers.push(browser.close)
    await browser.joined()
    return browser
  }
const intoGo =
  (explicit: boolean): Join =>
  async (url, token, hz) => {
    const peer = await joinGo(goClient, url, token, { hz, explicit })
    closers.push(peer.close)
    return peer
  }
const intoRtcNode: Join = async (url, token) => {
  const peer = await joinRtcNode(url, token)
  closers.push(peer.close)
  return peer
}

type Client = {
  name: string
  missing: string | undefined
  join: Join
  /** What it says of a removal, of a room's end, and, where it says that at all, of a track that the server took. */
  told: { removed: string; ended: string; taken?: string }
}
const rtcNodeWords = { removed: 'disconnected 4', ended: 'disconnected 5' }
const browserWords = { ...rtcNodeWords, taken: 'unpublished' }
const goWords = { removed: 'disconnected removed by server', ended: 'disconnected other reasons', taken: 'unpublished' }
const clients: Client[] = [
  { name: '@livekit/rtc-node', missing: undefined, join: intoRtcNode, told: rtcNodeWords },
  { name: 'the Go SDK', missing: goClientMissing, join: intoGo(false), told: goWords },
  { name: 'the Go SDK, subscribing explicitly', missing: goClientMissing, join: intoGo(true), told: goWords },
  { name: 'Chromium, one peer connection', missing: browserMissing, join: intoBrowser(true), told: browserWords },
  { name: 'Chromium, two peer connections', missing: browserMissing, join: intoBrowser(false), told: browserWords },
]

const hears = (listener: ForeignPeer, identity: string, hz: number, withinMs = 10_000) =>
  eventually(
    () => {
      const heard = listener.heardHz(identity)
      if (!isTone(heard, hz)) throw new Error(`${heard} Hz; told: ${listener.events.slice(-8).join(', ')}`)
      return true
    },
    { withinMs, what: `${identity} is heard at ${hz} Hz` },
  )

const silent = (listener: ForeignPeer, identity: string) =>
  eventually(() => !listener.heardHz(identity), { withinMs: 3000, what: `${identity} is silent` })

/** What a peer has told so far belongs to the past. */
const mark = (peer: ForeignPeer): number => peer.events.length

const tells = (peer: ForeignPeer, event: string, withinMs = 5000, after = 0) =>
  eventually(
    () => {
      if (peer.events.slice(after).includes(event)) return true
      throw new Error(peer.events.slice(after).join(', '))
    },
    { withinMs, what: `"${event}" is told` },
  )

describe.each(clients.map((client) => [client.name, client] as const))('%s', (name, { missing, join, told }) => {
  const room = name.replace(/\W+/g, '-')
  const title = (text: string) => `${text}${missing ? ` (skipped: ${missing})` : ''}`
  const meet = async (roomName: string) => {
    const native = await joinRtcNode(server.url, await server.token('native', roomName))
    closers.push(native.close)
    await native.publishTone(600)
    const guest = await join(server.url, await server.token('guest', roomName), 440)
    await guest.publishTone(440)
    await hears(native, 'guest', 440)
    await hears(guest, 'native', 600)
    return { native, guest }
  }

  test.skipIf(missing)(title('hears and is heard, mutes, and is muted by a moderator'), async () => {
    const { native, guest } = await meet(`${room}-mute`)
    await guest.setMuted(true)
    await silent(native, 'guest')
    await tells(native, 'muted guest')
    await guest.setMuted(false)
    await hears(native, 'guest', 440)

    await native.setMuted(true)
    await tells(guest, 'muted native')
    await silent(guest, 'native')
    await native.setMuted(false)
    await tells(guest, 'unmuted native')
    await hears(guest, 'native', 600)

    const [track] = (await server.rooms.getParticipant(`${room}-mute`, 'guest')).tracks
    await server.rooms.mutePublishedTrack(`${room}-mute`, 'guest', track!.sid, true)
    await silent(native, 'guest')
    // Its owner opens it again: so it was told that it was muted.
    await eventually(
      async () => {
        await guest.setMuted(false)
        return isTone(native.heardHz('guest'), 440)
      },
      { withinMs: 5000, what: 'its owner opens the microphone again', everyMs: 300 },
    )
  })

  test.skipIf(missing)(title('loses the right to speak and gets it back, and is removed'), async () => {
    const { native, guest } = await meet(`${room}-rights`)
    await server.rooms.updateParticipant(`${room}-rights`, 'guest', { permission: { canSubscribe: true } })
    await silent(native, 'guest')
    if (told.taken) await tells(guest, told.taken)
    await hears(guest, 'native', 600)
    await server.rooms.updateParticipant(`${room}-rights`, 'guest', {
      permission: { canSubscribe: true, canPublish: true },
    })
    await guest.publishTone(440)
    await hears(native, 'guest', 440)
    expect(guest.events).not.toContain('reconnecting')

    await server.rooms.removeParticipant(`${room}-rights`, 'guest')
    await tells(guest, told.removed)
    await silent(native, 'guest')
    expect(native.events).toContain('left guest')
  })

  test.skipIf(missing)(title('is told when the room ends'), async () => {
    const { guest } = await meet(`${room}-end`)
    await server.rooms.deleteRoom(`${room}-end`)
    await tells(guest, told.ended)
  })

  test.skipIf(missing)(
    title('comes back by itself when signal is cut, and when media is'),
    async () => {
      const line = await startMediaLine(server.url)
      closers.push(line.close)
      const native = await joinRtcNode(server.url, await server.token('native', `${room}-cut`))
      closers.push(native.close)
      await native.publishTone(600)
      const guest = await join(line.url, await server.token('guest', `${room}-cut`), 440)
      await guest.publishTone(440)
      await hears(native, 'guest', 440)
      await hears(guest, 'native', 600)
      expect(line.relayed()).toBeGreaterThan(0)

      const signal = { native: mark(native), guest: mark(guest) }
      line.cutSignal()
      await tells(guest, 'reconnecting', 15_000, signal.guest)
      await tells(native, 'subscribed guest', 20_000, signal.native)
      await tells(guest, 'subscribed native', 20_000, signal.guest)
      await hears(native, 'guest', 440)
      await hears(guest, 'native', 600)
      expect(native.events).not.toContain('left guest')

      const media = { native: mark(native), guest: mark(guest) }
      line.cutMedia()
      await silent(native, 'guest')
      await tells(guest, 'reconnecting', 40_000, media.guest)
      line.mendMedia()
      await tells(native, 'subscribed guest', 30_000, media.native)
      await tells(guest, 'subscribed native', 30_000, media.guest)
      await hears(native, 'guest', 440)
      await hears(guest, 'native', 600)
      // Nobody has left who did not say so. rtc-node does where both its connections fail before it has begun to resume:
      // then it joins anew at once, and its old session takes leave over signal (rtc_engine, try_restart_connection).
      const goodbyes = line.said.filter((message) => message.case === 'leave')
      expect(native.events.filter((event) => event === 'left guest').length).toBeLessThanOrEqual(goodbyes.length)
    },
    120_000,
  )
})

test('rtc-node whose answers come late, to an offer and to its repetition, hears all who speak', async () => {
  const line = await startMediaLine(server.url)
  closers.push(line.close)
  const guest = await joinRtcNode(line.url, await server.token('guest', 'late'))
  closers.push(guest.close)
  const speakers: [RtcNodePeer, number][] = []
  for (const hz of [440, 600]) {
    const speaker = await joinRtcNode(server.url, await server.token(`${hz}`, 'late'))
    closers.push(speaker.close)
    speakers.push([speaker, hz])
  }
  // Longer than the server waits for an answer before it repeats its offer; the second track comes in between.
  line.delaySignal(1300)
  for (const [speaker, hz] of speakers) {
    await speaker.publishTone(hz)
    await tells(guest, `subscribed ${hz}`)
  }
  for (const [, hz] of speakers) await hears(guest, `${hz}`, hz)
})

test('rtc-node that asks for one peer connection is led to two, and hears and is heard', async () => {
  const line = await startMediaLine(server.url)
  closers.push(line.close)
  const native = await joinRtcNode(server.url, await server.token('native', 'single'))
  closers.push(native.close)
  await native.publishTone(600)
  const guest = await joinRtcNode(line.url, await server.token('guest', 'single'), { singlePeerConnection: true })
  closers.push(guest.close)
  await guest.publishTone(440)
  await hears(native, 'guest', 440)
  await hears(guest, 'native', 600)
  expect(line.requests).toContain('/rtc/v1 404')
  expect(line.requests.at(-1)).toBe('/rtc 101')
})

test.skipIf(goClientMissing)(
  `the Go SDK offers to send and receive, and asks for each track${goClientMissing ? ` (skipped: ${goClientMissing})` : ''}`,
  async () => {
    const line = await startMediaLine(server.url)
    closers.push(line.close)
    const native = await joinRtcNode(server.url, await server.token('native', 'explicit'))
    closers.push(native.close)
    const { sid } = await native.publishTone(600)
    const guest = await joinGo(goClient, line.url, await server.token('guest', 'explicit'), { hz: 440, explicit: true })
    closers.push(guest.close)
    await guest.publishTone(440)
    await hears(native, 'guest', 440)
    await hears(guest, 'native', 600)
    const offers = line.said.flatMap(({ case: name, value }) => (name === 'offer' ? [value.sdp] : []))
    expect(offers.at(-1)).toMatch(/^m=audio(?:.*\r\n)+?a=sendrecv\r\n/m)
    const asked = line.said.flatMap(({ case: name, value }) =>
      name === 'subscription' && value.subscribe ? value.participantTracks.flatMap(({ trackSids }) => trackSids) : [],
    )
    expect(asked).toEqual([sid])
  },
)
