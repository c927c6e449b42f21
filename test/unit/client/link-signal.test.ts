import {
  ICEServer,
  JoinResponse,
  LeaveRequest,
  ReconnectResponse,
  RegionSettings,
  SessionDescription,
  SignalRequest,
  SignalResponse,
  SyncState,
  TrickleRequest,
} from '@livekit/protocol'
import { beforeEach, describe, expect, it } from 'vitest'
import { rewriteRequest, rewriteResponse, type SignalCounts } from '../../../src/client/link-signal.ts'

const UDP = 'candidate:1 1 UDP 2122317823 10.0.0.7 40000 typ host generation 0'
const RELAY = 'candidate:2 1 udp 5 203.0.113.9 3478 typ relay raddr 10.0.0.7 rport 40000'
const TCP = 'candidate:3 1 tcp 1518214911 10.0.0.7 7881 typ host tcptype passive'
const HIDDEN = 'candidate:4 1 udp 2122317823 0a1b2c3d.local 40001 typ host'
const sdpOf = (...candidates: string[]) =>
  ['v=0', 'm=audio 9 UDP/TLS/RTP/SAVPF 111', ...candidates.map((candidate) => `a=${candidate}`), 'a=mid:0', ''].join(
    '\r\n',
  )
const init = (candidate: string) => JSON.stringify({ candidate, sdpMid: '0', sdpMLineIndex: 0 })

let counts: SignalCounts
let targets: string[]
beforeEach(() => {
  counts = { mapped: 0, withheldLocal: 0, withheldRemote: 0 }
  targets = []
})

const tell = (message: SignalRequest['message']): SignalRequest['message'] | undefined => {
  const bytes = rewriteRequest(new SignalRequest({ message }).toBinary(), counts)
  return bytes && SignalRequest.fromBinary(bytes).message
}
const hear = async (message: SignalResponse['message']): Promise<SignalResponse['message'] | undefined> => {
  const bytes = await rewriteResponse(new SignalResponse({ message }).toBinary(), {
    address: '127.0.0.1',
    portFor: async ({ address, port }) => 50_000 + targets.push(`${address}:${port}`),
    counts,
  })
  return bytes && SignalResponse.fromBinary(bytes).message
}

describe('signalling through a link', () => {
  it('leads the UDP candidates of the media server through the link, and tells of no other', async () => {
    const offer = await hear({ case: 'offer', value: new SessionDescription({ sdp: sdpOf(UDP, TCP, RELAY, HIDDEN) }) })
    expect((offer!.value as SessionDescription).sdp).toBe(
      sdpOf('candidate:1 1 udp 2122317823 127.0.0.1 50001 typ host', 'candidate:2 1 udp 5 127.0.0.1 50002 typ host'),
    )
    expect(targets).toEqual(['10.0.0.7:40000', '203.0.113.9:3478'])
    expect(counts).toEqual({ mapped: 2, withheldLocal: 0, withheldRemote: 2 })
  })

  it('does the same with candidates that trickle', async () => {
    const trickle = (candidate: string) =>
      hear({ case: 'trickle', value: new TrickleRequest({ candidateInit: init(candidate) }) })
    const mapped = (await trickle(UDP))?.value as TrickleRequest
    expect(JSON.parse(mapped.candidateInit)).toEqual({
      candidate: 'candidate:1 1 udp 2122317823 127.0.0.1 50001 typ host',
      sdpMid: '0',
      sdpMLineIndex: 0,
    })
    expect(await trickle(TCP)).toBeUndefined()
    expect(await trickle('')).toBeDefined()
  })

  it('tells the media server no address of the participant, also when it resumes', () => {
    const description = () => new SessionDescription({ sdp: sdpOf(UDP, RELAY) })
    for (const name of ['offer', 'answer'] as const)
      expect((tell({ case: name, value: description() })!.value as SessionDescription).sdp).toBe(sdpOf())
    const resumed = tell({ case: 'syncState', value: new SyncState({ offer: description(), answer: description() }) })
    expect((resumed!.value as SyncState).offer!.sdp).toBe(sdpOf())
    expect((resumed!.value as SyncState).answer!.sdp).toBe(sdpOf())
    expect(tell({ case: 'trickle', value: new TrickleRequest({ candidateInit: init(UDP) }) })).toBeUndefined()
    expect(tell({ case: 'trickle', value: new TrickleRequest({ candidateInit: init('') }) })).toBeDefined()
    expect(counts).toEqual({ mapped: 0, withheldLocal: 9, withheldRemote: 0 })
  })

  it('tells the participant no other server', async () => {
    const iceServers = [new ICEServer({ urls: ['turn:203.0.113.9'] })]
    const join = await hear({
      case: 'join',
      value: new JoinResponse({ iceServers, alternativeUrl: 'wss://elsewhere.example', serverVersion: '1.13.5' }),
    })
    expect(join?.value).toMatchObject({ iceServers: [], alternativeUrl: '', serverVersion: '1.13.5' })
    const reconnect = await hear({ case: 'reconnect', value: new ReconnectResponse({ iceServers }) })
    expect(reconnect?.value).toMatchObject({ iceServers: [] })
    const leave = await hear({ case: 'leave', value: new LeaveRequest({ regions: new RegionSettings() }) })
    expect((leave!.value as LeaveRequest).regions).toBeUndefined()
  })

  it('passes nothing that it cannot read', async () => {
    expect(() => rewriteRequest(Uint8Array.from([0xff, 0xff]), counts)).toThrow()
    expect(() => tell({ case: 'trickle', value: new TrickleRequest({ candidateInit: '{' }) })).toThrow()
    await expect(hear({ case: 'trickle', value: new TrickleRequest({ candidateInit: 'candidate' }) })).rejects.toThrow()
  })
})
