import type { OccurrenceView } from '../../src/protocol/calendar.ts'
import type { Playing } from '../../src/protocol/program.ts'
import type { Room } from '../../src/protocol/rooms.ts'
import type { SeatParticipant, SeatState } from '../../src/protocol/seat.ts'

/** A participant in the room of the examples in the documents; `change` sets what matters to a test. */
export const aParticipant = (id: string, change: Partial<SeatParticipant> = {}): SeatParticipant => ({
  id,
  name: id,
  handle: id.toLowerCase(),
  kind: 'person',
  role: 'listener',
  mutedByModerator: false,
  hasHandUp: false,
  isRecording: false,
  isAway: false,
  playing: null,
  isYou: false,
  isMuted: true,
  isSpeaking: false,
  levelDb: -100,
  quality: 'good',
  volume: 100,
  isSilenced: false,
  ...change,
})

const audience = ['Omar', 'Ines', 'Wei', 'Kim', 'Jo', 'Ada', 'Björn', '李华', 'Bo', 'Chi', 'Dee', 'Eli', 'Fay', 'Gus']

/** "Morning sit": a bot speaks, Lena moderates, three hands are up, 145 listen. You are a moderator or a listener. */
export const aSeat = (role: 'moderator' | 'listener' | 'speaker', change: Partial<SeatState> = {}): SeatState => {
  const you = aParticipant('you-1', { name: 'Ana', handle: 'ana', role, isYou: true, isMuted: role === 'listener' })
  const stage = [
    aParticipant('Guide', { kind: 'bot', role: 'speaker', isMuted: false, isSpeaking: true, levelDb: -19 }),
    aParticipant('Lena', { role: 'moderator' }),
    ...(role === 'listener' ? [] : [you]),
  ]
  const listeners = [
    ...audience.map((name, index) => aParticipant(`p-${index}`, { name, handle: `h${index}`, hasHandUp: index < 3 })),
    ...(role === 'listener' ? [you] : []),
  ]
  const questions = ['How long should I hold?', null, 'May I share how it went yesterday at the lake?']
  const hands = questions.map((question, index) => ({
    participantId: `p-${index}`,
    name: audience[index]!,
    handle: `h${index}`,
    question,
    raisedAt: '2026-11-21T18:02:00.000Z',
    position: index + 1,
  }))
  return {
    seatId: '00000000-0000-4000-8000-000000000001',
    pid: 1,
    room: {
      id: '00000000-0000-4000-8000-000000000010',
      title: 'Morning sit',
      link: 'https://example.test/r/00000000',
      isRecorded: false,
      startedAt: new Date(Date.now() - 724_000).toISOString(),
      awaited: null,
      topic: null,
      language: null,
      sound: 'voice',
      hands: 'everyone',
      playing: null,
    },
    connection: { status: 'live' },
    you: {
      id: 'you-1',
      name: 'Ana',
      handle: 'ana',
      role,
      microphone: role === 'listener' ? 'listening' : 'open',
      isMuted: role === 'listener',
      isTalkingWhileMuted: false,
      levelDb: -23,
      hand: null,
      invitation: null,
      isNoiseSuppressed: false,
      isDeafened: false,
      volume: 100,
    },
    devices: { microphone: { name: 'Headset', status: 'ok' }, speaker: { name: 'Headphones', status: 'ok' } },
    participants: [...stage, ...listeners],
    counts: { speakers: stage.length, listeners: 145 },
    hands: role === 'moderator' ? hands : [],
    network: { roundTripMs: 62, lossPercent: 0, quality: 'excellent' },
    ...change,
  }
}

/** The same room, where the bot plays that. */
export const playsIn = (seat: SeatState, playing: Playing): SeatState => ({
  ...seat,
  room: { ...seat.room, playing: { ...playing, by: { name: 'Guide', handle: 'guide' } } },
  participants: seat.participants.map((one) => (one.id === 'Guide' ? { ...one, playing } : one)),
})

/** The same, every listener with a name. */
export const aFullSeat = (role: 'moderator' | 'listener' | 'speaker'): SeatState => {
  const seat = aSeat(role)
  const unnamed = seat.counts.speakers + seat.counts.listeners - seat.participants.length
  const guests = Array.from({ length: unnamed }, (_, index) => aParticipant(`Guest ${index + 1}`))
  return { ...seat, participants: [...seat.participants, ...guests] }
}

/** The same room with so many listeners; you listen, too. */
export const aCrowd = (listeners: number): SeatState => {
  const seat = aSeat('listener')
  const stage = seat.participants.filter(({ role }) => role !== 'listener')
  const crowd = Array.from({ length: listeners }, (_, index) =>
    aParticipant(`n${index + 1}`, { name: `Name ${index + 1}` }),
  )
  return { ...seat, participants: [...stage, ...crowd], counts: { speakers: stage.length, listeners } }
}

/** What is announced at that moment: one that goes on, one in 42 minutes, one on the next day. */
export const someEvents = (nowMs: number): OccurrenceView[] => {
  const at = (minutes: number) => new Date(nowMs + minutes * 60_000).toISOString()
  const event = (index: number, title: string, minutes: number): OccurrenceView => ({
    eventId: roomId(70 + index),
    name: `session-${index}`,
    title,
    topic: null,
    language: null,
    description: null,
    host: { name: 'Lena', handle: 'lena' },
    local: '2026-11-21T18:00:00',
    zone: 'Europe/Berlin',
    ruled: '2026-11-21T18:00:00',
    opensAt: at(minutes - 5),
    startsAt: at(minutes),
    endsAt: at(minutes + 30),
    closesAt: at(minutes + 35),
    room: null,
  })
  return [
    { ...event(0, 'Evening sit', -10), room: { id: roomId(0), link: 'https://example.test/r/0', isLive: true } },
    { ...event(1, 'Press call', 42), topic: 'food', language: 'de' },
    event(2, 'Sunday sit', 820),
  ]
}

export const roomId = (index: number): string => `00000000-0000-4000-8000-${String(index).padStart(12, '0')}`

const titles: [title: string, host: string, speakers: string[], listeners: number][] = [
  ['Morning sit', 'Lena', ['Guide', 'Lena'], 146],
  ['Baltic founders', 'Rasa', ['Rasa', 'Tomas', 'Ieva', 'Jonas', 'Ula'], 56],
  ['Derby, second half', 'Sam', ['Sam', 'Alex', 'Priya', 'Noor'], 908],
  ['早上好，一起学中文 🍵', '李华', ['李华'], 7],
]

/** Room `index` of the hallway; the first four have the titles of the sketches. */
export const aRoom = (index: number, change: Partial<Room> = {}): Room => {
  const [title, host, speakers, listeners] = titles[index] ?? [`Room ${index}`, 'Lena', ['Lena'], index]
  return {
    id: roomId(index),
    title,
    link: `https://example.test/r/${roomId(index)}`,
    host: { name: host, handle: host.toLowerCase() },
    topic: ['meditation', 'business', 'sport'][index] ?? null,
    language: ['de', 'lt', 'en'][index] ?? null,
    sound: 'voice',
    hands: 'everyone',
    handsList: [],
    recording: index === 1 ? 'flagged' : 'off',
    isRecorded: false,
    createdAt: '2026-11-21T08:00:00.000Z',
    endedAt: null,
    stage: speakers.map((name) => ({
      name,
      handle: name.toLowerCase(),
      kind: name === 'Guide' ? 'bot' : 'person',
      role: name === host ? 'moderator' : 'speaker',
    })),
    counts: { speakers: speakers.length, listeners },
    awaited: null,
    playing: null,
    session: null,
    ...change,
  }
}
