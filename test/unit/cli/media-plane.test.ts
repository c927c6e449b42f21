import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { mediaPlane } from '../../../src/cli/media-plane.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'rt-plane-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const pair = { LIVEKIT_API_KEY: 'k', LIVEKIT_API_SECRET: 's' }

it('is a LiveKit server elsewhere with all three variables', async () => {
  expect(await mediaPlane({ ...pair, LIVEKIT_URL: 'wss://l' }, folder)).toEqual({
    url: 'wss://l',
    apiKey: 'k',
    apiSecret: 's',
  })
})

it('is the embedded one with key and secret alone', async () => {
  expect(await mediaPlane(pair, folder)).toEqual({ url: undefined, apiKey: 'k', apiSecret: 's' })
})

it('has random keys that are kept for their owner alone', async () => {
  const first = await mediaPlane({}, folder)
  expect(await mediaPlane({}, folder)).toEqual(first)
  expect(first.apiSecret.length).toBeGreaterThan(40)
  expect(statSync(join(folder, 'media-keys.json')).mode & 0o777).toBe(0o600)
})

it.each([
  [{ LIVEKIT_URL: 'wss://l' }],
  [{ LIVEKIT_API_KEY: 'k' }],
  [{ LIVEKIT_URL: 'wss://l', LIVEKIT_API_SECRET: 's' }],
  [{ ...pair, LIVEKIT_URL: 'nonsense' }],
])('refuses incomplete variables %j', async (env) => {
  await expect(mediaPlane(env, folder)).rejects.toMatchObject({ code: 'bad-input' })
})
