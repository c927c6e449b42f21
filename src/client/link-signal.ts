import { type SessionDescription, SignalRequest, SignalResponse } from '@livekit/protocol'
import type { Address } from './link-relay.ts'

export type SignalCounts = {
  /** Candidates of the media server that lead through the link now. */
  mapped: number
  /** Candidates that the other side was not told: the participant's own, and TCP or hidden ones of the media server. */
  withheldLocal: number
  withheldRemote: number
}

/** The port of the link that stands for an address of the media server. */
type PortFor = (target: Address) => Promise<number>

/**
 * What a participant tells its media server, without any address of its own: the server learns only the link's, from
 * the connectivity checks that come through it. Undefined is told to nobody.
 */
export const rewriteRequest = (bytes: Uint8Array, counts: SignalCounts): Uint8Array | undefined => {
  const request = SignalRequest.fromBinary(bytes)
  const { message } = request
  if (message.case === 'offer' || message.case === 'answer') withhold(message.value, counts)
  // Who resumes tells once more what was agreed on.
  if (message.case === 'syncState') {
    withhold(message.value.offer, counts)
    withhold(message.value.answer, counts)
  }
  if (message.case === 'trickle' && candidateOf(message.value.candidateInit) !== '') {
    counts.withheldLocal += 1
    return undefined
  }
  return request.toBinary()
}

const withhold = (description: SessionDescription | undefined, counts: SignalCounts): void => {
  if (!description) return
  const lines = linesOf(description.sdp)
  const kept = lines.filter((line) => !line.startsWith('a=candidate:'))
  counts.withheldLocal += lines.length - kept.length
  description.sdp = kept.join('\r\n')
}

/**
 * What a media server tells its participant, with its UDP candidates leading through the link and no other way out: no
 * TCP candidate, no TURN or STUN server, no other URL to try.
 */
export const rewriteResponse = async (
  bytes: Uint8Array,
  { address, portFor, counts }: { address: string; portFor: PortFor; counts: SignalCounts },
): Promise<Uint8Array | undefined> => {
  const response = SignalResponse.fromBinary(bytes)
  const { message } = response
  const map = (candidate: string): Promise<string | undefined> => mapCandidate(candidate, address, portFor, counts)
  if (message.case === 'join') {
    message.value.iceServers = []
    message.value.alternativeUrl = ''
  }
  if (message.case === 'reconnect') message.value.iceServers = []
  if (message.case === 'leave') message.value.regions = undefined
  if (message.case === 'offer' || message.case === 'answer') {
    const mapped = await Promise.all(
      linesOf(message.value.sdp).map(async (line) => {
        if (!line.startsWith('a=candidate:')) return line
        const candidate = await map(line.slice(2))
        return candidate && `a=${candidate}`
      }),
    )
    message.value.sdp = mapped.filter((line) => line !== undefined).join('\r\n')
  }
  if (message.case === 'trickle') {
    const candidate = candidateOf(message.value.candidateInit)
    const mapped = candidate && (await map(candidate))
    if (mapped === undefined) return undefined
    message.value.candidateInit = JSON.stringify({ ...JSON.parse(message.value.candidateInit), candidate: mapped })
  }
  return response.toBinary()
}

const linesOf = (sdp: string): string[] => sdp.split(/\r?\n/)

/** Of an RTCIceCandidateInit as JSON; empty for the end of candidates. */
const candidateOf = (candidateInit: string): string => {
  const { candidate } = JSON.parse(candidateInit) as { candidate?: unknown }
  return typeof candidate === 'string' ? candidate.replace(/^a=/, '') : ''
}

/** RFC 8839, section 5.1: foundation, component, transport, priority, address, port, "typ", type, and more. */
const mapCandidate = async (
  candidate: string,
  address: string,
  portFor: PortFor,
  counts: SignalCounts,
): Promise<string | undefined> => {
  const [foundation, component, transport, priority, target, port] = candidate.split(' ')
  if (!target || transport?.toLowerCase() !== 'udp' || target.endsWith('.local')) {
    counts.withheldRemote += 1
    return undefined
  }
  counts.mapped += 1
  const own = await portFor({ address: target, port: Number(port) })
  return `${foundation} ${component} udp ${priority} ${address} ${own} typ host`
}
