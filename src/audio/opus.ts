import { audioError } from './audio-error.ts'
import { type Channels, SAMPLE_RATE } from './frame.ts'

/** `native` is libopus compiled for this machine, `wasm` the same library as WebAssembly. */
export type OpusEngine = 'native' | 'wasm'

/** `voip` favours intelligible speech, `audio` fidelity (RFC 6716, section 2.1). */
type OpusApplication = 'voip' | 'audio'

export type OpusEncoder = {
  readonly engine: OpusEngine
  /** Interleaved PCM of 2.5, 5, 10, 20, 40 or 60 ms at 48 kHz; any other length throws `bad-frame`. */
  encode(frame: Int16Array): Uint8Array
  close(): void
}

export type OpusDecoder = {
  readonly engine: OpusEngine
  /** One packet of up to 60 ms; gives interleaved PCM at 48 kHz. Broken packets throw `bad-packet`. */
  decode(packet: Uint8Array): Int16Array
  close(): void
}

export type OpusEncoderOptions = {
  channels: Channels
  /** Bits per second, 6000 to 510000. */
  bitrate?: number
  application?: OpusApplication
  /** Which engine to use; the native one when it loads, unless said. */
  engine?: OpusEngine
}

/** Which engine a codec made now would use. */
export const opusEngine = async (): Promise<OpusEngine> => ((await nativeCodec()) ? 'native' : 'wasm')

export const createOpusEncoder = async ({
  channels,
  bitrate = 32_000 * channels,
  application = 'audio',
  engine,
}: OpusEncoderOptions): Promise<OpusEncoder> => {
  checkChannels(channels)
  if (!Number.isInteger(bitrate) || bitrate < 6000 || bitrate > 510_000) {
    throw audioError('bad-input', `An Opus bitrate is between 6000 and 510000 bits per second, not ${bitrate}.`)
  }
  const codec = await openCodec(channels, engine)
  codec.control(SET_APPLICATION, APPLICATIONS[application])
  codec.control(SET_BITRATE, bitrate)
  return {
    engine: codec.engine,
    encode: (frame) => {
      const frameSize = frame.length / channels
      // libopus answers an illegal length with a negative size, which the native binding takes for a length: it aborts.
      if (!FRAME_SIZES.has(frameSize)) {
        throw audioError('bad-frame', `Opus cannot encode ${frameSize} samples per channel: 10 ms are 480.`)
      }
      return codec.encode(bytesOf(frame), frameSize)
    },
    close: codec.close,
  }
}

export const createOpusDecoder = async ({
  channels,
  engine,
}: {
  channels: Channels
  engine?: OpusEngine
}): Promise<OpusDecoder> => {
  checkChannels(channels)
  const codec = await openCodec(channels, engine)
  return {
    engine: codec.engine,
    decode: (packet) => {
      if (packet.length === 0 || packet.length > MAX_PACKET_BYTES) {
        throw audioError('bad-packet', `An Opus packet has 1 to ${MAX_PACKET_BYTES} bytes, not ${packet.length}.`)
      }
      try {
        return samplesOf(codec.decode(Buffer.from(packet.buffer, packet.byteOffset, packet.length)))
      } catch (error) {
        throw audioError('bad-packet', 'This Opus packet is damaged.', error)
      }
    },
    close: codec.close,
  }
}

/**
 * How many samples per channel at 48 kHz a packet holds, told by its first bytes alone (RFC 6716, section 3.1);
 * 0 for a packet that cannot be.
 */
export const opusPacketSamples = (packet: Uint8Array): number => {
  if (packet.length === 0) return 0
  const configuration = packet[0]! >> 3
  const frames = [1, 2, 2, packet.length > 1 ? packet[1]! & 63 : 0][packet[0]! & 3]!
  if (configuration >= 16) return frames * (120 << (configuration & 3))
  if (configuration >= 12) return frames * (480 << (configuration & 1))
  return frames * [480, 960, 1920, 2880][configuration & 3]!
}

const FRAME_SIZES = new Set([120, 240, 480, 960, 1920, 2880])
/** Three frames of the largest size: what one packet of 60 ms can take (RFC 6716, section 3.4). */
const MAX_PACKET_BYTES = 1276 * 3
const MAX_FRAME_SAMPLES = 2880
const SET_APPLICATION = 4000
const SET_BITRATE = 4002
const APPLICATIONS = { voip: 2048, audio: 2049 } as const

type Codec = {
  engine: OpusEngine
  encode(pcm: Buffer, frameSize: number): Buffer
  decode(packet: Buffer): Buffer
  control(request: number, value: number): void
  close(): void
}

const checkChannels = (channels: number) => {
  if (channels !== 1 && channels !== 2) {
    throw audioError('bad-input', `Opus here has 1 or 2 channels, not ${channels}.`)
  }
}

const openCodec = async (channels: Channels, engine?: OpusEngine): Promise<Codec> => {
  if (engine === 'wasm') return openWasm(channels)
  const native = await nativeCodec()
  if (native) return openNative(native, channels)
  if (engine === 'native') throw audioError('bad-input', 'The native Opus codec (@discordjs/opus) does not load here.')
  return openWasm(channels)
}

const openNative = (native: NativeModule, channels: Channels): Codec => {
  const codec = new native.OpusEncoder(SAMPLE_RATE, channels)
  return {
    engine: 'native',
    encode: (pcm) => codec.encode(pcm),
    decode: (packet) => codec.decode(packet),
    control: (request, value) => codec.applyEncoderCTL(request, value),
    close: () => {},
  }
}

/**
 * opusscript's own wrapper writes PCM at twice the address it was given and so into its neighbours' memory: two codecs
 * at once crash. Its compiled module is sound, so we drive that. It moves PCM as one byte per 16-bit word.
 */
const openWasm = async (channels: Channels): Promise<Codec> => {
  const module = await wasmModule()
  const handler = new module.OpusScriptHandler(SAMPLE_RATE, channels, APPLICATIONS.audio)
  const pcmBytes = MAX_FRAME_SAMPLES * channels * 2
  const pcmAt = module._malloc(pcmBytes * 2)
  const packetAt = module._malloc(MAX_PACKET_BYTES)
  // The heap may grow and move: every call takes its view anew.
  const pcmView = (count: number) => module.HEAPU16.subarray(pcmAt / 2, pcmAt / 2 + count)
  return {
    engine: 'wasm',
    encode: (pcm, frameSize) => {
      pcmView(pcm.length).set(pcm)
      const length = checkWasm(handler._encode(pcmAt, pcm.length, packetAt, frameSize))
      return Buffer.from(module.HEAPU8.subarray(packetAt, packetAt + length))
    },
    decode: (packet) => {
      module.HEAPU8.set(packet, packetAt)
      const samples = checkWasm(handler._decode(packetAt, packet.length, pcmAt))
      return Buffer.from(pcmView(samples * channels * 2))
    },
    control: (request, value) => void checkWasm(handler._encoder_ctl(request, value)),
    close: () => {
      module.OpusScriptHandler.destroy_handler(handler)
      module._free(pcmAt)
      module._free(packetAt)
    },
  }
}

const checkWasm = (result: number): number => {
  if (result < 0) throw new Error(`libopus error ${result}`)
  return result
}

type WasmHandler = {
  _encode(pcmAt: number, pcmBytes: number, packetAt: number, frameSize: number): number
  _decode(packetAt: number, packetBytes: number, pcmAt: number): number
  _encoder_ctl(request: number, value: number): number
}

type WasmModule = {
  readonly HEAPU8: Uint8Array
  readonly HEAPU16: Uint16Array
  _malloc(bytes: number): number
  _free(address: number): void
  OpusScriptHandler: {
    new (sampleRate: number, channels: number, application: number): WasmHandler
    destroy_handler(handler: WasmHandler): void
  }
}

let wasm: WasmModule | undefined

const wasmModule = async (): Promise<WasmModule> => {
  // @ts-expect-error the package has no types for its compiled module
  const { default: instantiate } = await import('opusscript/build/opusscript_native_wasm.js')
  wasm ??= instantiate() as WasmModule
  return wasm
}

type NativeModule = typeof import('@discordjs/opus')

const nativeCodec = async (): Promise<NativeModule | undefined> => {
  try {
    const { default: native } = (await import('@discordjs/opus')) as unknown as { default: NativeModule }
    return native
  } catch {
    // It is optional: without a compiler it was not installed.
    return undefined
  }
}

const bytesOf = (frame: Int16Array) => Buffer.from(frame.buffer, frame.byteOffset, frame.byteLength)

/** A view where alignment allows one, else a copy. */
const samplesOf = (bytes: Buffer): Int16Array =>
  bytes.byteOffset % 2 === 0
    ? new Int16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2)
    : new Int16Array(Uint8Array.from(bytes).buffer)
