import { TrackSource } from '@livekit/protocol'
import { AccessToken, type VideoGrant } from 'livekit-server-sdk'
import { expect, test } from 'vitest'
import { createTokenDoor } from '../../../src/sfu/tokens.ts'

const SECRET = 'a secret of at least thirty-two characters'
const door = createTokenDoor('key', SECRET)
const jwt = (grant: VideoGrant, options: { ttl?: number; secret?: string; key?: string } = {}): Promise<string> => {
  const token = new AccessToken(options.key ?? 'key', options.secret ?? SECRET, {
    identity: 'me',
    name: 'Me',
    metadata: 'm',
    attributes: { a: 'b' },
    ttl: options.ttl,
  })
  token.addGrant(grant)
  return token.toJwt()
}

test('a token says who joins which room with which rights', async () => {
  const token = await jwt({
    roomJoin: true,
    room: 'r',
    canSubscribe: false,
    canPublishSources: [TrackSource.MICROPHONE],
    hidden: true,
  })
  expect(await door.join(token)).toMatchObject({
    identity: 'me',
    name: 'Me',
    metadata: 'm',
    attributes: { a: 'b' },
    room: 'r',
    permission: {
      canPublish: true,
      canSubscribe: false,
      canPublishData: false,
      canPublishSources: [TrackSource.MICROPHONE],
      hidden: true,
    },
  })
})

test.each([
  [
    'of another secret',
    () => jwt({ roomJoin: true, room: 'r' }, { secret: 'another secret of thirty-two characters' }),
    /not valid/,
  ],
  ['of another key', () => jwt({ roomJoin: true, room: 'r' }, { key: 'other' }), /not valid/],
  ['that has expired', () => jwt({ roomJoin: true, room: 'r' }, { ttl: -60 }), /expired/],
  ['without a room', () => jwt({ roomJoin: true }), /joining/],
  ['for administration only', () => jwt({ roomAdmin: true, room: 'r' }), /joining/],
  ['that is empty', async () => '', /no access token/],
  ['that is unsigned', async () => `${btoa('{"alg":"none"}')}.${btoa('{"iss":"key"}')}.`, /not valid/],
  ['that is far too long', async () => 'x'.repeat(20_000), /too long/],
])('a token %s is refused in one sentence', async (_what, token, sentence) => {
  await expect(door.join(await token())).rejects.toMatchObject({
    code: 'unauthorized',
    message: expect.stringMatching(sentence),
  })
})
