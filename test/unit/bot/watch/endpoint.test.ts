import { request } from 'node:http'
import { afterEach, describe, expect, it } from 'vitest'
import { type Endpoint, startEndpoint } from '../../../../src/bot/watch/endpoint.ts'
import type { Watched } from '../../../../src/bot/watch/watch.ts'
import { apiError } from '../../../../src/protocol/errors.ts'
import type { ProgramCommand } from '../../../../src/protocol/program.ts'

const TOKEN = 'a-token-of-many-letters'

let endpoint: Endpoint
afterEach(() => endpoint.close())

const session = (problem: string | null = null): Watched => ({
  report: {
    session: 'morning-sit',
    title: 'Morning sit',
    phase: 'on-air',
    occurrence: '2026-12-01T07:00:00',
    startsAt: '2026-12-01T06:00:00.000Z',
    room: null,
    programMs: 61_000,
    playing: null,
    listeners: 3,
    problem: null,
  },
  problem,
  figures: {
    ...{ sentFrames: 6_100, starvedFrames: 0, underruns: 1, missedMs: 40, deadAirs: 0, deadMs: 0, heardPackets: 0 },
    repairs: { republish: 1, rejoin: 0, restart: 0 },
    isDue: true,
    isOnAir: true,
    incidents: ['dead-air'],
  },
})

const start = async ({ token = TOKEN as string | null, host = '127.0.0.1', problem = null as string | null } = {}) => {
  const commands: [string, ProgramCommand][] = []
  endpoint = await startEndpoint({
    ...{ host, port: 0, token: token ?? undefined },
    watched: () => [session(problem)],
    command: async (name, command) => {
      if (name !== 'morning-sit') throw apiError('not-found', `There is no session ${name}.`)
      commands.push([name, command])
      const isCue = command.do === 'cue'
      return { ok: !isCue, code: isCue ? 'not-found' : null, message: isCue ? 'No such cue.' : 'Paused.' }
    },
    calendar: () => 'BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n',
  })
  return commands
}

/** By node:http, since fetch sets the host by itself. */
const ask = (
  path: string,
  { method = 'GET', body, headers = {} }: { method?: string; body?: string; headers?: Record<string, string> } = {},
) =>
  new Promise<{ status: number; text: string; json: () => Record<string, unknown> }>((resolve, reject) => {
    const asked = request(`${endpoint.url}${path}`, { method, headers, agent: false }, (response) => {
      let text = ''
      response.on('data', (chunk) => {
        text += chunk
      })
      response.on('end', () => resolve({ status: response.statusCode!, text, json: () => JSON.parse(text) }))
    })
    asked.once('error', reject)
    asked.end(body)
  })

const bearer = { authorization: `Bearer ${TOKEN}` }
const pause = { method: 'POST', body: '{"do":"pause"}' }
const program = '/sessions/morning-sit/program'

describe('the endpoint of a host', () => {
  it('is healthy while nothing is wrong', async () => {
    await start()
    expect(await ask('/health').then(({ status, json }) => [status, json()])).toEqual([200, { ok: true, problems: [] }])
  })

  it('answers 503 with the reason where a session is not as planned', async () => {
    await start({ problem: 'Dead air for 12 s.' })
    const { status, json } = await ask('/health')
    expect([status, json()]).toEqual([
      503,
      { ok: false, problems: [{ session: 'morning-sit', problem: 'Dead air for 12 s.' }] },
    ])
  })

  it('shows sessions and figures, in which nobody is named', async () => {
    await start()
    expect((await ask('/sessions')).json()).toMatchObject({ sessions: [{ session: 'morning-sit', listeners: 3 }] })
    const { text } = await ask('/metrics')
    for (const line of [
      'roomtone_bot_frames_sent_total{session="morning-sit"} 6100',
      'roomtone_bot_on_air{session="morning-sit"} 1',
      'roomtone_bot_missed_seconds_total{session="morning-sit"} 0.04',
      'roomtone_bot_repairs_total{session="morning-sit",repair="republish"} 1',
      'roomtone_bot_incidents{session="morning-sit",kind="dead-air"} 1',
    ])
      expect(text).toContain(line)
    // Counters are read anew each time, not added up.
    expect((await ask('/metrics')).text).toContain('roomtone_bot_frames_sent_total{session="morning-sit"} 6100')
  })

  it('gives the calendar', async () => {
    await start()
    expect((await ask('/calendar.ics')).text).toContain('BEGIN:VCALENDAR')
  })

  it('takes a command with the token, and none without it or with another', async () => {
    const commands = await start()
    expect((await ask(program, pause)).status).toBe(401)
    for (const authorization of ['Bearer wrong', 'Bearer ', `Basic ${TOKEN}`])
      expect((await ask(program, { ...pause, headers: { authorization } })).status).toBe(401)
    expect(commands).toEqual([])
    const { status, json } = await ask(program, { ...pause, headers: bearer })
    expect([status, json()]).toEqual([200, { ok: true, code: null, message: 'Paused.' }])
    expect(commands).toEqual([['morning-sit', { do: 'pause' }]])
  })

  it('takes no command at all where it was given no token', async () => {
    const commands = await start({ token: null })
    expect((await ask(program, { ...pause, headers: bearer })).status).toBe(403)
    expect(commands).toEqual([])
  })

  it('tells in a sentence what is wrong with a command', async () => {
    await start()
    const post = (body: string, path = program) => ask(path, { method: 'POST', body, headers: bearer })
    expect((await post('{"do":"cue","name":"nowhere"}')).status).toBe(404)
    expect(await post('{"do":"dance"}').then(({ status, json }) => [status, json().code])).toEqual([400, 'bad-request'])
    expect((await post('{"do":')).json().message).toBe('The body is not JSON.')
    expect((await post('{"do":"pause"}', '/sessions/evening/program')).json().message).toBe(
      'There is no session evening.',
    )
    expect((await post('{"do":"pause"}', '/sessions/%ff/program')).status).toBe(400)
    expect((await post('x'.repeat(20_000))).status).toBe(413)
    expect((await ask(program)).status).toBe(405)
    expect((await ask('/nothing')).status).toBe(404)
  })

  it('does not answer a page that reaches this machine by a name of its own', async () => {
    await start()
    expect((await ask('/sessions', { headers: { host: 'evil.example' } })).status).toBe(403)
    expect((await ask('/sessions', { headers: { host: 'localhost:1' } })).status).toBe(200)
  })

  it('beyond this machine shows health and calendar alone to those without the token, and is not started without one', async () => {
    await start({ host: '0.0.0.0' })
    for (const [path, status] of [
      ['/health', 200],
      ['/calendar.ics', 200],
      ['/sessions', 401],
      ['/metrics', 401],
    ] as const)
      expect((await ask(path)).status).toBe(status)
    expect((await ask('/sessions', { headers: bearer })).status).toBe(200)
    await endpoint.close()
    await expect(start({ host: '0.0.0.0', token: null })).rejects.toMatchObject({ code: 'bad-input' })
  })
})
