import type { FastifyInstance } from 'fastify'
import type { Room } from '../../protocol/rooms.ts'
import type { RoomContext } from '../room-context.ts'
import { viewOf } from '../room-store.ts'

const uuid = /^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/i

/** `/r/ID`: what a room's link shows in a browser. */
export const serveLinkPage = (app: FastifyInstance, { store, publicUrl }: RoomContext): void => {
  app.get<{ Params: { id: string } }>('/r/:id', async (request, reply) => {
    const { id } = request.params
    const row = uuid.test(id)
      ? await store.db.selectFrom('room').select(['id', 'view_json']).where('id', '=', id).executeTakeFirst()
      : undefined
    reply
      .type('text/html; charset=utf-8')
      .header('content-security-policy', "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")
      .header('x-content-type-options', 'nosniff')
      .header('referrer-policy', 'no-referrer')
      .header('cache-control', 'no-store')
    if (!row) return reply.code(404).send(page('No such room', '<p>There is no room at this address.</p>'))
    const room = viewOf(row, publicUrl())
    return reply.code(room.endedAt ? 410 : 200).send(page(room.title, room.endedAt ? ended(room) : live(room)))
  })
}

const live = (room: Room) => `<p>hosted by ${escapeHtml(room.host.name)} (@${escapeHtml(room.host.handle)})</p>
<ul>${room.stage.map(({ name, role }) => `<li>${escapeHtml(name)}${role === 'moderator' ? ' (moderator)' : ''}</li>`).join('')}</ul>
<p>${count(room.counts.speakers, 'speaker')}, ${count(room.counts.listeners, 'listener')}${room.isRecorded ? ', being recorded' : ''}</p>
<p>Join in your terminal:</p>
<pre>roomtone join ${escapeHtml(room.link)}</pre>`

const ended = (room: Room) => `<p>This room, hosted by ${escapeHtml(room.host.name)}, has ended.</p>`

const count = (many: number, what: string) => `${many} ${what}${many === 1 ? '' : 's'}`

const page = (title: string, body: string) => `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${escapeHtml(title)} · roomtone</title>
<style>body{font:1.1rem/1.5 system-ui,sans-serif;max-width:40rem;margin:3rem auto;padding:0 1rem;color-scheme:light dark}pre{white-space:pre-wrap;word-break:break-all}</style>
<h1>${escapeHtml(title)}</h1>
${body}
</html>
`

const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }
const escapeHtml = (text: string) => text.replace(/[&<>"']/g, (character) => entities[character]!)
