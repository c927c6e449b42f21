import { ListRoomsRequest, ListRoomsResponse } from '@livekit/protocol'
import { AccessToken, LiveKitAPI, RoomServiceClient, type TwirpError, type VideoGrant } from 'livekit-server-sdk'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eventually } from '../../support/eventually.ts'
import { noLivekit, startLivekitServer } from '../../support/livekit-server.ts'
import {
  API_KEY,
  API_SECRET,
  buildMediaServer,
  startTestMediaServer,
  type TestMediaServer,
} from '../../support/media-server.ts'
import { joinRtcNode, type RtcNodePeer } from '../../support/rtc-node.ts'

/** A server under test, whichever. */
type Plane = { url: string; httpUrl: string }

/** Every call of the RoomService as livekit-server-sdk makes it, in one order, with what came of it. */
const transcript = async ({ url, httpUrl }: Plane): Promise<Record<string, unknown>> => {
  const answers: Record<string, unknown> = {}
  const rooms = new RoomServiceClient(httpUrl, API_KEY, API_SECRET)
  const peers: RtcNodePeer[] = []
  const note = async (step: string, call: () => Promise<unknown>) => {
    const answer = await call().then(
      (value) => tidy(value),
      ({ status, code }: TwirpError) => ({ status, code }),
    )
    answers[step] = answer
  }
  const post = (method: string, body: unknown, token: string, type = 'application/json') =>
    fetch(`${httpUrl}/twirp/livekit.${method}`, {
      method: 'POST',
      headers: { 'content-type': type, authorization: `Bearer ${token}` },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    }).then(async (answer) => {
      const text = await answer.text()
      return { status: answer.status, code: text.startsWith('{') ? (JSON.parse(text).code ?? 'none') : 'plain' }
    })
  const tokenFor = (grant: VideoGrant, secret = API_SECRET) => {
    const token = new AccessToken(API_KEY, secret, { ttl: 60 })
    token.addGrant(grant)
    return token.toJwt()
  }
  const join = async (identity: string, grant: VideoGrant = {}) => {
    const token = new AccessToken(API_KEY, API_SECRET, { identity, name: identity.toUpperCase(), metadata: 'm' })
    token.addGrant({ roomJoin: true, room: 'parity', ...grant })
    const peer = await joinRtcNode(url, await token.toJwt())
    peers.push(peer)
    return peer
  }

  try {
    const options = { name: 'parity', emptyTimeout: 100, departureTimeout: 30, maxParticipants: 5, metadata: 'first' }
    await note('CreateRoom', () => rooms.createRoom(options))
    await note('CreateRoom again, other settings', () => rooms.createRoom({ name: 'parity', metadata: 'second' }))
    await note('CreateRoom without a name', () => rooms.createRoom({ name: '' }))
    await note('CreateRoom with a long name', () => rooms.createRoom({ name: 'x'.repeat(300) }))
    await note('ListRooms', async () => (await rooms.listRooms()).filter(({ name }) => name !== ''))
    await note('ListRooms by name', () => rooms.listRooms(['parity', 'nobody']))
    await note('ListRooms by unknown name', () => rooms.listRooms(['nobody']))
    await note('ListParticipants of an empty room', () => rooms.listParticipants('parity'))
    await note('ListParticipants of no room', () => rooms.listParticipants('nobody'))
    await note('GetParticipant of no room', () => rooms.getParticipant('nobody', 'who'))
    await note('GetParticipant who is not there', () => rooms.getParticipant('parity', 'who'))
    await note('RemoveParticipant of no room', () => rooms.removeParticipant('nobody', 'who'))
    await note('RemoveParticipant who is not there', () => rooms.removeParticipant('parity', 'who'))
    await note('MutePublishedTrack of no room', () => rooms.mutePublishedTrack('nobody', 'who', 'TR_x', true))
    await note('MutePublishedTrack who is not there', () => rooms.mutePublishedTrack('parity', 'who', 'TR_x', true))
    await note('UpdateParticipant who is not there', () => rooms.updateParticipant('parity', 'who', { name: 'x' }))
    await note('UpdateSubscriptions who is not there', () => rooms.updateSubscriptions('parity', 'who', [], true))
    await note('UpdateRoomMetadata of no room', () => rooms.updateRoomMetadata('nobody', 'x'))
    await note('DeleteRoom of no room', () => rooms.deleteRoom('nobody'))

    const ana = await join('ana')
    const omar = await join('omar', { canPublish: false })
    await join('hidden', { hidden: true, canPublish: false })
    const { sid } = await ana.publishTone(440)
    await eventually(() => omar.heardHz('ana'), { withinMs: 10_000, what: 'omar hears ana' })
    // The list of a livekit-server follows what happens with a delay.
    const known = async () => {
      const [room] = await rooms.listRooms(['parity'])
      const people = await rooms.listParticipants('parity')
      const active = people.filter(({ state }) => state === 2)
      if (active.length === 3 && room?.numParticipants === 3 && room.numPublishers === 1) return true
      throw new Error(JSON.stringify([room, people]))
    }
    await eventually(known, { withinMs: 15_000, what: 'all three are listed and counted', everyMs: 200 })
    await note('ListRooms with people', () => rooms.listRooms(['parity']))
    await note('ListRooms in protobuf', async () => {
      const answer = await fetch(`${httpUrl}/twirp/livekit.RoomService/ListRooms`, {
        method: 'POST',
        headers: {
          'content-type': 'application/protobuf',
          authorization: `Bearer ${await tokenFor({ roomList: true })}`,
        },
        body: new ListRoomsRequest({ names: ['parity'] }).toBinary(),
      })
      const bytes = new Uint8Array(await answer.arrayBuffer())
      return [answer.headers.get('content-type'), ListRoomsResponse.fromBinary(bytes)]
    })
    const people = (await rooms.listParticipants('parity')).sort((a, b) => a.identity.localeCompare(b.identity))
    await note('ListParticipants', async () => people)
    await note('GetParticipant', () => rooms.getParticipant('parity', 'ana'))
    await note('UpdateRoomMetadata', () => rooms.updateRoomMetadata('parity', 'third'))
    await note('UpdateRoomMetadata to nothing', () => rooms.updateRoomMetadata('parity', ''))
    await note('UpdateRoomMetadata too long', () => rooms.updateRoomMetadata('parity', 'x'.repeat(70_000)))

    await note('MutePublishedTrack', () => rooms.mutePublishedTrack('parity', 'ana', sid, true))
    await note('MutePublishedTrack again', () => rooms.mutePublishedTrack('parity', 'ana', sid, true))
    await note('MutePublishedTrack: unmute', () => rooms.mutePublishedTrack('parity', 'ana', sid, false))
    await ana.setMuted(false)
    // Who speaks is told beside it, before or after.
    await eventually(() => omar.events.includes('unmuted ana') || told(omar), { withinMs: 10_000, what: 'ana unmutes' })
    await note('MutePublishedTrack: unmute what is open', () => rooms.mutePublishedTrack('parity', 'ana', sid, false))
    await note('MutePublishedTrack of another', () => rooms.mutePublishedTrack('parity', 'omar', sid, true))
    await note('MutePublishedTrack that is none', () => rooms.mutePublishedTrack('parity', 'ana', 'TR_none', true))

    const attributes = { mood: 'calm', colour: 'blue' }
    await note('UpdateParticipant', () =>
      rooms.updateParticipant('parity', 'omar', { metadata: 'n', name: 'Omar', attributes }),
    )
    await note('UpdateParticipant: an attribute deleted', () =>
      rooms.updateParticipant('parity', 'omar', { attributes: { mood: '' } }),
    )
    await note('UpdateParticipant: nothing', () => rooms.updateParticipant('parity', 'omar', {}))
    await note('UpdateParticipant: rights', () =>
      rooms.updateParticipant('parity', 'omar', { permission: { canPublish: true, canSubscribe: true } }),
    )
    await note('UpdateParticipant: a long name', () =>
      rooms.updateParticipant('parity', 'omar', { name: 'x'.repeat(300) }),
    )
    await note('UpdateParticipant: much metadata', () =>
      rooms.updateParticipant('parity', 'omar', { metadata: 'x'.repeat(70_000) }),
    )
    await note('UpdateParticipant: many attributes', () =>
      rooms.updateParticipant('parity', 'omar', { attributes: { a: 'x'.repeat(70_000) } }),
    )

    await note('UpdateSubscriptions: off', () => rooms.updateSubscriptions('parity', 'omar', [sid], false))
    await eventually(() => !omar.heardHz('ana'), { withinMs: 5000, what: 'omar hears ana no more' })
    await note('UpdateSubscriptions: on', () => rooms.updateSubscriptions('parity', 'omar', [sid], true))
    await eventually(() => omar.heardHz('ana'), { withinMs: 10_000, what: 'omar hears ana again' })
    await note('UpdateSubscriptions of unknown tracks', () =>
      rooms.updateSubscriptions('parity', 'omar', ['TR_none'], true),
    )

    const [admin, other] = [
      { roomAdmin: true, room: 'parity' },
      { roomAdmin: true, room: 'other' },
    ]
    const person = { room: 'parity', identity: 'ana' }
    for (const [step, method, body, grant] of [
      ['CreateRoom without the grant', 'CreateRoom', { name: 'x' }, { roomList: true }],
      ['ListRooms without the grant', 'ListRooms', {}, { roomCreate: true }],
      ['DeleteRoom without the grant', 'DeleteRoom', { room: 'parity' }, admin],
      ['ListParticipants without the grant', 'ListParticipants', { room: 'parity' }, { roomList: true }],
      ['ListParticipants for another room', 'ListParticipants', { room: 'parity' }, other],
      ['GetParticipant for another room', 'GetParticipant', person, other],
      ['RemoveParticipant for another room', 'RemoveParticipant', person, other],
      ['MutePublishedTrack for another room', 'MutePublishedTrack', { ...person, trackSid: sid, muted: true }, other],
      ['UpdateParticipant for another room', 'UpdateParticipant', { ...person, name: 'x' }, other],
      ['UpdateSubscriptions for another room', 'UpdateSubscriptions', person, other],
      ['UpdateRoomMetadata for another room', 'UpdateRoomMetadata', { room: 'parity', metadata: 'x' }, other],
    ] as const)
      await note(step, async () => post(`RoomService/${method}`, body, await tokenFor(grant)))
    const right = await tokenFor({ roomList: true })
    await note('a token of another secret', async () =>
      post('RoomService/ListRooms', {}, await tokenFor({ roomList: true }, 'another secret of thirty-two characters')),
    )
    await note('a token that is none', () => post('RoomService/ListRooms', {}, 'nonsense'))
    await note('no token', () => post('RoomService/ListRooms', {}, ''))
    await note('a body that is no JSON', () => post('RoomService/ListRooms', '{', right))
    await note('a field of the wrong type', () => post('RoomService/ListRooms', { names: 7 }, right))
    await note('an unknown field', () => post('RoomService/ListRooms', { nonsense: 7 }, right))
    await note('an unknown method', () => post('RoomService/Nonsense', {}, right))
    await note('an unknown service', () => post('Nonsense/ListRooms', {}, right))
    await note('a body of another kind', () => post('RoomService/ListRooms', '{}', right, 'text/plain'))

    await note('RemoveParticipant', () => rooms.removeParticipant('parity', 'omar'))
    await note('DeleteRoom', () => rooms.deleteRoom('parity'))
    const gone = async () => (await rooms.listRooms(['parity'])).length === 0
    await eventually(gone, { withinMs: 10_000, what: 'the room is gone' })
    return answers
  } finally {
    for (const peer of peers) await peer.close()
  }
}

const told = ({ events }: RtcNodePeer): never => {
  throw new Error(`told: ${events.join('; ')}`)
}

// Random, of the clock, or of what only one of the two has: video codecs, TURN, data, one's own capabilities.
const APART = new Set(
  [
    ['sid', 'mid', 'cid', 'version', 'creationTime', 'creationTimeMs', 'joinedAt', 'joinedAtMs', 'turnPassword'],
    ['enabledCodecs', 'canPublishData', 'clientProtocol', 'capabilities', 'backupCodecPolicy'],
    // Ours says stereo when the offer does, and publisher of those who publish: livekit-server, of those who could.
    ['stereo', 'isPublisher', 'videoLayerMode', 'sdpCid'],
  ].flat(),
)

const tidy = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value ?? null), (key, one) => (APART.has(key) ? undefined : one))

const named = (code: string, status: number) => ({ status, code })
const [notFound, unauthenticated] = [named('not_found', 404), named('unauthenticated', 401)]

/** Where ours is meant to differ, and what livekit-server 1.13.5 says there. */
const DIFFERENT: Record<string, [ours: unknown, real: unknown]> = {
  // It makes a room whose name is "".
  'CreateRoom without a name': [named('invalid_argument', 400), expect.objectContaining({ name: '' })],
  // It finds nobody to ask and waits for one.
  'MutePublishedTrack of no room': [notFound, named('unavailable', 503)],
  'MutePublishedTrack who is not there': [notFound, named('unavailable', 503)],
  'UpdateSubscriptions who is not there': [notFound, named('unavailable', 503)],
  // It answers in plain text; the SDK reads the status of both.
  'a token of another secret': [unauthenticated, named('plain', 401)],
  'a token that is none': [unauthenticated, named('plain', 401)],
  'no token': [unauthenticated, named('plain', 401)],
  'an unknown service': [named('bad_route', 404), named('plain', 404)],
}

describe('the RoomService as livekit-server-sdk calls it', () => {
  let server: TestMediaServer
  let ours: Record<string, unknown>
  beforeAll(async () => {
    server = await startTestMediaServer({ entry: buildMediaServer() })
    ours = await transcript(server)
  })
  afterAll(() => server?.close())

  test('answers every audio method', () => {
    const refused = (step: string) => ours[step] as { status: number; code: string }
    expect(ours['ListRooms with people']).toMatchObject([{ name: 'parity', numParticipants: 3, numPublishers: 1 }])
    expect(ours.GetParticipant).toMatchObject({ identity: 'ana', name: 'ANA', state: 'ACTIVE' })
    expect(ours.MutePublishedTrack).toMatchObject({ muted: true })
    expect(ours['UpdateParticipant: rights']).toMatchObject({ permission: { canPublish: true } })
    expect(refused('GetParticipant who is not there')).toEqual(notFound)
    expect(refused('ListRooms without the grant')).toEqual(unauthenticated)
    for (const [step, [expected]] of Object.entries(DIFFERENT)) expect([step, ours[step]]).toEqual([step, expected])
  })

  test.skipIf(noLivekit)(`as livekit-server does${noLivekit ? ` (skipped: ${noLivekit})` : ''}`, async () => {
    const livekit = await startLivekitServer({ apiKey: API_KEY, apiSecret: API_SECRET })
    try {
      const real = await transcript(livekit)
      for (const [step, [, expected]] of Object.entries(DIFFERENT)) expect([step, real[step]]).toEqual([step, expected])
      const alike = (answers: Record<string, unknown>) =>
        Object.fromEntries(Object.entries(answers).filter(([step]) => !(step in DIFFERENT)))
      expect(alike(ours)).toEqual(alike(real))
    } finally {
      await livekit.close()
    }
  })

  const leftOut: [string, (api: LiveKitAPI) => Promise<unknown>, string][] = [
    ['sendData', ({ room }) => room.sendData('parity', new Uint8Array(1), 0, {}), 'data is not relayed'],
    ['forwardParticipant', ({ room }) => room.forwardParticipant('a', 'ana', 'b'), 'a participant stays in its room'],
    ['moveParticipant', ({ room }) => room.moveParticipant('a', 'ana', 'b'), 'a participant stays in its room'],
    ['listEgress', ({ egress }) => egress.listEgress(), 'there is no egress'],
    ['stopEgress', ({ egress }) => egress.stopEgress('EG_x'), 'there is no egress'],
    ['listIngress', ({ ingress }) => ingress.listIngress(), 'there is no ingress'],
    ['listSipInboundTrunk', ({ sip }) => sip.listSipInboundTrunk(), 'there is no SIP'],
    ['createSipParticipant', ({ sip }) => sip.createSipParticipant('ST_x', '+49301', 'a'), 'there is no SIP'],
    ['createDispatch', ({ agentDispatch }) => agentDispatch.createDispatch('a', 'helper'), 'there are no agents'],
    [
      'disconnectWhatsAppCall',
      ({ connector }) => connector.disconnectWhatsAppCall('x', 'y'),
      'there are no connectors',
    ],
  ]
  test.each(leftOut)('says that it does not implement %s, and why', async (_name, call, why) => {
    const api = new LiveKitAPI({ host: server.httpUrl, apiKey: API_KEY, secret: API_SECRET })
    const said = await call(api).then(
      () => 'it was answered',
      ({ status, code, message }: TwirpError) => ({ status, code, message }),
    )
    const message = expect.stringContaining(`this media server carries audio between participants only: ${why}`)
    expect(said).toEqual({ status: 501, code: 'unimplemented', message })
  })
})
