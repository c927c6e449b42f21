import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { defineConfig } from 'vitest/config'

type Project = {
  name: string
  include: string[]
  exclude?: string[]
  timeoutMs: number
  order: number
  workers: number
  env?: Record<string, string>
}

const project = ({ name, include, exclude = [], timeoutMs, order, workers, env = {} }: Project) => ({
  test: {
    name,
    include,
    exclude,
    env,
    // wrtc and node-datachannel abort in worker threads.
    pool: 'forks' as const,
    testTimeout: timeoutMs,
    hookTimeout: timeoutMs,
    globalSetup: name === 'unit' ? [] : ['test/support/store-template.ts'],
    maxWorkers: workers,
    sequence: { groupOrder: order },
  },
})

const files = (folder: string) => `test/${folder}/**/*.test.{ts,tsx}`

// Sound in real time, and gaps of tens of milliseconds: one file at a time, so that tests do not take each other's time away.
const inRealTime = [
  files('integration/audio'),
  'test/integration/bot/on-air.test.ts',
  'test/integration/cli/devices.test.ts',
  'test/integration/cli/voice-and-music.test.ts',
  'test/integration/sfu/flood.test.ts',
  'test/integration/sfu/pacing.test.ts',
  'test/integration/sfu/spared.test.ts',
]

// The rest of e2e is about one machine's terminal, sound card or embedded server, or, as the demo, knows no other media server.
const ofRooms = [
  'bot-conduct',
  'bot-cut',
  'bot-sound',
  'companion',
  'four-clients',
  'listen',
  'live-edge',
  'stage',
  'stdin',
]

// test/support/livekit-server.ts finds or builds it; here it is only asked whether it will.
const canHaveLivekit =
  process.env.ROOMTONE_LIVEKIT_SERVER !== undefined ||
  [...(process.env.PATH ?? '').split(delimiter), '/usr/local/go/bin', '/usr/lib/go/bin'].some((folder) =>
    ['livekit-server', 'go'].some((program) => existsSync(join(folder, program))),
  )

export default defineConfig({
  test: {
    projects: [
      project({
        name: 'unit',
        include: [files('unit'), 'test/architecture.test.ts'],
        timeoutMs: 20_000,
        order: 0,
        workers: 2,
      }),
      project({
        name: 'integration',
        include: [files('integration')],
        exclude: inRealTime,
        timeoutMs: 60_000,
        order: 1,
        // They wait more than they work: two left half of a machine with two cores idle.
        workers: 3,
      }),
      project({ name: 'sound', include: inRealTime, timeoutMs: 60_000, order: 2, workers: 1 }),
      project({ name: 'e2e', include: [files('e2e')], timeoutMs: 120_000, order: 3, workers: 1 }),
      // The same files once more, with a real livekit-server as media plane.
      project({
        name: 'e2e-livekit',
        include: canHaveLivekit
          ? ofRooms.map((name) => `test/e2e/${name}.test.ts`)
          : ['test/support/without-livekit.test.ts'],
        timeoutMs: 120_000,
        order: 4,
        workers: 1,
        env: { ROOMTONE_TEST_MEDIA: 'livekit' },
      }),
    ],
    reporters: ['default'],
  },
})
