import type { Log } from './deps.ts'

/**
 * How this server learns who comes and goes at its media server. `webhooks`: it is told at once. `polling`: it looks
 * once a second, as livekit-server sends webhooks only to the URLs of its own configuration.
 */
export type MediaWatchMode = 'webhooks' | 'polling'

export type MediaWatch = {
  mode(): MediaWatchMode
  /** A webhook came, signed with our key. */
  heard(): void
  /** A look found that somebody came or went: a webhook should have told so. */
  sawNews(): void
  /** Looks as soon as no other look is under way. */
  lookNow(): void
  begin(): void
  close(): Promise<void>
}

type Options = {
  mode: MediaWatchMode
  log: Log
  look(): Promise<void>
  /** How soon to look again although webhooks come; null where nothing is left undone. */
  hurryMs(): number | null
}

const pollMs = 1_000
// With webhooks: a look for what a lost one would have told.
const safetyMs = 10_000
const lateMs = 3_000

export const createMediaWatch = ({ mode: first, log, look, hurryMs }: Options): MediaWatch => {
  let mode = first
  let heardAt = performance.now()
  let newsAt: number | null = null
  let lookedAt = Number.NEGATIVE_INFINITY
  let looking: Promise<void> | null = null
  let timer: NodeJS.Timeout | undefined

  const tick = () => {
    if (newsAt !== null && performance.now() - newsAt > lateMs) {
      mode = 'polling'
      newsAt = null
      log('warn', 'media-webhooks-ceased', {
        message: 'No webhook told who came or went: looking once a second from now on.',
      })
    }
    const waitMs = hurryMs() ?? (mode === 'polling' ? pollMs : safetyMs)
    if (looking || performance.now() - lookedAt < waitMs - tickMs / 2) return
    lookedAt = performance.now()
    looking = look()
      // Told by the media service, or by the store.
      .catch((error: Error) => log('warn', 'media-not-seen', { message: error.message }))
      .finally(() => {
        looking = null
      })
  }
  return {
    mode: () => mode,
    heard: () => {
      heardAt = performance.now()
      newsAt = null
      if (mode === 'webhooks') return
      mode = 'webhooks'
      log('info', 'media-webhooks', { message: 'The media server tells who comes and goes by webhook.' })
    },
    sawNews: () => {
      // One that came a moment ago may have told it; one that is late may still do so.
      if (mode === 'webhooks' && performance.now() - heardAt > safetyMs + lateMs) newsAt ??= performance.now()
    },
    lookNow: () => {
      lookedAt = Number.NEGATIVE_INFINITY
    },
    begin: () => {
      timer = setInterval(tick, tickMs)
      tick()
    },
    close: async () => {
      clearInterval(timer)
      await looking
    },
  }
}

const tickMs = 100
