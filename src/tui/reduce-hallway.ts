import type { HallwayEvent } from '../protocol/events.ts'
import type { Room } from '../protocol/rooms.ts'
import type { ActionId } from './keys.ts'
import { type Effect, type Hallway, type HallwayRow, type Happening, type Model, type Step, step } from './model.ts'
import { goOffline } from './reduce-sign-in.ts'

type HallwayHappening = Extract<Happening, { type: 'rooms' | 'rooms-failed' | 'hallway' | 'hallway-status' | 'events' }>

/** Rows keep their place while you read: new rooms come last with a mark, ended ones stay until you move. */
export const reduceHallway = (model: Model, happening: HallwayHappening): Step => {
  switch (happening.type) {
    case 'rooms':
      return takeRooms(model, happening)
    case 'rooms-failed':
      return roomsFailed(model, happening)
    case 'hallway':
      if (happening.event.type === 'reset') return step(model, loadRooms(model.hallway))
      // What concerns a scheduled session is told elsewhere.
      if ('eventId' in happening.event) return step(model)
      return step(hallway(model, takeEvent(model.hallway, happening.event)))
    case 'events':
      return step(hallway(model, { events: happening.events }))
    case 'hallway-status':
      return step(hallway(model, { status: happening.status, cause: happening.cause ?? null }))
  }
}

export const reduceHallwayKey = (model: Model, action: ActionId | undefined): Step => {
  switch (action) {
    case 'up':
      return move(model, -1)
    case 'down':
      return move(model, 1)
    case 'page-up':
      return move(model, -10)
    case 'page-down':
      return move(model, 10)
    case 'first':
      return move(model, -model.hallway.rows.length)
    case 'last':
      return move(model, model.hallway.rows.length)
    case 'rename':
      return step(prompt(model, 'name', 'Your name', model.account?.name ?? '', 40))
    case 'join':
      return join(model)
    case 'search':
      return step(prompt(model, 'search', 'Search', model.hallway.search, 80))
    case 'new-room':
      return step(prompt(model, 'title', 'Title of the new room', '', 80))
    case 'refresh':
      return step(hallway(model, { status: 'loading' }), loadRooms(model.hallway))
    case 'same-topic':
      return narrow(model, 'topic')
    case 'same-language':
      return narrow(model, 'language')
    case 'events':
      return step({ ...model, overlay: { kind: 'events', index: 0 } })
    case 'back':
      return back(model)
    case 'quit':
      return step(model, { do: 'close-seat' }, { do: 'quit', exitCode: 0 })
    default:
      return step(model)
  }
}

/** The rows that search and filters let through, in their order. */
export const visibleRows = (now: Hallway): HallwayRow[] =>
  isNarrowed(now) ? now.rows.filter(({ room }) => fits(room, now)) : now.rows

export const isNarrowed = ({ search, topic, language }: Hallway): boolean =>
  search !== '' || topic !== null || language !== null

/** Fetches the rooms that search and filters let through. */
export const loadRooms = ({ search, topic, language }: Hallway, cursor?: string): Effect => ({
  do: 'load-rooms',
  search,
  ...(topic !== null && { topic }),
  ...(language !== null && { language }),
  ...(cursor !== undefined && { cursor }),
})

/** As the server narrows its list. */
const fits = (room: Room, { search, topic, language }: Hallway): boolean =>
  (search === '' || matches(room, search)) &&
  (topic === null || room.topic?.toLowerCase() === topic.toLowerCase()) &&
  (language === null || `${room.language}-`.toLowerCase().startsWith(`${language}-`.toLowerCase()))

/** Only rooms of the chosen one's topic or language; all again where it is so already. */
const narrow = (model: Model, by: 'topic' | 'language'): Step => {
  const { hallway: now } = model
  const chosen = now.rows.find(({ room }) => room.id === now.selectedId)?.room[by] ?? null
  const next = { ...now, [by]: now[by] === null ? chosen : null }
  return step({ ...model, hallway: next }, loadRooms(next))
}

const hallway = (model: Model, change: Partial<Hallway>): Model => ({
  ...model,
  hallway: { ...model.hallway, ...change },
})

const matches = (room: Room, search: string): boolean => {
  const wanted = search.trim().toLowerCase()
  const texts = [
    room.title,
    room.topic ?? '',
    room.host.name,
    room.host.handle,
    ...room.stage.flatMap(({ name, handle }) => [name, handle]),
  ]
  return texts.some((text) => text.toLowerCase().includes(wanted.replace(/^@/, '')))
}

const takeRooms = (model: Model, { rooms, search, isMore }: Extract<Happening, { type: 'rooms' }>): Step => {
  const rows = rooms.rooms.map((room) => ({ room, isNew: false, isEnded: room.endedAt !== null }))
  if (isMore) return step(addRows(model, rows, rooms.nextCursor))
  const { selectedId } = model.hallway
  const isStillThere = rows.some(({ room }) => room.id === selectedId)
  const change: Partial<Hallway> = {
    rows,
    search,
    selectedId: isStillThere ? selectedId : (rows[0]?.room.id ?? null),
    status: 'open',
    cause: null,
    nextCursor: rooms.nextCursor,
  }
  return step(hallway(model, change), { do: 'watch-rooms', cursor: rooms.eventCursor })
}

/** Those of the next page go below what is there: nothing moves. */
const addRows = (model: Model, more: HallwayRow[], nextCursor: string | null): Model => {
  const known = new Set(model.hallway.rows.map(({ room }) => room.id))
  const rows = [...model.hallway.rows, ...more.filter(({ room }) => !known.has(room.id))]
  return hallway(model, { rows, nextCursor, status: 'open' })
}

const roomsFailed = (model: Model, failure: Extract<Happening, { type: 'rooms-failed' }>): Step => {
  const { code, message, isMore } = failure
  if (code === 'sign-in-needed') return step({ ...model, account: null, screen: 'sign-in', overlay: null })
  if (code === 'unreachable' && model.screen === 'hallway') return step(goOffline(model, message))
  if (isMore) return step({ ...hallway(model, { status: 'open' }), notice: { text: message, isError: true } })
  return step(hallway(model, { status: 'failed', cause: message }))
}

const takeEvent = (now: Hallway, event: Extract<HallwayEvent, { type: 'room' | 'room-ended' }>): Partial<Hallway> => {
  const id = event.type === 'room' ? event.room.id : event.roomId
  const isKnown = now.rows.some(({ room }) => room.id === id)
  if (event.type === 'room-ended' || event.room.endedAt !== null)
    return { rows: now.rows.map((row) => (row.room.id === id ? { ...row, isEnded: true } : row)) }
  const { room } = event
  if (isKnown) return { rows: now.rows.map((row) => (row.room.id === id ? { ...row, room, isEnded: false } : row)) }
  if (!fits(room, now)) return {}
  // Older than all that are here, so no new one: it comes with a page of its own.
  if (now.nextCursor !== null && now.rows.every((row) => row.room.createdAt > room.createdAt)) return {}
  return { rows: [...now.rows, { room, isNew: true, isEnded: false }], selectedId: now.selectedId ?? id }
}

/** Rows left below the chosen one at which the next page is fetched. */
const restRows = 20

const move = (model: Model, by: number): Step => {
  const moved = moveSelection(model, by)
  const { status, nextCursor } = moved.hallway
  const shown = visibleRows(moved.hallway)
  const at = shown.findIndex(({ room }) => room.id === moved.hallway.selectedId)
  if (by < 0 || nextCursor === null || status !== 'open' || at < shown.length - restRows) return step(moved)
  return step(hallway(moved, { status: 'loading' }), loadRooms(moved.hallway, nextCursor))
}

const moveSelection = (model: Model, by: number): Model => {
  const { hallway: now } = model
  const shown = visibleRows(now)
  const at = shown.findIndex(({ room }) => room.id === now.selectedId)
  const target = shown[Math.min(shown.length - 1, Math.max(0, at + by))]
  const live = shown.filter(({ isEnded }) => !isEnded)
  const selected = target && !target.isEnded ? target : (nearestLive(shown, at, by) ?? live[0])
  const rows = now.rows.filter(({ isEnded }) => !isEnded).map((row) => ({ ...row, isNew: false }))
  return hallway(model, { rows, selectedId: selected?.room.id ?? null })
}

const nearestLive = (shown: HallwayRow[], at: number, by: number): HallwayRow | undefined => {
  const onwards = by > 0 ? shown.slice(at + 1) : shown.slice(0, Math.max(0, at)).reverse()
  return onwards.find(({ isEnded }) => !isEnded) ?? shown.findLast(({ isEnded }) => !isEnded)
}

const join = (model: Model): Step => {
  const row = visibleRows(model.hallway).find(({ room }) => room.id === model.hallway.selectedId)
  if (!row || row.isEnded) return step(model)
  return step({ ...model, screen: 'joining', joiningTitle: row.room.title }, { do: 'join', room: row.room.id })
}

const back = (model: Model): Step => {
  if (model.screen === 'joining') return step({ ...model, screen: 'hallway' }, { do: 'close-seat' })
  if (!isNarrowed(model.hallway)) return step(model)
  const all = { ...model.hallway, search: '', topic: null, language: null }
  return step({ ...model, hallway: all }, loadRooms(all))
}

const prompt = (
  model: Model,
  purpose: 'search' | 'title' | 'name',
  label: string,
  text: string,
  maxCharacters: number,
): Model => ({ ...model, overlay: { kind: 'prompt', purpose, label, text, maxCharacters } })
