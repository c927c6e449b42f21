import type { LivekitOptions, LivekitServer } from './livekit-server.ts'

// The end-to-end tests run once on each media plane: vitest.config.ts has a project for either.
export const onLivekit = process.env.ROOMTONE_TEST_MEDIA === 'livekit'

type ProjectMedia = LivekitServer | undefined

/** A livekit-server of its own where the project is on one; undefined where it is on the embedded media server. */
export const startProjectMedia = async (options: LivekitOptions = {}): Promise<ProjectMedia> => {
  if (!onLivekit) return undefined
  const { startLivekitServer } = await import('./livekit-server.ts')
  return startLivekitServer(options)
}

/** What a program is told so that it uses that one. */
export const mediaEnv = (media: ProjectMedia): Record<string, string> =>
  media ? { LIVEKIT_URL: media.url, LIVEKIT_API_KEY: media.key, LIVEKIT_API_SECRET: media.secret } : {}
