import { afterAll, describe, expect, it } from 'vitest'
import { eventually } from '../../support/eventually.ts'
import { startTestServer, type TestServer } from '../../support/server.ts'
import { enter, hearMore, newPerson, openRoom, type Stay, tone } from './people.ts'

let server: TestServer
const stays: Stay[] = []

afterAll(async () => {
  await Promise.all(stays.map(({ session }) => session.close()))
  await server?.close()
})

const begin = async (title: string) => {
  const host = await newPerson(server, 'Lena')
  const guest = await newPerson(server, 'Omar')
  const room = await openRoom(host, title)
  const speaker = await enter(host, room, tone(), { isDevice: true, unmuted: true })
  const listener = await enter(guest, room)
  stays.push(speaker, listener)
  await hearMore(listener, 'Lena', 1, 8_000)
  return { speaker, listener }
}

const types = ({ events }: Stay) => events.map(({ type }) => type)

describe('a session after a cut', () => {
  it('is back within 10 s of the media server being killed, open as before', async () => {
    server = await startTestServer({ media: 'embedded' })
    const { speaker, listener } = await begin('Media')
    const killedAt = performance.now()
    process.kill(server.media!.pid, 'SIGKILL')
    await eventually(() => types(listener).includes('reconnected') && types(speaker).includes('reconnected'), {
      withinMs: 15_000,
      what: 'both told that they are back',
    })
    await hearMore(listener, 'Lena', 1, 10_000)
    expect(performance.now() - killedAt).toBeLessThan(10_000)
    expect(speaker.session.state().you).toMatchObject({ microphone: 'open', isMuted: false })
    await Promise.all(stays.splice(0).map(({ session }) => session.close()))
  })

  it('keeps its seat, role and mute intent over a restart of the server', async () => {
    const { speaker, listener } = await begin('Server')
    await speaker.session.command({ verb: 'mute' })
    await server.stop()
    await eventually(() => types(listener).includes('reconnecting'), { withinMs: 10_000, what: 'the cut is told' })
    const { port, data } = server
    server = await startTestServer({ media: 'embedded', port, data })
    await eventually(() => [speaker, listener].every(({ session }) => session.state().connection.status === 'live'), {
      withinMs: 15_000,
      what: 'both are back',
    })
    expect(speaker.session.state().you).toMatchObject({ role: 'moderator', microphone: 'muted', isMuted: true })
    await speaker.session.command({ verb: 'unmute' })
    await hearMore(listener, 'Lena', 1, 10_000)
    expect(speaker.session.state().participants).toHaveLength(2)
    await Promise.all(stays.splice(0).map(({ session }) => session.close()))
  })

  it('gives up with a sentence when there is no server at first', async () => {
    const host = await newPerson(server, 'Kim')
    const room = await openRoom(host, 'Nobody')
    await server.stop()
    const { port, data } = server
    await expect(enter(host, room, null, { joinWithinMs: 300 })).rejects.toMatchObject({
      code: 'unreachable',
      message: expect.stringMatching(/^No roomtone server answers at /),
    })
    server = await startTestServer({ media: 'none', port, data })
  })
})
