import type { AudioSource, Channels } from '../frame.ts'

/** The microphone named `none`: digital silence without end. */
export const createSilenceSource = (channels: Channels = 1): AudioSource => ({
  channels,
  read: (into) => {
    into.fill(0)
    return 'frame'
  },
  close: async () => {},
})
