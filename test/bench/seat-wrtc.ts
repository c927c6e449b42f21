// The least that hears a room by what a seat is made of: wrtc under livekit-client, and nothing done with what comes.
import { connectMedia } from '../../src/client/media.ts'

const [url, token] = process.argv.slice(2) as [string, string]
const heard = new Set<string>()
const onPcm = (_id: string, trackId: string) => {
  if (heard.size < heard.add(trackId).size) console.log(`hears ${heard.size}`)
}
const media = await connectMedia({ url, token, onEvent: () => {}, onPcm })
process.once('SIGINT', async () => {
  await media.close()
  process.exit(0)
})
