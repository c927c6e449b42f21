import type { LivekitOptions, LivekitServer } from './livekit-server.ts'

/** The end-to-end tests run once on each media plane: vitest.config.ts has a project for either. */
export const onLivekit = process.env.ROOMTONE_TEST_MEDIA === 'livekit'

export type ProjectMedia = LivekitServer | undefined

/** A livekit-server of its own where the project is on one; undefined where it is on the embedded media server. */
export const startProjectMedia = async (options: LivekitOptions = {}): Promise<ProjectMedia> => {
  if (!onLivekit) return undefined
  const { startLivekitServer } = await import('./livekit-server.ts')
  return startLivekitServer(options)
}
