// The least that hears by @livekit/rtc-node: joins and writes what it hears to stdout, s16le, 48 kHz, mono.
import { AudioStream, Room, RoomEvent } from '@livekit/rtc-node'

const [url, token] = process.argv.slice(2)
const room = new Room()
process.once('SIGINT', async () => {
  await room.disconnect()
  process.exit(0)
})
room.on(RoomEvent.TrackSubscribed, async (track) => {
  for await (const { data } of new AudioStream(track, 48_000, 1))
    process.stdout.write(Buffer.from(data.buffer, data.byteOffset, data.byteLength))
})
await room.connect(url, token, { autoSubscribe: true, dynacast: false })
