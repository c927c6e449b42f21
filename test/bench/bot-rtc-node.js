// The least that plays a file by @livekit/rtc-node: a WAV of 48 kHz and 16 bits, one channel, at 96 kbit/s, in a loop.
import { readFileSync } from 'node:fs'
import { AudioFrame, AudioSource, LocalAudioTrack, Room, TrackPublishOptions, TrackSource } from '@livekit/rtc-node'

const [url, token, file, frameMs] = process.argv.slice(2)
const bytes = readFileSync(file).subarray(44)
const samples = new Int16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2)
const frameSamples = 48 * Number(frameMs)
const room = new Room()
process.once('SIGINT', async () => {
  await room.disconnect()
  process.exit(0)
})
await room.connect(url, token, { autoSubscribe: false, dynacast: false })
const source = new AudioSource(48_000, 1)
const track = LocalAudioTrack.createAudioTrack('program', source)
await room.localParticipant.publishTrack(
  track,
  new TrackPublishOptions({
    source: TrackSource.SOURCE_MICROPHONE,
    audioEncoding: { maxBitrate: 96_000n },
    dtx: false,
    red: false,
  }),
)
console.log('on air')
for (;;)
  for (let at = 0; at + frameSamples <= samples.length; at += frameSamples)
    await source.captureFrame(new AudioFrame(samples.slice(at, at + frameSamples), 48_000, 1, frameSamples))
