import { isIP } from 'node:net'

/**
 * Session descriptions at the edge of the media server (RFC 8866, RFC 8829). Everything a client sends is parsed here
 * and written anew with only what an audio room needs: Opus, the audio-level header extension, the transport lines.
 * Malformed text throws an Error with code `bad_sdp`.
 */

export type OfferedSection = {
  mid: string
  kind: 'application' | 'audio' | 'video'
  /** True when the client means to send media in this section. */
  sends: boolean
  /** The client's track id (`cid`), where the section names one. */
  cid: string | undefined
  /** Payload type of Opus in this section, 0 when it offers none. */
  payloadType: number
  /** Id of the ssrc-audio-level header extension (RFC 6464), 0 when not offered. */
  levelExtensionId: number
  stereo: boolean
}

export type CleanOffer = { sdp: string; sections: OfferedSection[] }

const AUDIO_LEVEL_URI = 'urn:ietf:params:rtp-hdrext:ssrc-audio-level'
const MAX_SDP_BYTES = 128 * 1024
const MAX_SECTIONS = 256
const SCTP_PORT = 5000
// Where a description does not say (RFC 8841 section 6).
const MAX_DATA_BYTES = 65_536
const TRANSPORT_ATTRIBUTES = ['ice-ufrag', 'ice-pwd', 'ice-options', 'fingerprint', 'setup']

/**
 * Reads a publisher's offer. Audio sections keep Opus alone and become `sendonly`; video and sections without Opus
 * become `inactive`: they are never rejected with port 0, for the first one carries the bundle's transport.
 */
export const cleanPublisherOffer = (text: string): CleanOffer => {
  const { session, media } = parse(text)
  const sections = media.map(readSection)
  if (new Set(sections.map(({ mid }) => mid)).size !== sections.length) throw badSdp('two media sections share one mid')
  if (sections.filter(isData).length > 1) throw badSdp('more than one media section is for data')
  const lines = media.flatMap((section, index) => writeSection(section, sections[index]!))
  return { sdp: join([...sessionLines(session, media, sections), ...lines]), sections }
}

/**
 * Reads a subscriber's answer: the same transport-only rewriting, directions kept. As every offer of ours, it has one
 * section for data: channels that are added to a connection in use can make the media library wait for itself.
 */
export const cleanSubscriberAnswer = (text: string): string => {
  const { session, media } = parse(text)
  const sections = media.map(readSection)
  if (sections.filter(isData).length !== 1) throw badSdp('the answer has not the one media section for data')
  const lines = media.flatMap((section, index) => {
    const read = sections[index]!
    if (isData(read)) return writeData(section, read)
    if (read.kind !== 'audio' || read.payloadType === 0) return section.lines.filter(isSafeLine)
    const receives = has(section, 'recvonly') || has(section, 'sendrecv')
    return writeAudio(section, read, receives ? 'recvonly' : 'inactive')
  })
  return join([...sessionLines(session, media, sections), ...lines])
}

export type AnswerTrack = { mid: string; stereo: boolean; dtx: boolean }

/**
 * Makes our answer to a publisher's cleaned offer: no candidates (they trickle), no msid of the client's own, and per
 * track what tells an Opus sender to send stereo or to pause in silence (`stereo`, `usedtx`: RFC 7587 section 6.1).
 */
export const finishAnswer = (sdp: string, offer: string, tracks: AnswerTrack[]): string => {
  const { session, media } = parse(sdp)
  const inactive = parse(offer).media.flatMap((section) => (has(section, 'inactive') ? [value(section, 'mid:')] : []))
  const lines = media.flatMap((section) => {
    const mid = value(section, 'mid:')
    const track = tracks.find((candidate) => candidate.mid === mid)
    const kept = section.lines
      .filter((line) => !/^a=(candidate|end-of-candidates|msid)/.test(line))
      // The library would go on receiving; a browser takes no such answer (RFC 3264 section 6.1).
      .map((line) => (line === 'a=recvonly' && inactive.includes(mid) ? 'a=inactive' : line))
    return track ? kept.map((line) => (line.startsWith('a=fmtp:') ? withOpusHints(line, track) : line)) : kept
  })
  return join([...session, ...lines])
}

/**
 * Our offer as sent: candidates trickle after the answer, so they are not in it. DTLS begins on our side (`active`, RFC
 * 4145 section 4): the library as DTLS server loses a client's first message that comes before it is ready, which costs
 * the client's second of waiting, or fails over it.
 */
export const finishOffer = (sdp: string): string =>
  join(
    sdp
      .split(/\r?\n/)
      .filter((line) => line !== '' && !/^a=(candidate|end-of-candidates)/.test(line))
      .map((line) => (line === 'a=setup:actpass' ? 'a=setup:active' : line)),
  )

/** Whether an answer that names no offer can be that offer's: it has as many media sections (RFC 3264 section 6). */
export const fits = (answer: string, offer: string): boolean => parse(answer).media.length === parse(offer).media.length

export type CleanCandidate = { candidate: string; mid: string }

/**
 * Reads `TrickleRequest.candidateInit` (JSON of RTCIceCandidateInit). Undefined for end-of-candidates and for what this
 * server cannot use: TCP candidates, host names (mDNS or not: none is looked up), and those of any but the first section.
 */
export const cleanCandidate = (json: string): CleanCandidate | undefined => {
  const init = parseJson(json)
  const candidate = typeof init?.candidate === 'string' ? init.candidate.replace(/^a=/, '') : undefined
  if (candidate === undefined) throw badSdp('a candidate is not an RTCIceCandidateInit')
  if (candidate === '') return undefined
  const fields = candidate.split(' ')
  if (!candidate.startsWith('candidate:') || fields.length < 8 || candidate.length > 512 || /[\r\n]/.test(candidate))
    throw badSdp('a candidate has the wrong form')
  if (fields[2]!.toLowerCase() !== 'udp' || isIP(fields[4]!) === 0) return undefined
  if (typeof init?.sdpMLineIndex === 'number' && init.sdpMLineIndex !== 0) return undefined
  return { candidate, mid: typeof init?.sdpMid === 'string' ? init.sdpMid : '0' }
}

type Section = { kind: string; port: string; proto: string; formats: string[]; lines: string[] }

const parse = (text: string): { session: string[]; media: Section[] } => {
  if (text.length > MAX_SDP_BYTES) throw badSdp('the session description is too long')
  const lines = text.split(/\r?\n/).filter((line) => line !== '')
  if (lines[0] !== 'v=0') throw badSdp('the session description does not begin with v=0')
  if (lines.some((line) => !/^[a-z]=/.test(line))) throw badSdp('a line of the session description has the wrong form')
  const session: string[] = []
  const media: Section[] = []
  for (const line of lines) {
    if (line.startsWith('m=')) media.push(startSection(line))
    else (media.at(-1)?.lines ?? session).push(line)
  }
  if (media.length === 0 || media.length > MAX_SECTIONS)
    throw badSdp('the session description has no media, or too much')
  return { session, media }
}

const startSection = (line: string): Section => {
  const [kind, port, proto, ...formats] = line.slice(2).split(' ')
  if (!kind || !port || !proto || formats.length === 0) throw badSdp('a media line has the wrong form')
  if (!['application', 'audio', 'video'].includes(kind))
    throw badSdp(`media of the kind "${kind.slice(0, 20)}" is not accepted`)
  return { kind, port, proto, formats, lines: [line] }
}

const readSection = (section: Section): OfferedSection => {
  const mid = value(section, 'mid:')
  if (mid === undefined || !/^[\w.\-+]{1,64}$/.test(mid)) throw badSdp('a media section has no usable mid')
  const payloadType = opusPayloadType(section)
  const msid = value(section, 'msid:')?.split(' ') ?? value(section, 'ssrc:\\d+ msid:')?.split(' ')
  const fmtp = value(section, `fmtp:${payloadType} `) ?? ''
  const extension = section.lines.find((line) => line.startsWith('a=extmap:') && line.endsWith(AUDIO_LEVEL_URI))
  return {
    mid,
    kind: section.kind as OfferedSection['kind'],
    sends: section.port !== '0' && !has(section, 'inactive') && !has(section, 'recvonly'),
    cid: msid?.[1] ?? msid?.[0],
    payloadType,
    levelExtensionId: Number(extension?.match(/^a=extmap:(\d+)/)?.[1] ?? 0),
    stereo: /(^|;\s*)(sprop-)?stereo=1/.test(fmtp),
  }
}

const opusPayloadType = (section: Section): number => {
  const line = section.lines.find((candidate) => /^a=rtpmap:\d+ opus\/48000\/2/i.test(candidate))
  const payloadType = Number(line?.match(/^a=rtpmap:(\d+)/)?.[1] ?? 0)
  return payloadType > 0 && payloadType < 128 ? payloadType : 0
}

const writeSection = (section: Section, read: OfferedSection): string[] => {
  if (isData(read)) return writeData(section, read)
  if (read.kind === 'audio' && read.payloadType > 0)
    return writeAudio(section, read, read.sends ? 'sendonly' : 'inactive')
  return [
    ...section.lines
      .filter(isSafeLine)
      .filter((line) => !/^a=(sendrecv|sendonly|recvonly|inactive|ssrc|rid|simulcast)/.test(line)),
    'a=inactive',
  ]
}

const isData = ({ kind }: OfferedSection): boolean => kind === 'application'

/** Data channels (RFC 8841); accepted even where the other side takes them back. */
const writeData = (section: Section, read: OfferedSection): string[] => {
  const number = (name: string, fallback: number): number => {
    const text = value(section, `${name}:`) ?? ''
    return /^\d{1,9}$/.test(text) ? Number(text) : fallback
  }
  return [
    'm=application 9 UDP/DTLS/SCTP webrtc-datachannel',
    'c=IN IP4 0.0.0.0',
    `a=mid:${read.mid}`,
    `a=sctp-port:${Math.min(Math.max(number('sctp-port', SCTP_PORT), 1), 65_535)}`,
    `a=max-message-size:${number('max-message-size', MAX_DATA_BYTES)}`,
  ]
}

const writeAudio = (section: Section, read: OfferedSection, direction: string): string[] => {
  const fmtp = value(section, `fmtp:${read.payloadType} `)
  const sources = section.lines.filter((line) => /^a=ssrc:\d{1,10} cname:/.test(line))
  return [
    `m=audio ${section.port} ${section.proto} ${read.payloadType}`,
    'c=IN IP4 0.0.0.0',
    `a=mid:${read.mid}`,
    `a=${direction}`,
    'a=rtcp-mux',
    ...(read.levelExtensionId > 0 ? [`a=extmap:${read.levelExtensionId} ${AUDIO_LEVEL_URI}`] : []),
    `a=rtpmap:${read.payloadType} opus/48000/2`,
    ...(fmtp ? [`a=fmtp:${read.payloadType} ${fmtp}`] : []),
    ...(direction === 'sendonly' ? sources.slice(0, 2) : []),
  ]
}

/** All sections share one transport, the first one's; libwebrtc offers one for each until the bundle is agreed on. */
const sessionLines = (session: string[], media: Section[], sections: OfferedSection[]): string[] => {
  const first = media[0]!.lines
  const transport = TRANSPORT_ATTRIBUTES.flatMap((name) => {
    const isNamed = (line: string): boolean => line.startsWith(`a=${name}:`)
    const line = first.find(isNamed) ?? session.find(isNamed)
    return line ? [line] : []
  })
  return [
    'v=0',
    'o=- 1 1 IN IP4 0.0.0.0',
    's=-',
    't=0 0',
    `a=group:BUNDLE ${sections.map(({ mid }) => mid).join(' ')}`,
    ...transport,
  ]
}

const isSafeLine = (line: string): boolean =>
  !/^a=(candidate|end-of-candidates|remote-candidates|ice-|fingerprint|setup)/.test(line)

const withOpusHints = (fmtp: string, { stereo, dtx }: AnswerTrack): string => {
  const bare = fmtp.replace(/;?\s*(stereo|sprop-stereo|usedtx)=\d/g, '')
  return `${bare}${stereo ? ';stereo=1' : ''}${dtx ? ';usedtx=1' : ''}`
}

const value = (section: Section, prefix: string): string | undefined => {
  const pattern = new RegExp(`^a=${prefix}(.*)$`)
  for (const line of section.lines) {
    const found = line.match(pattern)?.[1]
    if (found !== undefined) return found.trim()
  }
  return undefined
}

const has = (section: Section, attribute: string): boolean => section.lines.includes(`a=${attribute}`)

const join = (lines: string[]): string => `${lines.join('\r\n')}\r\n`

const parseJson = (json: string): { candidate?: unknown; sdpMid?: unknown; sdpMLineIndex?: unknown } | null => {
  try {
    const parsed: unknown = JSON.parse(json)
    return typeof parsed === 'object' ? parsed : null
  } catch {
    return null
  }
}

const badSdp = (message: string): Error => Object.assign(new Error(message), { code: 'bad_sdp' })
