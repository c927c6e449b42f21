/** Everything in roomtone speaks one frame: 10 ms of interleaved signed 16-bit samples at 48 kHz. */
export const SAMPLE_RATE = 48_000
export const FRAME_MS = 10
/** Samples per channel in one frame. */
export const FRAME_SAMPLES = 480

export type Channels = 1 | 2

/**
 * What one `read` gave: `frame` (all samples are real), `starved` (the source is late; silence was filled in),
 * `ended` (nothing more will come; what was left stands at the start, silence after it).
 */
export type ReadResult = 'frame' | 'starved' | 'ended'

/** Gives PCM. `read` never blocks and never allocates: the caller owns the buffer of `FRAME_SAMPLES * channels`. */
export type AudioSource = {
  readonly channels: Channels
  read(into: Int16Array): ReadResult
  /**
   * What is live has a clock of its own: each frame is handed over as it comes, until the returned function is called,
   * and `read` starves meanwhile. The frame is the source's again when the call returns.
   */
  listen?(onFrame: (frame: Int16Array) => void): () => void
  close(): Promise<void>
}

/** Takes PCM. `write` never blocks; the frame belongs to the caller again when it returns. */
export type AudioSink = {
  readonly channels: Channels
  write(frame: Int16Array): void
  close(): Promise<void>
}

export const createFrame = (channels: Channels): Int16Array => new Int16Array(FRAME_SAMPLES * channels)
