import type { AudioSource } from '../../audio/frame.ts'
import type { SessionProgram } from '../program/contract.ts'

/** The program as a source that counts the frames for which a sound was not decoded in time. */
export const countStarved = (program: SessionProgram): { source: AudioSource; starvedFrames(): number } => {
  let starved = 0
  return {
    source: {
      channels: program.channels,
      read: (into) => {
        if (!program.isHeld && !program.isPaused && program.ready() !== undefined) starved++
        return program.read(into)
      },
      close: () => program.close(),
    },
    starvedFrames: () => starved,
  }
}
