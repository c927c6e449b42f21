import type { AudioSink, Channels } from '../frame.ts'

/** The speaker named `none`: hears all, plays nothing. */
export const createNoneSink = (channels: Channels = 1): AudioSink => ({
  channels,
  write: () => {},
  close: async () => {},
})
