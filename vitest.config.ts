import { defineConfig } from 'vitest/config'

const project = (name: string, timeoutMs: number) => ({
  test: {
    name,
    include: [`test/${name}/**/*.test.{ts,tsx}`, ...(name === 'unit' ? ['test/architecture.test.ts'] : [])],
    // wrtc and node-datachannel abort in worker threads.
    pool: 'forks' as const,
    testTimeout: timeoutMs,
    hookTimeout: timeoutMs,
  },
})

export default defineConfig({
  test: {
    projects: [project('unit', 20_000), project('integration', 60_000), project('e2e', 120_000)],
    maxWorkers: 2,
    reporters: ['default'],
  },
})
