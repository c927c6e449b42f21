import type { Command } from 'commander'
import type { Api } from '../../client/api.ts'
import type { RoomEvent } from '../../protocol/events.ts'
import type { Room } from '../../protocol/rooms.ts'
import { playingWords } from '../../tui/playing.ts'
import type { Context } from '../context.ts'
import { failure } from '../failure.ts'

type RoomsOptions = { search?: string; topic?: string; lang?: string; watch?: boolean; json?: boolean; jsonl?: boolean }

export const addRooms = (program: Command, context: Context): void => {
  program
    .command('rooms')
    .description('the rooms that are live')
    .option('--topic <topic>', 'of this topic')
    .option('--lang <tag>', 'in this language, e.g. de')
    .option('--search <text>', 'in titles, topics and names on stage')
    .option('--watch', 'go on and tell what changes')
    .option('--json', 'one JSON document')
    .option('--jsonl', 'one JSON line a room, and with --watch a change')
    .action((options: RoomsOptions) => listRooms(context, options))
}

const listRooms = async (context: Context, options: RoomsOptions) => {
  if (options.json && options.jsonl)
    throw failure('bad-input', '--json is one document, --jsonl a line a room: take one')
  if (options.watch && options.json) throw failure('bad-input', '--watch has no end: use --jsonl with it, not --json')
  const { allRooms } = await import('../room-argument.ts')
  const api = await context.api()
  const { rooms, eventCursor } = await allRooms(api, {
    search: options.search,
    topic: options.topic,
    language: options.lang,
  })
  if (options.json) return context.output.json({ rooms })
  if (options.jsonl) for (const room of rooms) context.output.event({ type: 'room', room })
  else if (rooms.length > 0)
    context.output.table(
      labels,
      rooms.map((room) => rowOf(context, room)),
    )
  else if (isNarrowed(options)) context.output.note('No live room fits')
  else context.output.note('No room is live. Open one: roomtone room create "Title"')
  if (options.watch) await watchRooms(context, api, { ...options, rooms, cursor: eventCursor })
}

const labels = ['id', 'title', 'on stage', 'speakers', 'listeners', 'recording', 'topic', 'language', 'playing']

const rowOf = ({ output }: Context, room: Room): string[] => [
  output.paint('dim', room.id.slice(0, 8)),
  output.paint('bold', room.title),
  room.stage
    .map(({ name }) => name)
    .slice(0, 3)
    .join(', ') + (room.stage.length > 3 ? ` +${room.stage.length - 3}` : ''),
  `${room.counts.speakers} on stage`,
  `${room.counts.listeners} listening`,
  room.isRecorded ? 'recorded' : '',
  room.topic ?? '',
  room.language ?? '',
  room.playing ? playingWords(room.playing, Date.now(), false) : '',
]

type Watch = RoomsOptions & { rooms: Room[]; cursor: string }

const watchRooms = (context: Context, api: Api, watch: Watch): Promise<void> =>
  new Promise((resolve, reject) => {
    const known = new Map(watch.rooms.map((room) => [room.id, room]))
    const end = (work: () => void) => {
      subscription.close()
      work()
    }
    const subscription = api.subscribe({
      cursor: watch.cursor,
      onEvent: (event) => tellChange(context, watch, known, event),
      onStatus: (status, cause) => {
        if (status === 'lost' && isFinal(cause)) end(() => reject(cause))
        else if (status === 'lost') context.output.note('The server does not answer; trying again')
      },
    })
    context.onOutputClosed(() => end(resolve))
    context.onInterrupt(() => end(() => reject(failure('interrupted', 'stopped'))))
  })

const isFinal = (cause: Error | undefined): boolean => (cause as { code?: string })?.code === 'sign-in-needed'

const tellChange = (context: Context, watch: Watch, known: Map<string, Room>, event: RoomEvent) => {
  if (event.type === 'room-ended') {
    const room = known.get(event.roomId)
    known.delete(event.roomId)
    if (watch.jsonl) context.output.event(event)
    else if (room) context.output.line(context.output.isPlain ? `ended: ${room.title}` : `ended   ${room.title}`)
  }
  if (event.type === 'reset' && watch.jsonl) context.output.event(event)
  if (event.type !== 'room') return
  const { room } = event
  if (!fits(room, watch)) return
  if (watch.jsonl) context.output.event(event)
  else if (!known.has(room.id)) context.output.line(openedLine(context, room))
  known.set(room.id, room)
}

const openedLine = (context: Context, room: Room): string =>
  context.output.isPlain ? `opened: ${room.title}` : `opened  ${rowOf(context, room).join('  ')}`

const isNarrowed = ({ search, topic, lang }: RoomsOptions): boolean => [search, topic, lang].some(Boolean)

/** As the server narrows its list. */
const fits = (room: Room, { search, topic, lang }: RoomsOptions): boolean => {
  const has = (text: string | null, part: string) => text?.toLowerCase().includes(part.toLowerCase()) ?? false
  const texts = [room.title, room.topic, ...room.stage.flatMap(({ name, handle }) => [name, `@${handle}`])]
  return (
    (search === undefined || texts.some((text) => has(text, search))) &&
    (topic === undefined || room.topic?.toLowerCase() === topic.toLowerCase()) &&
    (lang === undefined || `${room.language}-`.toLowerCase().startsWith(`${lang}-`.toLowerCase()))
  )
}
