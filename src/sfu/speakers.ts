/**
 * Who is speaking, from the levels in the packets' header extension. The rules and figures are those of livekit-server
 * (pkg/sfu/audio/audiolevel.go): a track is active when it was louder than -35 dBov for 40 % of the interval.
 */
type Speaker = { participantSid: string; level: number; active: boolean }

export type SpeakerDetector = {
  /** `level` in -dBov (0 loud, 127 silent) of one packet that lasts `durationMs`. */
  observe(trackSid: string, participantSid: string, level: number, durationMs: number): void
  forget(trackSid: string): void
  /** Closes an interval; returns those whose state changed since the last one. */
  update(): Speaker[]
  /** Everyone speaking now, loudest first. */
  active(): Speaker[]
}

export const SPEAKER_INTERVAL_MS = 400
const ACTIVE_LEVEL = 35
const MIN_ACTIVE_MS = SPEAKER_INTERVAL_MS * 0.4
const SMOOTHING = 2 / 3
const LEVEL_STEPS = 8

type Track = { participantSid: string; activeMs: number; loudest: number; smoothed: number }

export const createSpeakerDetector = (): SpeakerDetector => {
  const tracks = new Map<string, Track>()
  let speaking = new Map<string, Speaker>()

  return {
    observe: (trackSid, participantSid, level, durationMs) => {
      const track = tracks.get(trackSid) ?? { participantSid, activeMs: 0, loudest: 127, smoothed: 0 }
      tracks.set(trackSid, track)
      if (level > ACTIVE_LEVEL) return
      track.activeMs += durationMs
      track.loudest = Math.min(track.loudest, level)
    },
    forget: (trackSid) => tracks.delete(trackSid),
    update: () => {
      const next = new Map<string, Speaker>()
      for (const track of tracks.values()) {
        const level = closeInterval(track)
        if (level > 0 && level > (next.get(track.participantSid)?.level ?? 0))
          next.set(track.participantSid, { participantSid: track.participantSid, level, active: true })
      }
      const changes = [...next.values()].filter((now) => speaking.get(now.participantSid)?.level !== now.level)
      for (const { participantSid } of speaking.values())
        if (!next.has(participantSid)) changes.push({ participantSid, level: 0, active: false })
      speaking = next
      return changes
    },
    active: () => [...speaking.values()].sort((a, b) => b.level - a.level),
  }
}

const closeInterval = (track: Track): number => {
  const heard = track.activeMs >= MIN_ACTIVE_MS
  // The level is weighed by how much of the interval was speech, as livekit-server does.
  const activity = Math.min(1, track.activeMs / SPEAKER_INTERVAL_MS)
  const linear = heard ? 10 ** ((-track.loudest + 20 * Math.log10(activity)) / 20) : 0
  track.smoothed += (linear - track.smoothed) * SMOOTHING
  track.activeMs = 0
  track.loudest = 127
  const floor = 10 ** (-ACTIVE_LEVEL / 20)
  if (track.smoothed < floor) {
    if (!heard) track.smoothed = 0
    return heard ? floor : 0
  }
  // Coarse steps, so that an even voice does not make a message every interval.
  return Math.ceil(track.smoothed * LEVEL_STEPS) / LEVEL_STEPS
}
