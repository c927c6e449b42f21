import type { Account } from '../../protocol/accounts.ts'
import type { OccurrenceView } from '../../protocol/calendar.ts'
import type { HallwayEvent } from '../../protocol/events.ts'
import type { ListRooms, Room } from '../../protocol/rooms.ts'
import type { SeatLine } from '../deps.ts'
import { playingWords } from '../playing.ts'
import { dayAndTime, inHowLong, upcomingAt } from '../upcoming.ts'
import { count, languageName } from '../words.ts'
import type { WayOut } from './deps.ts'
import { doUsual, type Line, nextLine, openLink } from './usual.ts'
import { type Deed, parseLine } from './vocabulary.ts'

type Narrowed = Pick<ListRooms, 'search' | 'topic' | 'language'>
type Rooms = { rooms: Room[]; narrowed: Narrowed; nextCursor: string | null }
type Entered = { seat: SeatLine }
type SignedOut = { isSignedOut: true }

const roomsOnPage = 10

/** The hallway in lines: rooms by number, until one is entered. `lastRoom` is where `rejoin` goes. */
export const walkHallway = async (
  line: Line,
  account: Account,
  lastRoom: string | undefined,
): Promise<Entered | SignedOut | WayOut> => {
  const { deps, talk } = line
  const watch = watchRooms(line)
  let known: Rooms = { rooms: [], narrowed: {}, nextCursor: null }
  let from = 0

  const show = (start: number) => {
    from = start
    talk.say(pageOf(known, start))
  }
  const load = async (narrowed: Narrowed): Promise<SignedOut | undefined> => {
    const { rooms, nextCursor, eventCursor } = await deps.rooms.list(narrowed)
    known = { rooms, narrowed, nextCursor }
    watch.follow(rooms, eventCursor)
    show(0)
    return undefined
  }
  const tell = (text: string): undefined => talk.say(text) as undefined
  const turn = (by: number): undefined => {
    const start = from + by
    if (start >= 0 && start < known.rooms.length) show(start)
    else tell(by > 0 ? 'That was the last room.' : 'That is the beginning.')
  }
  /** Goes on in the list; what the server has beyond it is fetched when it is come to. */
  const turnOn = async (): Promise<undefined> => {
    const { rooms, narrowed, nextCursor } = known
    if (from + roomsOnPage >= rooms.length && nextCursor !== null) {
      const more = await deps.rooms.list({ ...narrowed, cursor: nextCursor })
      const fresh = more.rooms.filter(({ id }) => !rooms.some((room) => room.id === id))
      watch.know(fresh)
      known = { rooms: [...rooms, ...fresh], narrowed, nextCursor: more.nextCursor }
    }
    return turn(roomsOnPage)
  }
  const join = async (room: string, title: string): Promise<Entered | WayOut> => {
    talk.say(`Joining ${title}.`)
    const opening = deps.join(room)
    // A room may let one wait at its door: Ctrl+C ends at once, and the seat, once there, is given up.
    const come = await Promise.race([opening, line.stopped])
    if (typeof come === 'object') return { seat: come }
    opening.then(giveUp, () => {})
    return { exitCode: come }
  }
  const lastPage = () => Math.max(0, Math.floor((known.rooms.length - 1) / roomsOnPage) * roomsOnPage)
  const roomAt = (text: string): Room | undefined => (/^\d+$/.test(text) ? known.rooms[Number(text) - 1] : undefined)

  const perform = async (deed: Deed): Promise<Entered | SignedOut | WayOut | undefined> => {
    switch (deed.does) {
      case 'list':
      case 'retry':
        return load({})
      case 'back':
        return isNarrowed(known.narrowed) ? load({}) : tell('You are in the hallway.')
      case 'search':
        return load({ ...known.narrowed, search: deed.text })
      case 'topic':
      case 'language':
        return load({ ...known.narrowed, [deed.does]: deed.text || undefined })
      case 'events':
        return tell(eventLines(await deps.events(), Date.now()))
      case 'more':
        return turnOn()
      case 'less':
        return turn(-roomsOnPage)
      case 'first':
        return turn(-from)
      case 'last':
        return turn(lastPage() - from)
      case 'join': {
        const room = roomAt(deed.text)
        return join(room?.id ?? deed.text, room?.title ?? deed.text)
      }
      case 'about': {
        const room = roomAt(deed.text)
        return tell(room ? factsOf(room) : `No room of the list has number ${deed.text}.`)
      }
      case 'link':
      case 'browser': {
        const link = roomAt(deed.text)?.link
        if (link === undefined) return tell(`No room of the list has number ${deed.text}.`)
        return deed.does === 'link' ? tell(link) : openLink(line, link)
      }
      case 'rename': {
        const { name, handle } = await deps.rename(deed.text)
        return tell(`You are ${name}, @${handle}, now.`)
      }
      case 'create':
        return join((await deps.rooms.create({ title: deed.text })).id, deed.text)
      case 'rejoin':
        return lastRoom ? join(lastRoom, 'the last room again') : tell('You were in no room yet.')
      case 'quit':
        return { exitCode: 0 }
      default: {
        const way = await doUsual(line, deed, 'hallway')
        return typeof way === 'object' ? way : undefined
      }
    }
  }
  const attempt = async (deed: Deed) => {
    try {
      return await perform(deed)
    } catch (error) {
      const { code, message } = error as { code?: string; message: string }
      talk.note(message)
      return code === 'sign-in-needed' ? { isSignedOut: true as const } : undefined
    }
  }

  try {
    talk.say(`You are in the hallway as ${account.name}, @${account.handle}.`)
    let way = await attempt({ does: 'list' })
    while (way === undefined) {
      const typed = await nextLine(line, 0)
      if ('exitCode' in typed) return typed
      const input = parseLine('line' in typed ? typed.line : '', 'hallway')
      if ('unknown' in input) talk.note(input.unknown)
      else if ('does' in input) way = await attempt(input)
    }
    return way
  } finally {
    watch.close()
  }
}

const giveUp = async (seat: SeatLine): Promise<void> => {
  await seat.request({ verb: 'leave' }).catch(() => {})
  seat.close()
}

const isNarrowed = ({ search, topic, language }: Narrowed): boolean => Boolean(search || topic || language)

/** ` for "sit" of topic meditation in German`; empty where all are shown. */
const narrowedWords = ({ search, topic, language }: Narrowed): string =>
  [
    search ? ` for "${search}"` : '',
    topic ? ` of topic ${topic}` : '',
    language ? ` in ${languageName(language)}` : '',
  ].join('')

const pageOf = ({ rooms, narrowed, nextCursor }: Rooms, start: number): string => {
  const only = narrowedWords(narrowed)
  if (rooms.length === 0)
    return only === ''
      ? 'No room is live. Open one: create and its title. help lists all words.'
      : `No room is live${only}. back shows all.`
  const shown = rooms.slice(start, start + roomsOnPage)
  const left = rooms.length - start - shown.length
  const heading = `${nextCursor !== null ? `The newest ${rooms.length} rooms` : count(rooms.length, 'room')}${only === '' ? ' live' : only}:`
  return [
    ...(start === 0 ? [heading] : []),
    ...shown.map((room, index) => `${start + index + 1}. ${roomLine(room)}`),
    `${left > 0 || nextCursor !== null ? `${left > 0 ? left : 'There are'} more: type more. ` : ''}Type a number to join, help for all words.`,
  ].join('\n')
}

const roomLine = ({ title, host, topic, language, counts, isRecorded, playing }: Room): string =>
  sentence([
    title,
    `by ${host.name}`,
    topic,
    language && `in ${languageName(language)}`,
    `${counts.speakers} on stage`,
    `${counts.listeners} listening`,
    isRecorded && 'being recorded',
    playing && playingWords(playing, Date.now(), false),
  ])

const sentence = (facts: (string | null | false | undefined)[]): string => `${facts.filter((fact) => fact).join(', ')}.`

const eventLines = (events: OccurrenceView[], nowMs: number): string => {
  const upcoming = upcomingAt(events, nowMs)
  return upcoming.length === 0 ? 'No session is announced.' : upcoming.map((one) => eventLine(one, nowMs)).join('\n')
}

/** `18:00, in 42 min: Press call, by Lena, food, in German.` */
const eventLine = ({ title, host, topic, language, startsAt, room }: OccurrenceView, nowMs: number): string =>
  sentence([
    `${dayAndTime(startsAt, nowMs)}, ${room?.isLive ? 'live now' : inHowLong(startsAt, nowMs)}: ${title}`,
    `by ${host.name}`,
    topic,
    language && `in ${languageName(language)}`,
    room?.isLive && `join ${room.link}`,
  ])

const factsOf = (room: Room): string =>
  [
    roomLine(room),
    `On stage: ${room.stage.map(({ name, role }) => (role === 'moderator' ? `${name} (moderator)` : name)).join(', ') || 'nobody'}.`,
    room.hands === 'off' ? 'Hands are off.' : 'Everyone may raise a hand.',
    `Link: ${room.link}`,
  ].join('\n')

/** Rooms that open and end, as news; the subscription also keeps a server of this machine from ending. */
const watchRooms = ({ deps, news }: Line) => {
  let subscription: { close: () => unknown } | undefined
  const titles = new Map<string, string>()
  // What is older and not known is on a page that was not fetched; it opened long ago.
  let newest = ''
  const onEvent = (event: HallwayEvent) => {
    if (event.type === 'room' && event.room.endedAt === null && !titles.has(event.room.id)) {
      const { id, title, host, createdAt } = event.room
      titles.set(id, title)
      if (createdAt < newest) return
      news.take({ kind: 'rooms', topic: 'opened', name: title, text: `${host.name} opened ${title}.` })
    }
    if (event.type !== 'room-ended') return
    const title = titles.get(event.roomId)
    titles.delete(event.roomId)
    if (title !== undefined) news.take({ kind: 'rooms', topic: 'ended', name: title, text: `${title} has ended.` })
  }
  const know = (rooms: Room[]) => {
    for (const { id, title } of rooms) titles.set(id, title)
  }
  return {
    know,
    follow: (rooms: Room[], cursor: string) => {
      subscription?.close()
      know(rooms)
      newest = rooms[0]?.createdAt ?? ''
      subscription = deps.rooms.subscribe({ cursor, onEvent, onStatus: () => {} })
    },
    close: () => subscription?.close(),
  }
}
