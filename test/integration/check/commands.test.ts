import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { documents } from '../../support/cli-schema.ts'
import { noLivekit, startLivekitServer } from '../../support/livekit-server.ts'
import { roomtone, throwawayHome } from '../../support/roomtone.ts'

let place: ReturnType<typeof throwawayHome>
beforeAll(() => {
  place = throwawayHome()
})
afterAll(() => place.close())
const check = (args: string[], env: Record<string, string> = {}) =>
  roomtone(['check', ...args], { home: place.home, env, withinMs: 60_000 })
const keys = { LIVEKIT_API_KEY: 'testkey', LIVEKIT_API_SECRET: 'a secret of at least thirty-two characters' }

it('judges a room of its own without any server, and tells all of it as JSON', async () => {
  const told = await check(['room', '--bots', '4', '--for', '3s', '--expect-audio', '--json'])
  const report = documents['check room|join|latency --json'].parse(JSON.parse(told.stdout))
  expect(report.participants).toBe(4)
  expect(report.figures[0]!.metrics.join!.count).toBe(4)
  expect(told.code, told.stdout).toBe(report.exitCode)
  // A machine too busy to tell is said to be; nothing else may be wrong.
  expect(report.verdicts.filter(({ outcome, code }) => outcome !== 'pass' && code !== 'runner')).toEqual([])
})

describe.skipIf(noLivekit)('on a livekit-server that nobody set up for it', () => {
  let url = ''
  let close: () => Promise<void>
  beforeAll(async () => {
    const server = await startLivekitServer({ apiKey: keys.LIVEKIT_API_KEY, apiSecret: keys.LIVEKIT_API_SECRET })
    url = server.url
    close = server.close
  })
  afterAll(() => close?.())

  it('fails where nobody sends sound, and names no secret', async () => {
    const told = await check(['room', 'hall', '--url', url, '--bots', '2', '--for', '3s', '--expect-audio'], keys)
    expect(told.code).toBe(1)
    expect(told.stdout).toMatch(/FAILED {2}audio: .* nobody sent sound/)
    expect(told.stdout + told.stderr).not.toContain(keys.LIVEKIT_API_SECRET)
  })

  it('tells by check server whether it is fit for voice', async () => {
    const told = await check(['server', url, '--json'], keys)
    const { verdicts, exitCode } = documents['check server --json'].parse(JSON.parse(told.stdout))
    expect(told.code).toBe(exitCode)
    expect(verdicts.filter(({ outcome }) => outcome === 'fail' || outcome === 'refused')).toEqual([])
    expect(verdicts.map(({ what }) => what)).toEqual(
      expect.arrayContaining(['reachable', 'keys', 'clock', 'tokens', 'signalling', 'ice', 'turn', 'joins', 'audio']),
    )
  })

  it('refuses other keys with 4, before anything is judged', async () => {
    const env = { ...keys, LIVEKIT_API_SECRET: 'another secret of thirty-two characters' }
    const told = await check(['join', '--url', url, '--count', '2'], env)
    expect(told).toMatchObject({ code: 4, stdout: '', stderr: expect.stringMatching(/refused the token/) })
  })
})

describe('what cannot be is refused before anybody joins', () => {
  const url = 'ws://127.0.0.1:9'
  it.each([
    [['room', '--bots', '0'], 2, '--bots wants a whole number from 1 to 4000, not "0"'],
    [['room', '--bots', '3', '--rooms', '4'], 2, '--rooms 4 are more than --bots 3'],
    [['room', '--talk', 'some'], 2, '--talk is none, one, everyone or panel:N'],
    [['room', '--for', '1s'], 2, '--for wants at least 3s'],
    [['room', '--threshold', 'delay<3'], 2, 'the threshold "delay<3" is not like delay:p(95)<300'],
    [['join', '--url', 'nowhere'], 2, 'a LiveKit server is given as wss://livekit.example.org, not "nowhere"'],
    [['room', '--url', url, '--token', 'x', '--bots', '2'], 2, 'a room token is one participant: say --bots 1'],
    [
      ['latency', '--url', 'wss://192.0.2.1', '--for', '5h'],
      2,
      '601 participant-minutes are more than --max-participant-minutes (500)',
    ],
    [['join', '--url', url], 7, 'cannot be reached'],
  ])('%j', async (args, code, says) => {
    const env = args.includes('--url') && !args.includes('--token') ? keys : {}
    expect(await check(args, env)).toMatchObject({ code, stdout: '', stderr: expect.stringContaining(says) })
  })

  it('keys that are missing are named', async () => {
    const told = await check(['server', url])
    expect(told).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/LIVEKIT_API_KEY and LIVEKIT_API_SECRET missing/),
    })
  })
})
