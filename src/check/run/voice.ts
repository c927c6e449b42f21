import { toChannels } from '../../audio/channels.ts'
import { openAudioFile } from '../../audio/files/open.ts'
import { type AudioSource, createFrame } from '../../audio/frame.ts'
import { createMarkerSource } from '../../audio/markers.ts'
import { createSilenceSource } from '../../audio/sources/silence.ts'
import { createToneSource } from '../../audio/sources/tone.ts'
import type { SoundPlan } from '../contract.ts'
import { createFrameLog } from './frames.ts'
import type { ActorOrder, Frames } from './wire.ts'

export type Voice = {
  /** What the microphone reads: always the same one, mono; null where the actor never says anything. */
  source(): AudioSource | null
  /** From the next frame on; with `forMs`, silence after it. */
  say(sound: SoundPlan, forMs: number | null): Promise<void>
  /** What went out since the last call. */
  take(): Frames | undefined
  close(): Promise<void>
}

/** What an actor says: read only while its microphone is open and connected, and written down as it goes. */
export const createVoice = ({ plays }: ActorOrder, nowMs: () => number): Voice => {
  const log = createFrameLog()
  let current: AudioSource = createSilenceSource(1)
  let input = createFrame(1)
  let leftFrames = Number.POSITIVE_INFINITY
  const opening = plays ? change(plays, null) : Promise.resolve()
  // Told when somebody speaks; a file was opened once before the run.
  opening.catch(() => {})

  async function change(sound: SoundPlan, forMs: number | null): Promise<void> {
    const next = await openSound(sound)
    const before = current
    input = createFrame(next.channels)
    leftFrames = forMs === null ? Number.POSITIVE_INFINITY : Math.ceil(forMs / 10)
    current = next
    await before.close()
  }

  const read = (into: Int16Array) => {
    if (leftFrames <= 0) {
      into.fill(0)
    } else {
      leftFrames--
      const result = current.read(input)
      if (result === 'ended') leftFrames = 0
      toChannels(input, current.channels, into, 1)
    }
    log.add(nowMs(), into)
    // Silence goes on: the microphone of somebody who has said everything is still open.
    return 'frame' as const
  }

  const source: AudioSource = { channels: 1, read, close: async () => {} }
  return {
    source: () => source,
    say: change,
    take: log.take,
    close: () => current.close(),
  }
}

const openSound = async (sound: SoundPlan): Promise<AudioSource> => {
  switch (sound.kind) {
    case 'tone':
      return createToneSource(sound)
    case 'markers':
      return createMarkerSource(sound)
    case 'file':
      return openAudioFile(sound.path)
  }
}
