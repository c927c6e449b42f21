import type { FastifyInstance } from 'fastify'
import { type WebhookEvent, WebhookReceiver } from 'livekit-server-sdk'
import { apiError } from '../../protocol/errors.ts'
import { permissionOf } from '../media-tokens.ts'
import type { RoomContext } from '../room-context.ts'

/**
 * `POST /api/webhooks/livekit`: the media server tells who came and went. A join that no grant of ours covers is
 * removed (R3, R5, R7); rooms that are not ours are left alone.
 */
export const serveWebhooks = (app: FastifyInstance, context: RoomContext): void => {
  const receiver = new WebhookReceiver(context.media.apiKey, context.media.apiSecret)
  app.register(async (scope) => {
    // The signature covers the exact bytes.
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser('*', { parseAs: 'string' }, (_request, text, done) => done(null, text))
    scope.post('/api/webhooks/livekit', async (request, reply) => {
      const event = await receiver.receive(String(request.body), request.headers.authorization).catch(() => {
        throw apiError('sign-in-needed', 'The webhook is not signed with the key of this server.')
      })
      context.mediaServer.heard()
      await take(context, event)
      return reply.code(204).send()
    })
  })
}

const take = async ({ store, mediaServer, cluster, log }: RoomContext, event: WebhookEvent): Promise<void> => {
  const { room: mediaRoom, participant } = event
  if (!mediaRoom?.name || !participant) return
  // A client that never takes the sound never counts as joined, and could still publish: so tracks are looked at, too.
  if (!['participant_joined', 'track_published', 'participant_left'].includes(event.event)) return
  const row = await store.db
    .selectFrom('room')
    .leftJoin('participant', (join) =>
      join
        .onRef('participant.room_id', '=', 'room.id')
        .on('participant.id', '=', participant.identity)
        .on('participant.left_at', 'is', null),
    )
    .select(['room.id', 'ended_at', 'kind', 'role', 'muted_by_moderator', 'away_at', 'media_server'])
    .where('room.media_name', '=', mediaRoom.name)
    .executeTakeFirst()
  if (!row) return
  if (event.event === 'participant_left') {
    if (row.kind === 'companion') mediaServer.settle(row.id)
    return
  }
  if (!cluster.isHere(row.media_server)) {
    // The room has moved; who comes by an old token finds out where to when asking again.
    await mediaServer.evict(mediaRoom.name, participant.identity, false).catch(() => {})
    return
  }
  if (row.kind === null || row.away_at !== null) {
    log('warn', 'media-join-without-grant', { identity: participant.identity, isEnded: row.ended_at !== null })
    await mediaServer.evict(mediaRoom.name, participant.identity, row.kind === null).catch(() => {})
    return mediaServer.settle(row.id, [participant.identity])
  }
  const wanted = permissionOf({ role: row.role!, mutedByModerator: row.muted_by_moderator! })
  if (participant.permission?.canPublish !== wanted.canPublish) mediaServer.settle(row.id, [participant.identity])
  if (row.kind === 'companion') mediaServer.settle(row.id)
}
