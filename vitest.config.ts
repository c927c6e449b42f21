import { defineConfig } from 'vitest/config'

type Project = {
  name: string
  include: string[]
  exclude?: string[]
  timeoutMs: number
  order: number
  workers: number
}

const project = ({ name, include, exclude = [], timeoutMs, order, workers }: Project) => ({
  test: {
    name,
    include,
    exclude,
    // wrtc and node-datachannel abort in worker threads.
    pool: 'forks' as const,
    testTimeout: timeoutMs,
    hookTimeout: timeoutMs,
    maxWorkers: workers,
    sequence: { groupOrder: order },
  },
})

const files = (folder: string) => `test/${folder}/**/*.test.{ts,tsx}`

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
        exclude: [files('integration/audio')],
        timeoutMs: 60_000,
        order: 1,
        workers: 2,
      }),
      // Sound in real time: one file at a time, so that tests do not take each other's time away.
      project({ name: 'sound', include: [files('integration/audio')], timeoutMs: 60_000, order: 2, workers: 1 }),
      project({ name: 'e2e', include: [files('e2e')], timeoutMs: 120_000, order: 3, workers: 1 }),
    ],
    reporters: ['default'],
  },
})
