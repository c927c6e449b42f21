import type { AudioSource } from '../../../src/audio/frame.ts'
import { createToneSource } from '../../../src/audio/sources/tone.ts'
import { type Api, createApi } from '../../../src/client/api.ts'
import { tokenCredentials } from '../../../src/client/credentials.ts'
import { startSession } from '../../../src/client/session.ts'
import type { Session, SessionOptions } from '../../../src/client/session-contract.ts'
import type { Room } from '../../../src/protocol/rooms.ts'
import type { Heard, SeatEvent } from '../../../src/protocol/seat.ts'
import { eventually } from '../../support/eventually.ts'
import { signIn } from '../../support/phones.ts'
import type { TestServer } from '../../support/server.ts'

export type Person = { name: string; handle: string; accessToken: string; api: Api }

let lastNumber = 5_550_100

/** A new account, signed in by the code in the outbox. */
export const newPerson = async (server: TestServer, name: string): Promise<Person> => {
  const { account, credentials } = await signIn(server, `+1202${lastNumber++}`, name)
  const { accessToken } = credentials
  const api = createApi({ server: server.url, credentials: tokenCredentials(accessToken) })
  return { name, handle: account.handle, accessToken, api }
}

export const openRoom = (host: Person, title: string): Promise<Room> => host.api.call('createRoom', { body: { title } })

export type Stay = { session: Session; events: SeatEvent[] }

/** A session that is in the room, with all its events. */
export const enter = async (
  person: Person,
  room: Room,
  source: AudioSource | null = null,
  options: Partial<SessionOptions> = {},
): Promise<Stay> => {
  const events: SeatEvent[] = []
  const session = startSession({
    target: { api: person.api, roomId: room.id },
    source,
    sink: null,
    isDevice: false,
    onEvent: (event) => events.push(event),
    ...options,
  })
  await session.joined
  return { session, events }
}

export const tone = (hz = 440): AudioSource => createToneSource({ hz })

export const heardFrom = ({ session }: Stay, name: string): Heard | undefined =>
  session.heard().find(({ who }) => who === name)

/** Waits until that much more of somebody has been heard. */
export const hearMore = async (ears: Stay, name: string, seconds: number, withinMs: number): Promise<Heard> => {
  const before = heardFrom(ears, name)?.seconds ?? 0
  const enough = () => {
    const now = heardFrom(ears, name)
    return now && now.seconds >= before + seconds ? now : undefined
  }
  const heard = await eventually(enough, { withinMs, what: `${seconds} s more heard of ${name}` })
  return heard!
}

/** Waits until nothing is heard of somebody for 300 ms; resolves with how long that took to begin. */
export const hearSilence = async (ears: Stay, name: string, withinMs: number): Promise<number> => {
  const start = performance.now()
  let last = -1
  let since = start
  await eventually(
    () => {
      const { seconds } = heardFrom(ears, name) ?? { seconds: 0 }
      if (seconds !== last) since = performance.now()
      last = seconds
      return performance.now() - since > 300
    },
    { withinMs: withinMs + 300, what: `silence of ${name}` },
  )
  return since - start
}
