import { setTimeout as sleep } from 'node:timers/promises'
import { connectMedia, type Media, type MediaEvent, type MediaOptions } from '../../src/client/media.ts'
import { createToneMeter, type ToneMeter } from './media-tone.ts'

export type WrtcPeer = {
  readonly media: Media
  events: MediaEvent[]
  /** Frequency heard in the last 200 ms, by publisher identity; 0 is silence, undefined is nothing at all. */
  heardHz(identity: string): number | undefined
  /** How many channels came from that publisher. */
  channelsOf(identity: string): number | undefined
  publishTone(
    hz: number,
    channels?: 1 | 2,
  ): Promise<{ setMuted(muted: boolean): Promise<void>; close(): Promise<void> }>
  close(): Promise<void>
}

const TICK_MS = 10
const TRY_AGAIN_MS = 200

/**
 * A participant on livekit-client with @roamhq/wrtc: what the program itself uses. One that `comesBack` joins anew when its
 * connection is lost, and publishes what it published, as a session does.
 */
export const joinWrtc = async (
  url: string,
  token: string,
  { comesBack = false }: { comesBack?: boolean } = {},
): Promise<WrtcPeer> => {
  const channelCounts = new Map<string, number>()
  const heard = new Map<string, ToneMeter>()
  const events: MediaEvent[] = []
  const timers: NodeJS.Timeout[] = []
  const republish: (() => Promise<unknown>)[] = []
  const closing = new AbortController()
  let isComing = false
  const onEvent = (event: MediaEvent) => {
    events.push(event)
    // One loss is told as often as it is seen.
    if (comesBack && !isComing && event.type === 'disconnected' && event.end === 'lost') void comeBack()
  }
  const connect = () => connectMedia({ url, token, onEvent, onPcm })
  const comeBack = async () => {
    isComing = true
    await media.close()
    while (!closing.signal.aborted) {
      const next = await connect().catch(() => sleep(TRY_AGAIN_MS))
      if (!next) continue
      media = next
      if (closing.signal.aborted) return media.close()
      for (const again of republish) await again()
      isComing = false
      return
    }
  }
  const onPcm: MediaOptions['onPcm'] = (id, _trackId, samples, sampleRate, channels) => {
    if (sampleRate !== 48_000) return
    const mono = channels === 2 ? samples.filter((_, index) => index % 2 === 0) : samples
    channelCounts.set(id, channels)
    const meter = heard.get(id) ?? createToneMeter()
    heard.set(id, meter)
    meter.add(mono)
  }
  let media = await connect()
  return {
    get media() {
      return media
    },
    events,
    heardHz: (identity) => heard.get(identity)?.hz(),
    channelsOf: (identity) => channelCounts.get(identity),
    publishTone: async (hz, channels = 1) => {
      const open = () => media.publish({ muted: false, channels, music: true, onTaken: () => {} })
      let publication = await open()
      republish.push(async () => {
        publication = await open()
      })
      const frame = new Int16Array(480 * channels)
      const startMs = performance.now()
      let sent = 0
      timers.push(
        setInterval(() => {
          for (; sent * TICK_MS < performance.now() - startMs; sent += 1) {
            // The right channel, where there is one, stays silent.
            for (let i = 0; i < 480; i += 1)
              frame[i * channels] = 8000 * Math.sin((2 * Math.PI * hz * (sent * 480 + i)) / 48_000)
            publication.write(frame)
          }
        }, TICK_MS),
      )
      return publication
    },
    close: async () => {
      closing.abort()
      for (const timer of timers) clearInterval(timer)
      await media.close()
    },
  }
}
