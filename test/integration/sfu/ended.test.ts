import {
  DisconnectReason,
  LeaveRequest_Action,
  SessionDescription,
  SignalTarget,
  TrickleRequest,
} from '@livekit/protocol'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createSubscribingPeer } from '../../../src/client/packets-peer.ts'
import { eventually } from '../../support/eventually.ts'
import { buildMediaServer, startTestMediaServer, type TestMediaServer } from '../../support/media-server.ts'
import { openRawSignal } from '../../support/raw-signal.ts'
import { joinRtcNode } from '../../support/rtc-node.ts'

let server: TestMediaServer
beforeAll(async () => {
  server = await startTestMediaServer({ entry: buildMediaServer() })
})
afterAll(() => server?.close())

test('who has lost a media connection but not signal is told to join anew, and others see no leave', async () => {
  const other = await joinRtcNode(server.url, await server.token('other', 'room'))
  const raw = await openRawSignal(server.url, await server.token('guest', 'room'))
  const states: string[] = []
  const peer = await createSubscribingPeer({
    onCandidate: (candidateInit) =>
      raw.send({ case: 'trickle', value: new TrickleRequest({ target: SignalTarget.SUBSCRIBER, candidateInit }) }),
    onConnected: () => states.push('connected'),
    onFailed: () => states.push('failed'),
    onPacket: () => {},
  })
  const offer = await eventually(() => raw.received.find((message) => message.case === 'offer')?.value, {
    withinMs: 5000,
    what: 'an offer',
  })
  const sdp = peer.answer(offer.sdp)
  raw.send({ case: 'answer', value: new SessionDescription({ type: 'answer', sdp, id: offer.id }) })
  let taken = 0
  await eventually(
    () => {
      for (const { case: name, value } of raw.received.slice(taken))
        if (name === 'trickle') peer.addCandidate(value.candidateInit)
      taken = raw.received.length
      return states.includes('connected')
    },
    { withinMs: 10_000, what: 'media stands' },
  )
  peer.close()
  const leave = await eventually(() => raw.leave(), { withinMs: 5000, what: 'the server says what to do' })
  expect([leave.action, leave.reason]).toEqual([LeaveRequest_Action.RECONNECT, DisconnectReason.STATE_MISMATCH])
  expect(other.events).not.toContain('left guest')
  await other.close()
})
