import type { AudioSource } from '../audio/frame.ts'
import { openDenoiser as openRnnoise } from '../audio/rnnoise.ts'
import { createVoicePath } from '../audio/sources/voice.ts'
import { createVoiceFilter } from '../audio/voice-filter.ts'
import { apiError } from '../protocol/errors.ts'

export type SeatNoiseOptions = {
  isWished: boolean
  /** Noise is being taken out from now on, or no longer. */
  onChange(isSuppressed: boolean): void
  /** What a microphone gives goes out as it is, although it was wished otherwise. */
  onProblem(message: string): void
  /** RNNoise unless said. */
  openDenoiser?: typeof openRnnoise
}

export type SeatNoise = {
  /** A microphone device whose noise is taken out, where that is wished; stereo is music and passes untouched. */
  clean<T extends AudioSource>(microphone: T): T
  /** Resolves when it is so; rejects where it cannot be done. */
  setWished(isWished: boolean): Promise<void>
}

/** Suppresses the noise of the voice at a seat's microphone. It is loaded when there is a microphone to use it on. */
export const createSeatNoise = ({
  isWished,
  onChange,
  onProblem,
  openDenoiser = openRnnoise,
}: SeatNoiseOptions): SeatNoise => {
  const path = createVoicePath()
  let wished = isWished
  let hasVoice = false
  let isSuppressed = false
  let steps = Promise.resolve()

  const step = async () => {
    if ((wished && hasVoice) === isSuppressed) return
    path.setFilter(isSuppressed ? undefined : createVoiceFilter(await openDenoiser().catch(refuse)))
    isSuppressed = !isSuppressed
    onChange(isSuppressed)
  }
  const refuse = (cause: Error): never => {
    // Told once, not with each device.
    wished = false
    throw apiError('internal', `Noise cannot be suppressed here, your microphone goes out as it is: ${cause.message}.`)
  }
  const settle = (): Promise<void> => {
    const settled = steps.then(step)
    steps = settled.catch(() => {})
    return settled
  }

  return {
    clean: (microphone) => {
      if (microphone.channels !== 1) return microphone
      hasVoice = true
      settle().catch((error: Error) => onProblem(error.message))
      return path.through(microphone)
    },
    setWished: (next) => {
      wished = next
      return settle()
    },
  }
}
