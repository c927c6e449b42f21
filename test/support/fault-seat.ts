import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { AudioSource } from '../../src/audio/frame.ts'
import { type Api, createApi } from '../../src/client/api.ts'
import { fileCredentials } from '../../src/client/credentials.ts'
import { connectSeat, listSeats } from '../../src/client/seat.ts'
import { startSession } from '../../src/client/session.ts'
import type { SessionOptions } from '../../src/client/session-contract.ts'
import type { Room } from '../../src/protocol/rooms.ts'
import type { SeatCommand, SeatEvent, SeatState } from '../../src/protocol/seat.ts'
import { type Ears, openEars } from './ears.ts'
import { eventually } from './eventually.ts'
import { type Phone, signIn } from './phones.ts'
import { cleanEnvironment, isAlive, roomtoneBin } from './roomtone.ts'
import type { TestServer } from './server.ts'

/** Somebody with a sign-in kept in a file, as the program keeps it: it is renewed whenever it has expired. */
export type Signed = { name: string; handle: string; home: string; file: string; api: Api }

let lastNumber = 5_551_000

/** `url`: what the server is called where this person is. */
export const signUp = async (
  server: Pick<TestServer, 'url' | 'outbox'>,
  name: string,
  url = server.url,
): Promise<Signed> => {
  const { account, credentials }: Phone = await signIn(server as TestServer, `+1202${lastNumber++}`, name)
  const home = mkdtempSync(join(tmpdir(), 'rt-fault-'))
  const file = join(home, 'state', 'sign-ins', 'default', `${url.replace(/[^A-Za-z0-9.-]+/g, '_')}.json`)
  await fileCredentials(file).save(credentials)
  const api = createApi({ server: url, credentials: fileCredentials(file) })
  return { name, handle: account.handle, home, file, api }
}

/** A seat under test, in this process or in one of its own. */
export type FaultSeat = {
  see(): SeatState
  events: SeatEvent[]
  ears: Ears
  command(command: SeatCommand): Promise<unknown>
  /** What it was, ten times a second. */
  diary: { atMs: number; wallMs: number; state: SeatState }[]
  close(): Promise<void>
}

const DIARY_MS = 100

const withDiary = (see: () => SeatState, now: () => number): { diary: FaultSeat['diary']; endDiary: () => void } => {
  const diary: FaultSeat['diary'] = []
  const timer = setInterval(() => {
    const state = see()
    if (state) diary.push({ atMs: performance.now(), wallMs: now(), state })
  }, DIARY_MS)
  return { diary, endDiary: () => clearInterval(timer) }
}

/** A session in this process, which hears what its speaker would give. */
export const enterHere = async (
  { api }: Pick<Signed, 'api'>,
  room: Room,
  source: AudioSource | null = null,
  options: Partial<SessionOptions> = {},
): Promise<FaultSeat> => {
  const ears = openEars()
  const events: SeatEvent[] = []
  const session = startSession({
    target: { api, roomId: room.id },
    source,
    sink: ears.sink,
    isDevice: false,
    onEvent: (event) => events.push(event),
    ...options,
  })
  await session.joined
  const { diary, endDiary } = withDiary(session.state, options.now ?? Date.now)
  return {
    see: session.state,
    events,
    ears,
    command: session.command,
    diary,
    close: async () => {
      endDiary()
      await session.close()
    },
  }
}

/** A seat of the built command line, run by `command` (in another network, say); its speaker is a pipe to here. */
export const enterByProgram = async (
  { home, api }: Signed,
  room: Room,
  args: string[],
  command: (argv: string[]) => [string, string[]] = ([program, ...rest]) => [program!, rest],
): Promise<FaultSeat & { ended: Promise<number | null> }> => {
  const ears = openEars()
  const child = spawn(...command([process.execPath, roomtoneBin, 'join', room.id, '--speaker', 'stdout', ...args]), {
    env: { ...cleanEnvironment(), ROOMTONE_HOME: home, ROOMTONE_SERVER: api.server },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let said = ''
  child.stdout.on('data', ears.push)
  child.stderr.on('data', (text) => {
    said += text
  })
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
  const folder = join(home, 'run')
  const running = await eventually(
    async () => {
      if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}: ${said}`)
      return (await listSeats(folder))[0]
    },
    { withinMs: 40_000, what: 'the seat runs' },
  )
  const client = await connectSeat(folder, running.seatId)
  const events: SeatEvent[] = []
  client.onEvent((event) => events.push(event))
  await eventually(() => client.state()?.connection.status === 'live', {
    withinMs: 30_000,
    what: `in the room ${said}`,
  })
  const { diary, endDiary } = withDiary(() => client.state()!, Date.now)
  return {
    see: () => client.state()!,
    events,
    ears,
    command: client.request,
    diary,
    ended,
    close: async () => {
      endDiary()
      await client.request({ verb: 'leave' }).catch(() => {})
      client.close()
      const late = setTimeout(() => {
        child.kill('SIGKILL')
        if (isAlive(running.pid)) process.kill(running.pid, 'SIGKILL')
      }, 5_000)
      await ended
      clearTimeout(late)
    },
  }
}

export const forget = async ({ api, home }: Signed): Promise<void> => {
  await api.close()
  rmSync(home, { recursive: true, force: true })
}
