/**
 * The real faces in a real terminal, over scripted values instead of a server: `node tui-harness.js SOCKET SCENE`; a scene
 * that begins with `lines-` begins in plain lines.
 * JSON lines on the socket play what the world does; every command that the UI gives is written back.
 */
import { createServer, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { programCommandOf } from '../../src/cli/program-words.ts'
import { patched } from '../../src/client/seat-patch.ts'
import type { HallwayEvent } from '../../src/protocol/events.ts'
import type { SeatCommand, SeatEvent, SeatPatch, SeatState } from '../../src/protocol/seat.ts'
import { rebind } from '../../src/tui/bindings.ts'
import type { RoomSubscription, SeatLine } from '../../src/tui/deps.ts'
import { runFaces } from '../../src/tui/faces.ts'
import { aCrowd, aFullSeat, aRoom, someEvents } from './tui-fixtures.ts'

export type HarnessPlay =
  | { seat: Partial<SeatState> }
  | { you: Partial<SeatState['you']> }
  | { event: SeatEvent }
  | { hallway: HallwayEvent }
  /** So many people speak, their levels changing ten times a second, as a seat tells it; 0 ends it. */
  | { speaking: number }
  /** Nobody speaks, nobody's microphone is open. */
  | { silent: true }
  | { crash: string }

// A clock that stands still makes the same picture at any time.
const { CLOCK: clock } = process.env
if (clock) Date.now = () => Date.parse(clock)

const [, , socketPath = '', asked = ''] = process.argv
const face = asked.startsWith('lines-') ? 'lines' : 'screen'
const scene = asked.replace('lines-', '')
const role = scene === 'moderator' ? 'moderator' : scene === 'speaker' ? 'speaker' : 'listener'
let seat = scene === 'crowd' ? aCrowd(10_000) : aFullSeat(role)
let subscription: RoomSubscription | undefined
const clients = new Set<Socket>()
const stateListeners: ((state: SeatState) => void)[] = []
const eventListeners: ((event: SeatEvent) => void)[] = []
const tell = (line: unknown) => {
  for (const client of clients) client.write(`${JSON.stringify(line)}\n`)
}
const failure = (message: string, code: string) => Object.assign(new Error(message), { code })

const change = (next: Partial<SeatState> | SeatPatch) => {
  seat = isPatch(next) ? patched(seat, next) : { ...seat, ...next }
  for (const listener of stateListeners) listener(seat)
}
const changeYou = (you: Partial<SeatState['you']>) => {
  const { microphone, isMuted, role } = { ...seat.you, ...you }
  const mutedByModerator = microphone === 'muted-by-moderator'
  const participants = seat.participants.map((one) =>
    one.isYou ? { ...one, role, isMuted: isMuted || microphone !== 'open', mutedByModerator } : one,
  )
  change({ you: { ...seat.you, ...you }, participants })
}

const obey = (command: SeatCommand) => {
  if (command.verb === 'talk') changeYou({ microphone: command.on ? 'open' : 'muted', isMuted: !command.on })
  if (command.verb === 'mute') changeYou({ microphone: 'muted', isMuted: true })
  if (command.verb === 'unmute') changeYou({ microphone: 'open', isMuted: false })
  if (command.verb === 'hand')
    changeYou({ microphone: 'hand-raised', hand: { position: 2, question: command.question ?? null } })
  if (command.verb === 'lower') changeYou({ microphone: 'listening', hand: null })
  if (command.verb === 'accept') changeYou({ microphone: 'muted', role: 'speaker', invitation: null })
  if (command.verb === 'leave') change({ connection: { status: 'left', reason: 'left', by: null } })
}

const line: SeatLine = {
  request: async (command) => {
    tell({ command })
    if (command.verb === 'deafen') throw failure('The room does not allow that.', 'not-allowed')
    obey(command)
    return seat
  },
  state: () => seat,
  onState: (listener) => stateListeners.push(listener),
  onEvent: (listener) => eventListeners.push(listener),
  onClosed: () => undefined,
  close: () => tell({ closed: true }),
}

const isPatch = (next: Partial<SeatState> | SeatPatch): next is SeatPatch => Array.isArray(next.participants?.[0])

let talk: NodeJS.Timeout | undefined
let turn = 0
const speak = (count: number) => {
  clearInterval(talk)
  if (count === 0) return
  talk = setInterval(() => {
    turn += 1
    const participants = seat.participants.slice(0, count).map((one, index) => [index, voiced(one, index)])
    // As over a seat's socket: what changed, in JSON.
    change(JSON.parse(JSON.stringify({ participants })))
  }, 100)
}
/** Speech moves by ten and more decibels within a syllable. */
const voiced = (one: SeatState['participants'][number], index: number): typeof one => ({
  ...one,
  isMuted: false,
  isSpeaking: true,
  levelDb: -34 + Math.round(14 * Math.sin(turn * (0.7 + index / 3))),
})

const play = (asked: HarnessPlay) => {
  if ('seat' in asked) change(asked.seat)
  else if ('you' in asked) changeYou(asked.you)
  else if ('event' in asked) for (const listener of eventListeners) listener(asked.event)
  else if ('hallway' in asked) subscription?.onEvent(asked.hallway)
  else if ('speaking' in asked) speak(asked.speaking)
  else if ('silent' in asked)
    change({
      participants: seat.participants.map((one) => ({ ...one, isMuted: true, isSpeaking: false, levelDb: -100 })),
    })
  else
    setImmediate(() => {
      throw new Error(asked.crash)
    })
}

const server = createServer((client) => {
  clients.add(client)
  client.on('error', () => clients.delete(client))
  client.on('close', () => clients.delete(client))
  createInterface({ input: client }).on('line', (text) => play(JSON.parse(text) as HarnessPlay))
})
await new Promise<void>((resolve) => server.listen(socketPath, resolve))

/** The keys that the environment asks for, as a key file would. */
const rebound = () => {
  const { table, problem } = rebind(process.env.KEYS ? JSON.parse(process.env.KEYS) : undefined)
  return problem === undefined ? { keyTable: table } : { keyTable: table, notice: problem }
}
let theme = 'auto'
const inUse = { microphone: 'default', speaker: 'default' }
const deviceChoices = () =>
  (['microphone', 'speaker'] as const).flatMap((kind) =>
    ['default', kind === 'speaker' ? 'Headphones' : 'Headset'].map((name) => ({
      kind,
      name,
      isInUse: inUse[kind] === name,
    })),
  )

let isSignedIn = scene !== 'sign-in'
const account = { id: aRoom(90).id, handle: 'ana', name: 'Ana', kind: 'person' as const, isOperator: false }
const roomCount = scene === 'empty' ? 0 : scene === 'many' ? 250 : 4
const pageLength = 100
let told: string | undefined
let exitCode: number
try {
  exitCode = await runFaces(
    {
      version: '0.1.0',
      server: 'http://127.0.0.1:8080',
      isSignedIn: async () => {
        if (scene === 'offline') throw failure('The server at http://127.0.0.1:8080 does not answer.', 'unreachable')
        return isSignedIn
      },
      account: async () => account,
      login: {
        start: async (phone) => {
          tell({ phone })
          return { loginId: 'login', localCode: async () => '123456' }
        },
        verify: async (_loginId, code, name) => {
          tell({ code, name: name ?? null })
          if (code !== '123456') throw failure('That code is not right.', 'wrong-code')
          isSignedIn = true
          return { account, isNew: true }
        },
      },
      rooms: {
        list: async ({ search, topic, language, cursor = '0' }) => {
          const all = Array.from({ length: roomCount }, (_, index) => aRoom(index))
          const rooms = all.filter(
            (one) => (topic ?? one.topic) === one.topic && (language ?? one.language) === one.language,
          )
          const found = rooms.filter(({ title }) => title.toLowerCase().includes((search ?? '').toLowerCase()))
          const end = Number(cursor) + pageLength
          const nextCursor = end < found.length ? String(end) : null
          return { rooms: found.slice(Number(cursor), end), nextCursor, eventCursor: '0' }
        },
        subscribe: (asked) => {
          subscription = asked
          return { close: () => undefined }
        },
        create: async ({ title }) => {
          tell({ created: title })
          return aRoom(50, { title })
        },
      },
      join: async (room) => {
        tell({ join: room })
        if (room === 'nowhere') throw failure('There is no such room.', 'not-found')
        return line
      },
      ...(['moderator', 'listener', 'speaker', 'crowd'].includes(scene) ? { initialSeat: line } : {}),
      color: scene !== 'plain',
      colorDepth: 8,
      theme: 'auto',
      ...rebound(),
      rename: async (name) => {
        tell({ renamed: name })
        return { ...account, name }
      },
      readProgramCommand: programCommandOf,
      events: async () => (roomCount <= 4 ? someEvents(Date.now()) : []),
      openLink: async (url) => tell({ opened: url }),
      devices: {
        list: async () => ({ choices: deviceChoices(), problem: null }),
        use: async (kind, name) => {
          tell({ used: name, kind })
          inUse[kind] = name
        },
        try: async (what, { onLevel }) => {
          tell({ trying: what })
          const timer = setInterval(() => onLevel(-23), 100)
          return { close: () => clearInterval(timer) }
        },
      },
      settings: {
        list: async () => [{ key: 'theme', label: 'colours', value: theme, values: ['auto', 'dark', 'light'] }],
        set: async (_key, value) => {
          theme = value
          return undefined
        },
      },
      stdin: process.stdin,
      stdout: process.stdout,
      say: (text) => void process.stdout.write(`${text}\n`),
      note: (text) => void process.stdout.write(`${text}\n`),
      told: {
        get: () => told,
        set: async (value) => {
          told = value
          tell({ told: value })
        },
      },
      canShowScreen: true,
      onInterrupt: (listener) => {
        process.on('SIGINT', listener)
        return () => process.off('SIGINT', listener)
      },
      onOutputClosed: () => () => undefined,
      onHangUp: () => () => undefined,
    },
    face,
  )
} catch (error) {
  console.log(`threw: ${(error as Error).message}`)
  exitCode = 70
}
console.log(`exit ${exitCode}`)
process.exit(exitCode)
