import type { AudioSource, Channels } from '../audio/frame.ts'
import { SILENCE_DB } from '../audio/level.ts'
import { startPump } from '../audio/pump.ts'
import { createSilenceSource } from '../audio/sources/silence.ts'
import type { Media, Publication } from './media.ts'

export type MicrophoneOptions = {
  /** A device is read on while muted, so that talking unheard can be told; any other source waits. */
  isDevice: boolean
  music?: boolean
  onSending(isSending: boolean): void
  /** The source has ended; its last frame has gone out. */
  onEnded?(): void
  onProblem(message: string): void
}

export type Microphone = {
  setSource(source: AudioSource | null): void
  /** The connection to publish on; null while there is none. */
  setMedia(media: Media | null): void
  setMayPublish(mayPublish: boolean): void
  /** The link is down for now: a source that is no device waits, so that nothing of it is lost. */
  setHeld(isHeld: boolean): void
  /** Resolves when it is so: muted means that the last frame that was open has gone out, and the server knows. */
  setMuted(muted: boolean): Promise<void>
  /** Whole dBFS of the loudest frame since the last call, as spoken, also while muted. */
  takeLevel(): { levelDb: number; isTalkingWhileMuted: boolean }
  isPublished(): boolean
  /** Takes the track down and puts up a new one: what is published is broken in a way that nobody was told of. */
  republish(): void
  /** Frames of 10 ms of sources that have gone out, open and connected. */
  sentFrames(): number
  close(): Promise<void>
}

const RETRY_MS = 500
/** What is written to a track leaves in packets of two frames; one more is time for the last packet to be made and sent. */
const FRAMES_TO_LEAVE = 3
/**
 * Silence so late is left out: sent in a burst, every receiver's jitter buffer would hold it, and get rid of it again by
 * playing the sound behind it faster.
 */
const LATE_FRAMES = 4
const TALKING_DB = -40
const TALKING_HOLD_MS = 1_500

/** The speaking side: brings the track, its mute and the pump to what is wished, one step after the other. */
export const startMicrophone = (options: MicrophoneOptions): Microphone => {
  const { isDevice, onSending, onProblem } = options
  const wish = { muted: true, mayPublish: false, closed: false, held: false }
  let source: AudioSource | null = null
  let media: Media | null = null
  let published: Published | undefined
  let steps = Promise.resolve()
  let retry: NodeJS.Timeout | undefined
  let loudestDb = SILENCE_DB
  let talkedAtMs = Number.NEGATIVE_INFINITY
  let sentFrames = 0
  let ended: AudioSource | undefined
  let isStale = false
  let abandon: (reason: Error) => void = () => {}

  const feed = () => {
    if (!published) return
    const isRead = source && source !== ended && (isDevice || (!wish.muted && !wish.held))
    published.setMuted(wish.muted)
    published.setSource(isRead ? source! : published.silence)
  }

  const open = async (on: Media, from: AudioSource): Promise<Published> => {
    const { channels } = from
    let opened: Published | undefined
    // The wish may change while the track is on its way; what was published is what this says.
    const isMuted = wish.muted
    const publishing = on.publish({
      muted: isMuted,
      channels,
      music: options.music ?? channels === 2,
      onTaken: () => opened && lose(opened),
    })
    const track = await Promise.race([publishing, abandoned()]).catch((error) => {
      void publishing.then((late) => late.close()).catch(() => {})
      throw error
    })
    const silence = createSilenceSource(channels)
    let current: AudioSource = silence
    let leaving: { frames: number; resolve(): void } | undefined
    const pump = startPump({
      source: silence,
      channels,
      muted: wish.muted,
      onFrame: (frame, { levelDb, muted, behind }) => {
        const isLeftOut = behind >= LATE_FRAMES && (muted || levelDb === SILENCE_DB)
        if (!isLeftOut) track.write(frame)
        if (muted && !isLeftOut && leaving && --leaving.frames <= 0) leaving.resolve()
        if (current === silence) return
        loudestDb = Math.max(loudestDb, levelDb)
        if (muted && levelDb > TALKING_DB) talkedAtMs = performance.now()
        if (!muted) sentFrames++
      },
      onEnded: () => {
        ended = current
        options.onEnded?.()
      },
    })
    const setSource = (next: AudioSource) => {
      if (next !== current) pump.setSource(next)
      current = next
    }
    const allGone = () =>
      new Promise<void>((resolve) => {
        leaving = { frames: FRAMES_TO_LEAVE, resolve }
      })
    const stop = () => {
      pump.close()
      leaving?.resolve()
    }
    const setMuted = (muted: boolean) => {
      pump.setMuted(muted)
      if (!muted) leaving?.resolve()
    }
    opened = { media: on, channels, track, silence, isMuted, setSource, setMuted, allGone, stop }
    return opened
  }

  const lose = (taken: Published) => {
    taken.stop()
    if (taken !== published) return
    published = undefined
    onSending(false)
    void settle()
  }

  // A connection that broke answers nothing any more; what comes next must not wait for it.
  const abandoned = () =>
    new Promise<never>((_, reject) => {
      abandon = reject
    })

  const shut = async () => {
    const was = published
    published = undefined
    was?.stop()
    onSending(false)
    const closing = was?.track.close()
    if (was?.media === media) await closing
  }

  const step = async () => {
    clearTimeout(retry)
    const wanted = wish.mayPublish && !wish.closed && source !== null
    const isKept = wanted && !isStale && published?.media === media && published.channels === source?.channels
    isStale = false
    if (published && !isKept) await shut()
    if (!published && wanted && media) published = await open(media, source!)
    if (!published) return
    feed()
    if (published.isMuted !== wish.muted) {
      const isMuted = wish.muted
      await Promise.all([published.track.setMuted(isMuted), isMuted && published.allGone()])
      if (published) published.isMuted = isMuted
    }
    feed()
    tellSending()
  }

  const tellSending = () => onSending(published !== undefined && !published.isMuted && !wish.held)

  const settle = (): Promise<void> => {
    feed()
    steps = steps.then(step).catch((error: Error) => {
      // The right to publish comes and goes by another way than the connection; what is still wished is tried again.
      if (wish.mayPublish && media && !wish.closed) {
        retry = setTimeout(settle, RETRY_MS)
        if ((error as { code?: string }).code !== 'media-unavailable') onProblem(error.message)
      }
    })
    return steps
  }

  return {
    setSource: (next) => {
      source = next
      void settle()
    },
    setMedia: (next) => {
      media = next
      abandon(new Error('the connection was replaced'))
      void settle()
    },
    setMayPublish: (mayPublish) => {
      if (wish.mayPublish === mayPublish) return
      wish.mayPublish = mayPublish
      void settle()
    },
    setHeld: (isHeld) => {
      wish.held = isHeld
      feed()
      tellSending()
    },
    setMuted: (muted) => {
      wish.muted = muted
      return settle()
    },
    takeLevel: () => {
      const levelDb = Math.round(loudestDb)
      loudestDb = SILENCE_DB
      const isTalkingWhileMuted = wish.muted && performance.now() - talkedAtMs < TALKING_HOLD_MS
      return { levelDb, isTalkingWhileMuted }
    },
    isPublished: () => published !== undefined,
    republish: () => {
      isStale = true
      void settle()
    },
    sentFrames: () => sentFrames,
    close: () => {
      wish.closed = true
      return settle()
    },
  }
}

type Published = {
  media: Media
  channels: Channels
  track: Publication
  silence: AudioSource
  isMuted: boolean
  setSource(source: AudioSource): void
  setMuted(muted: boolean): void
  /** Nothing that was open is on its way any more; to be asked when muted. */
  allGone(): Promise<void>
  stop(): void
}
