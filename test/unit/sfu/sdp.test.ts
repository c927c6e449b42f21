import { describe, expect, test } from 'vitest'
import {
  cleanCandidate,
  cleanPublisherOffer,
  cleanSubscriberAnswer,
  finishAnswer,
  finishOffer,
} from '../../../src/sfu/sdp.ts'

const offerOf = (...media: string[][]): string =>
  ['v=0', 'o=- 1 2 IN IP4 127.0.0.1', 's=-', 't=0 0', 'a=extmap-allow-mixed', ...media.flat()]
    .map((line) => `${line}\r\n`)
    .join('')

const transport = (ufrag: string): string[] => [
  `a=ice-ufrag:${ufrag}`,
  'a=ice-pwd:secretsecretsecret',
  'a=fingerprint:sha-256 AA',
  'a=setup:actpass',
]
const audio = (mid: string, direction = 'sendonly'): string[] => [
  'm=audio 9 UDP/TLS/RTP/SAVPF 111 63 0',
  ...transport(`u${mid}`),
  `a=mid:${mid}`,
  `a=${direction}`,
  'a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level',
  'a=extmap:2 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01',
  `a=msid:stream track-${mid}`,
  'a=rtpmap:111 opus/48000/2',
  'a=rtcp-fb:111 transport-cc',
  'a=fmtp:111 minptime=10;useinbandfec=1;sprop-stereo=1',
  'a=rtpmap:63 red/48000/2',
  'a=ssrc:1234 cname:x',
]
const data = (mid: string, port = 9): string[] => [
  `m=application ${port} DTLS/SCTP 5000`,
  ...transport(`u${mid}`),
  `a=mid:${mid}`,
  'a=sctpmap:5000 webrtc-datachannel 256',
  'a=max-message-size:262144',
]
const video = [
  'm=video 9 UDP/TLS/RTP/SAVPF 96',
  ...transport('v'),
  'a=mid:v',
  'a=sendonly',
  'a=rtpmap:96 VP8/90000',
  'a=ssrc:77 cname:x',
]

describe('a publisher offer', () => {
  test('is reduced to Opus and the audio level, on the transport of its first section', () => {
    const { sdp, sections } = cleanPublisherOffer(offerOf(audio('0'), audio('1', 'sendrecv'), audio('2', 'recvonly')))
    expect(
      sections.map(({ mid, sends, cid, payloadType, levelExtensionId, stereo }) => [
        mid,
        sends,
        cid,
        payloadType,
        levelExtensionId,
        stereo,
      ]),
    ).toEqual([
      ['0', true, 'track-0', 111, 1, true],
      ['1', true, 'track-1', 111, 1, true],
      ['2', false, 'track-2', 111, 1, true],
    ])
    expect(sdp).not.toMatch(/transport|red\/|u1|u2/)
    expect(sdp.match(/a=ice-ufrag:/g)).toHaveLength(1)
    expect(sdp.match(/a=sendonly/g)).toHaveLength(2)
    expect(sdp.match(/a=inactive/g)).toHaveLength(1)
  })

  test('makes video inactive without rejecting the section', () => {
    const { sdp, sections } = cleanPublisherOffer(offerOf(video, audio('1')))
    expect(sections[0]).toMatchObject({ kind: 'video', payloadType: 0 })
    expect(sdp).toMatch(/m=video 9 .*?a=inactive\r\nm=audio/s)
    expect(sdp).not.toMatch(/a=ssrc:77/)
  })

  test.each([
    ['nothing', ''],
    ['no media', offerOf()],
    ['a section without mid', offerOf(['m=audio 9 UDP/TLS/RTP/SAVPF 111'])],
    ['a media line cut short', offerOf(['m=audio 9'])],
    ['an unknown kind', offerOf(['m=text 9 RTP/AVP 98', 'a=mid:0'])],
    ['two sections of one mid', offerOf(audio('0'), audio('0'))],
    ['two sections for data', offerOf(data('0'), data('1'))],
    ['a line of no form', `${offerOf(audio('0'))}hello\r\n`],
    ['far too much', offerOf(audio('0')) + 'a=x\r\n'.repeat(40_000)],
  ])('with %s is refused by its code', (_what, sdp) => {
    expect(() => cleanPublisherOffer(sdp)).toThrow(expect.objectContaining({ code: 'bad_sdp' }))
  })
})

test('an answer keeps what is received and nothing else', () => {
  const sdp = cleanSubscriberAnswer(offerOf(data('0'), audio('a1', 'recvonly'), audio('a2', 'inactive')))
  expect(sdp.match(/a=(recvonly|inactive)/g)).toEqual(['a=recvonly', 'a=inactive'])
})

test('data channels are taken in one form, also from who takes them back', () => {
  const section = [
    'm=application 9 UDP/DTLS/SCTP webrtc-datachannel',
    'c=IN IP4 0.0.0.0',
    'a=mid:0',
    'a=sctp-port:5000',
    'a=max-message-size:262144',
  ].join('\r\n')
  expect(cleanPublisherOffer(offerOf(data('0'), audio('1'))).sdp).toContain(section)
  expect(cleanSubscriberAnswer(offerOf(data('0', 0)))).toContain(section)
})

test('an answer without data channels is refused: they could only come later', () => {
  const refused = expect.objectContaining({ code: 'bad_sdp' })
  expect(() => cleanSubscriberAnswer(offerOf(audio('a1', 'recvonly')))).toThrow(refused)
})

test('our answer says stereo and DTX per track, and no candidate', () => {
  const answer = offerOf([...audio('0'), 'a=candidate:1 1 UDP 1 127.0.0.1 9 typ host'], audio('1'))
  const sdp = finishAnswer(answer, offerOf(audio('0'), audio('1')), [
    { mid: '0', stereo: true, dtx: false },
    { mid: '1', stereo: false, dtx: true },
  ])
  expect(sdp.match(/a=fmtp:111 .*/g)).toEqual([
    'a=fmtp:111 minptime=10;useinbandfec=1;stereo=1',
    'a=fmtp:111 minptime=10;useinbandfec=1;usedtx=1',
  ])
  expect(sdp).not.toMatch(/candidate|msid/)
})

test('our answer takes nothing from a section that has become inactive', () => {
  const answer = offerOf(audio('0', 'recvonly'), audio('1', 'recvonly'))
  const sdp = finishAnswer(answer, offerOf(audio('0', 'inactive'), audio('1')), [])
  expect(sdp.match(/a=(mid:.|recvonly|inactive)/g)).toEqual(['a=mid:0', 'a=inactive', 'a=mid:1', 'a=recvonly'])
})

describe('a candidate', () => {
  const json = (candidate: string, more = {}): string =>
    JSON.stringify({ candidate, sdpMid: '0', sdpMLineIndex: 0, ...more })
  const udp = 'candidate:1 1 udp 2122 127.0.0.1 5000 typ host'

  test('is taken over UDP, for the first section', () => {
    expect(cleanCandidate(json(udp))).toEqual({ candidate: udp, mid: '0' })
    expect(cleanCandidate(json(`a=${udp}`))).toEqual({ candidate: udp, mid: '0' })
  })

  test('is passed over when it cannot be used', () => {
    expect(cleanCandidate(json(''))).toBeUndefined()
    expect(cleanCandidate(json(udp.replace('udp', 'tcp')))).toBeUndefined()
    expect(cleanCandidate(json(udp.replace('127.0.0.1', 'x.local')))).toBeUndefined()
    expect(cleanCandidate(json(udp, { sdpMLineIndex: 3 }))).toBeUndefined()
  })

  test.each(['', '{', 'null', '[]', '{"candidate":5}', json('candidate:1'), json(`${udp}\r\na=x`)])(
    '%j is refused',
    (text) => {
      expect(() => cleanCandidate(text)).toThrow(expect.objectContaining({ code: 'bad_sdp' }))
    },
  )
})

test('our offer begins DTLS itself, and leaves the candidates to come later', () => {
  const [session, ...rest] = finishOffer(offerOf([...audio('0'), 'a=candidate:1 1 UDP 1 127.0.0.1 9 typ host'])).split(
    'm=',
  )
  expect(session).not.toContain('setup')
  expect(rest.join()).toContain('a=setup:active\r\n')
  expect(rest.join()).not.toMatch(/actpass|candidate/)
})
