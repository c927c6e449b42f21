import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startEar } from '../../../src/bot/watch/ear.ts'
import { eventually } from '../../support/eventually.ts'
import { startTestServer, type TestServer } from '../../support/server.ts'
import { enter, newPerson, openRoom, type Person, type Stay, tone } from '../client/people.ts'

let server: TestServer
let host: Person
let stay: Stay

beforeAll(async () => {
  server = await startTestServer({ media: 'embedded' })
  host = await newPerson(server, 'Host')
  const room = await openRoom(host, 'Sit')
  stay = await enter(host, room, tone(), { music: true })
})
afterAll(async () => {
  await stay?.session.close()
  await host?.api.close()
  await server?.close()
})

const start = (problems: string[] = []) => {
  const { session } = stay
  const { room } = session.state()
  return startEar({
    access: () => host.api.call('companion', { params: { roomId: room.id! } }),
    identity: () => session.state().you.id!,
    onProblem: (problem) => problems.push(problem),
  })
}

/** Waits until so many more packets have come. */
const hearsMore = (ear: ReturnType<typeof start>, more: number) => {
  const before = ear.packets() ?? 0
  return eventually(() => (ear.packets() ?? 0) >= before + more, { withinMs: 15_000, what: `${more} more packets` })
}

describe("a bot's own ear", () => {
  it('hears what is sent, through a new publication and a new join, and that nothing is sent', async () => {
    const problems: string[] = []
    const ear = start(problems)
    await hearsMore(ear, 50)
    const { session } = stay
    session.repair('republish')
    await hearsMore(ear, 100)
    session.repair('rejoin')
    await eventually(() => stay.events.some(({ type }) => type === 'reconnected'), {
      withinMs: 15_000,
      what: 'it has joined anew',
    })
    await hearsMore(ear, 100)
    // Muted for longer than the ear doubts itself: it says so, instead of nothing.
    await session.command({ verb: 'mute' })
    await eventually(() => ear.packets() === null, { withinMs: 15_000, what: 'it doubts itself' })
    const told = await eventually(() => ear.packets(), { withinMs: 15_000, what: 'it says that it hears nothing' })
    expect(ear.packets()).toBe(told)
    await session.command({ verb: 'unmute' })
    await hearsMore(ear, 50)
    await ear.close()
    expect(problems).toEqual([])
  })
})
