import { type AudioSource, createFrame } from '../frame.ts'
import { crossFade } from '../seams.ts'
import type { VoiceFilter } from '../voice-filter.ts'

export type VoicePath = {
  /** Heard from the next frame on, faded over into; undefined: sound goes through bit by bit. Closes what it replaces. */
  setFilter(filter: VoiceFilter | undefined): void
  /** The same source, mono, by way of the filter. */
  through<T extends AudioSource>(source: T): T
}

/** The way of a voice from its microphone, with a filter that comes and goes while it is spoken. */
export const createVoicePath = (): VoicePath => {
  let active: VoiceFilter | undefined
  let wanted: VoiceFilter | undefined
  const frame = createFrame(1)
  const next = createFrame(1)

  const pass = (samples: Int16Array) => {
    if (wanted === active) return active?.process(samples)
    next.set(samples)
    wanted?.process(next)
    active?.process(samples)
    crossFade(samples, next, 1)
    active?.close()
    active = wanted
  }

  return {
    setFilter: (filter) => {
      if (wanted !== active) wanted?.close()
      wanted = filter
    },
    through: (source) => ({
      ...source,
      read: (into) => {
        const result = source.read(into)
        pass(into)
        return result
      },
      listen:
        source.listen &&
        ((onFrame) =>
          source.listen!((live) => {
            frame.set(live)
            pass(frame)
            onFrame(frame)
          })),
    }),
  }
}
