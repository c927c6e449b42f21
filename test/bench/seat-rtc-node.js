// The least that hears a room by @livekit/rtc-node: every track as frames of 10 ms at 48 kHz.
import { AudioStream, Room, RoomEvent } from '@livekit/rtc-node'

const [url, token] = process.argv.slice(2)
const room = new Room()
const heard = new Set()
room.on(RoomEvent.TrackSubscribed, async (track) => {
  const reader = new AudioStream(track, 48_000, 1).getReader()
  for (;;) {
    const { done } = await reader.read()
    if (done) return
    if (heard.size < heard.add(track.sid).size) console.log(`hears ${heard.size}`)
  }
})
process.once('SIGINT', async () => {
  await room.disconnect()
  process.exit(0)
})
await room.connect(url, token, { autoSubscribe: true, dynacast: false })
