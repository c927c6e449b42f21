import { FRAME_SAMPLES } from './frame.ts'

/** RNNoise on one voice, which it remembers from frame to frame. */
export type Denoiser = {
  /**
   * Takes what is not voice out of 480 samples, in place: mono, 48 kHz, in the range of 16 bits and not of 1 (as its
   * examples/rnnoise_demo.c feeds it). They come out one frame of 10 ms late, as that demo drops the first. Returns how
   * likely the frame put in holds voice, 0 to 1.
   */
  process(frame: Float32Array): number
  close(): void
}

let loading: Promise<Rnnoise> | undefined

/** Rejects where WebAssembly, or the package, is not to be had. */
export const openDenoiser = async (): Promise<Denoiser> => {
  loading ??= load()
  const rnnoise = await loading
  const state = rnnoise._rnnoise_create(0)
  const address = rnnoise._malloc(FRAME_SAMPLES * Float32Array.BYTES_PER_ELEMENT)
  const first = address / Float32Array.BYTES_PER_ELEMENT
  return {
    process: (frame) => {
      // Looked up each time: memory that grows is another view.
      rnnoise.HEAPF32.set(frame, first)
      const probability = rnnoise._rnnoise_process_frame(state, address, address)
      frame.set(rnnoise.HEAPF32.subarray(first, first + FRAME_SAMPLES))
      return probability
    },
    close: () => {
      rnnoise._rnnoise_destroy(state)
      rnnoise._free(address)
    },
  }
}

/** What of the compiled library is used; its functions are those of rnnoise.h. */
type Rnnoise = {
  HEAPF32: Float32Array
  _malloc(bytes: number): number
  _free(address: number): void
  _rnnoise_create(model: 0): number
  _rnnoise_destroy(state: number): void
  _rnnoise_process_frame(state: number, out: number, from: number): number
}

const load = async (): Promise<Rnnoise> => {
  // @ts-expect-error the package has no types
  const { default: instantiate } = await import('@echogarden/rnnoise-wasm')
  return instantiate()
}
