import { toChannels } from './channels.ts'
import { type Channels, FRAME_SAMPLES, SAMPLE_RATE } from './frame.ts'

export type Resampler = {
  /** Samples of one channel in -1..1 at the input rate; gives what is ready at the output rate. */
  process(input: Float32Array): Float32Array
  /** The tail that the filter still holds back. Nothing may follow. */
  flush(): Float32Array
}

/**
 * A streaming polyphase resampler for one channel. The filter is a Kaiser-windowed sinc of 64 taps per phase (more
 * when going down), about 100 dB in the stop band; its delay is taken out, so sample n of the output stands at the
 * same time as in the input.
 */
export const createResampler = (fromRate: number, toRate: number = SAMPLE_RATE): Resampler => {
  if (fromRate === toRate) return { process: (input) => input, flush: () => new Float32Array(0) }
  const { up, down, taps, phases } = filterFor(fromRate, toRate)
  const half = taps / 2
  // Half a filter of silence in front makes the output begin at the first input sample.
  let history = new Float32Array(half - 1)
  let position = 0
  let phase = 0
  let taken = 0
  let given = 0

  const run = (input: Float32Array): Float32Array => {
    const samples = new Float32Array(history.length + input.length)
    samples.set(history)
    samples.set(input, history.length)
    const output = new Float32Array(Math.max(0, Math.ceil(((samples.length - taps - position + 1) * up) / down) + 1))
    let count = 0
    while (position + taps <= samples.length) {
      let sum = 0
      const base = phase * taps
      for (let i = 0; i < taps; i++) sum += samples[position + i]! * phases[base + i]!
      output[count++] = sum
      phase += down
      position += Math.floor(phase / up)
      phase %= up
    }
    const kept = Math.min(position, samples.length)
    history = samples.slice(kept)
    position -= kept
    given += count
    return output.subarray(0, count)
  }

  return {
    process: (input) => {
      taken += input.length
      return run(input)
    },
    flush: () => {
      const wanted = Math.max(0, Math.round((taken * up) / down) - given)
      return run(new Float32Array(taps)).subarray(0, wanted)
    },
  }
}

/**
 * Turns PCM of any rate and channel count into whole frames of 10 ms at 48 kHz. Rate and channels may change between
 * two calls (the first frames out of WebRTC come at 16 kHz); a change starts a new filter and a new frame: what did not
 * fill one would delay all that comes.
 */
export const createFrameAdapter = (channels: Channels, onFrame: (frame: Int16Array) => void) => {
  const frame = new Int16Array(FRAME_SAMPLES * channels)
  let filled = 0
  let lanes: Resampler[] = []
  let format = ''
  let converted = new Int16Array(0)

  const inChannels = (samples: Int16Array, from: Channels): Int16Array => {
    const length = (samples.length / from) * channels
    if (converted.length !== length) converted = new Int16Array(length)
    return toChannels(samples, from, converted, channels)
  }

  const emit = (samples: ArrayLike<number>) => {
    for (let i = 0; i < samples.length; i++) {
      frame[filled++] = samples[i]!
      if (filled < frame.length) continue
      onFrame(frame)
      filled = 0
    }
  }

  return {
    /** Interleaved 16-bit samples. The frame handed on is reused: copy what must stay. */
    push: (samples: Int16Array, sampleRate: number, fromChannels: Channels) => {
      const next = `${sampleRate}/${fromChannels}`
      if (next !== format) {
        lanes = Array.from({ length: channels }, () => createResampler(sampleRate))
        filled = 0
        format = next
      }
      if (sampleRate === SAMPLE_RATE)
        return emit(fromChannels === channels ? samples : inChannels(samples, fromChannels))
      const lanesOut = splitChannels(samples, fromChannels, channels).map((lane, i) => lanes[i]!.process(lane))
      emit(toInt16(lanesOut))
    },
  }
}

/** Interleaves channels in -1..1 into 16-bit samples, rounded and clipped. */
export const toInt16 = (lanes: Float32Array[]): Int16Array => {
  const count = lanes.length
  const output = new Int16Array(lanes[0]!.length * count)
  for (let channel = 0; channel < count; channel++) {
    const lane = lanes[channel]!
    for (let i = 0; i < lane.length; i++) {
      output[i * count + channel] = Math.max(-32768, Math.min(32767, Math.round(lane[i]! * 32768)))
    }
  }
  return output
}

/** Takes interleaved samples apart into the wanted number of channels: mono is doubled, stereo averaged. */
const splitChannels = (samples: Int16Array, from: Channels, to: Channels): Float32Array[] =>
  Array.from({ length: to }, (_, channel) =>
    Float32Array.from({ length: samples.length / from }, (_, i) =>
      from > to
        ? (samples[2 * i]! + samples[2 * i + 1]!) / 65536
        : samples[i * from + Math.min(channel, from - 1)]! / 32768,
    ),
  )

type Filter = { up: number; down: number; taps: number; phases: Float32Array }

const TAPS = 64
const KAISER_BETA = 10
const filters = new Map<string, Filter>()

const filterFor = (fromRate: number, toRate: number): Filter => {
  const key = `${fromRate}/${toRate}`
  const known = filters.get(key)
  if (known) return known
  const filter = designFilter(fromRate, toRate)
  filters.set(key, filter)
  return filter
}

const designFilter = (fromRate: number, toRate: number): Filter => {
  const divisor = greatestCommonDivisor(fromRate, toRate)
  const up = toRate / divisor
  const down = fromRate / divisor
  const narrowing = Math.min(1, toRate / fromRate)
  const taps = 2 * Math.ceil(TAPS / narrowing / 2)
  // The transition band (a tenth of the lower rate with this window) ends at the lower Nyquist frequency.
  const cutoff = 0.455 * narrowing
  const phases = new Float32Array(up * taps)
  for (let phase = 0; phase < up; phase++) {
    let sum = 0
    for (let tap = 0; tap < taps; tap++) {
      const offset = tap - (taps / 2 - 1) - phase / up
      const weight = 2 * cutoff * sinc(2 * cutoff * offset) * kaiser(offset / (taps / 2))
      phases[phase * taps + tap] = weight
      sum += weight
    }
    // Every phase passes a constant unchanged, so no phase pattern is heard.
    for (let tap = 0; tap < taps; tap++) phases[phase * taps + tap]! /= sum
  }
  return { up, down, taps, phases }
}

const greatestCommonDivisor = (a: number, b: number): number => (b === 0 ? a : greatestCommonDivisor(b, a % b))

const sinc = (x: number) => (x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x))

const kaiser = (x: number) =>
  Math.abs(x) >= 1 ? 0 : bessel0(KAISER_BETA * Math.sqrt(1 - x * x)) / bessel0(KAISER_BETA)

/** Modified Bessel function of the first kind, order zero, by its power series. */
const bessel0 = (x: number) => {
  let term = 1
  let sum = 1
  for (let k = 1; term > sum * 1e-12; k++) {
    term *= (x / (2 * k)) ** 2
    sum += term
  }
  return sum
}
