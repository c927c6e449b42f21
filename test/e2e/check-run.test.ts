import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Report } from '../../src/check/contract.ts'
import { type LivekitServer, noLivekit, startLivekitServer } from '../support/livekit-server.ts'
import { roomtone, throwawayHome } from '../support/roomtone.ts'

const place = throwawayHome()
let livekit: LivekitServer | undefined
beforeAll(async () => {
  if (noLivekit === null) livekit = await startLivekitServer()
})
afterAll(async () => {
  await livekit?.close()
  await place.close()
})

const example = (name: string) => readFileSync(new URL(`../../examples/${name}.check.yaml`, import.meta.url), 'utf8')

const check = async (text: string, env: Record<string, string> = {}, ...args: string[]) => {
  const file = join(place.home, 'a.check.yaml')
  writeFileSync(file, text)
  const ran = await roomtone(['check', 'run', file, '--json', ...args], { home: place.home, env, withinMs: 90_000 })
  const report = ran.stdout === '' ? undefined : (JSON.parse(ran.stdout) as Report)
  return { ...ran, report, told: () => `exit ${ran.code}: ${ran.stderr}\n${JSON.stringify(report?.verdicts, null, 1)}` }
}

/** All that did not pass, but for what this machine was too busy to tell. */
const faults = (report: Report | undefined) =>
  report?.verdicts.filter(({ outcome, code }) => outcome !== 'pass' && code !== 'runner') ?? []

it('runs the rules of the stage on a roomtone server, and fails by what was not as expected alone', async () => {
  const { code, report, told } = await check(`${example('stage')}  - cy hears ana: {until: cut, level: -40 +-3 dB}\n`)
  const last = Math.max(...(report?.verdicts ?? []).map(({ expectation }) => expectation))
  expect(
    faults(report).filter(({ expectation }) => expectation < last),
    told(),
  ).toEqual([])
  expect(report?.verdicts.find((one) => one.expectation === last && one.what === 'level')?.outcome, told()).toBe('fail')
  expect(code, told()).toBe(1)
})

it('refuses a file that cannot be run, with its lines, before anything is started', async () => {
  const { code, stderr, stdout } = await check(
    'check: a\nactors: {ana: {role: host}}\nsteps: [ana startz]\nexpect: no echo\n',
  )
  expect(stderr).toContain('a.check.yaml:3:9: "startz" is nothing that an actor does: did you mean "starts"?')
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
})

it.skipIf(noLivekit !== null)('runs on a livekit-server that knows nothing of roomtone', async () => {
  const env = { LIVEKIT_API_KEY: livekit!.key, LIVEKIT_API_SECRET: livekit!.secret }
  const { code, report, told } = await check(example('livekit'), env, '--url', livekit!.url)
  expect(faults(report), told()).toEqual([])
  expect(code, told()).toBe(report?.verdicts.some(({ outcome }) => outcome === 'inconclusive') ? 3 : 0)
  expect(report?.actors.find(({ name }) => name === 'bob')?.left?.reason, told()).toBe('kicked')
})
