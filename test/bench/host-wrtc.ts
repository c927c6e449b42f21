// The least that sends a stream by what a bot is made of: wrtc under livekit-client, and frames that are all ready in memory.
import { readFileSync } from 'node:fs'
import { startFrameClock } from '../../src/audio/clock.ts'
import { createFrame, FRAME_SAMPLES } from '../../src/audio/frame.ts'
import { connectMedia } from '../../src/client/media.ts'

const [url, token, file] = process.argv.slice(2) as [string, string, string]
const bytes = readFileSync(file).subarray(44)
const samples = new Int16Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length))
const frames = Math.floor(samples.length / FRAME_SAMPLES)
const media = await connectMedia({ url, token, onEvent: () => {}, onPcm: () => {} })
const track = await media.publish({ muted: false, channels: 1, music: true, onTaken: () => {} })
const frame = createFrame(1)
startFrameClock({
  onFrame: (index) => {
    const at = (index % frames) * FRAME_SAMPLES
    frame.set(samples.subarray(at, at + FRAME_SAMPLES))
    track.write(frame)
  },
})
console.log('on air')
process.once('SIGINT', async () => {
  await media.close()
  process.exit(0)
})
