import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { createReadStream } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { eventually } from './eventually.ts'
import type { ForeignPeer } from './foreign-peer.ts'
import { createToneMeter, type ToneMeter } from './media-tone.ts'

const isThere = spawnSync('chromium', ['--version'], { stdio: 'ignore' }).status === 0

/** Why a browser cannot be tried here, or undefined. */
export const browserMissing = isThere ? undefined : 'chromium is not installed'

export type BrowserPeer = ForeignPeer & {
  /** Resolves when the page is in the room; throws what the page told instead. */
  joined(): Promise<void>
}
export type BrowserOptions = {
  /** Publishes a sine as soon as it is in the room. */
  hz?: number
  /** The SDK's own default unless said: one peer connection for both ways, where the server knows that. */
  singlePeerConnection?: boolean
}

type Command = { publish: number } | { mute: boolean }

/** A participant in a real browser: LiveKit's browser SDK on a page of its own. */
export const joinBrowser = async (url: string, token: string, options: BrowserOptions = {}): Promise<BrowserPeer> => {
  const events: string[] = []
  const commands: Command[] = []
  const heard = new Map<string, ToneMeter>()
  const http = createServer(async (req, res) => {
    const { pathname, searchParams } = new URL(req.url!, 'http://localhost')
    if (pathname === '/livekit.js') return createReadStream(sdk).pipe(res.setHeader('content-type', 'text/javascript'))
    if (pathname === '/sound') {
      const identity = searchParams.get('identity')!
      const meter = heard.get(identity) ?? createToneMeter()
      heard.set(identity, meter)
      const bytes = await readBody(req)
      meter.add(new Int16Array(new Uint8Array(bytes).buffer))
      return res.writeHead(204).end()
    }
    if (pathname === '/tell') {
      const { event } = JSON.parse((await readBody(req)).toString()) as { event?: string }
      if (event !== undefined) events.push(event)
      return res.writeHead(200).end(JSON.stringify(event === undefined ? commands.splice(0) : []))
    }
    sendPage(res, { url, token, ...options })
  })
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  const profile = await mkdtemp(join(tmpdir(), 'roomtone-browser-'))
  const browser = startChromium(profile, `http://127.0.0.1:${(http.address() as AddressInfo).port}/`)
  /** The first new event that begins with one of these words. */
  const next = (from: number, words: RegExp, withinMs: number) =>
    eventually(
      () => {
        const found = events.slice(from).find((event) => words.test(event))
        if (found !== undefined) return found
        throw new Error(`the page told: ${events.join(', ') || 'nothing'}`)
      },
      { withinMs, what: `the page tells ${words}` },
    )
  return {
    events,
    heardHz: (identity) => heard.get(identity)?.hz(),
    joined: async () => {
      const told = await next(0, /^(joined|refused|error)/, 30_000)
      if (told !== 'joined') throw new Error(told)
    },
    publishTone: async (hz) => {
      const from = events.length
      commands.push({ publish: hz })
      const told = await next(from, /^(published|refused)/, 20_000)
      if (told !== 'published') throw new Error(told)
    },
    setMuted: async (muted) => void commands.push({ mute: muted }),
    close: async () => {
      const exited = once(browser, 'exit')
      browser.kill('SIGKILL')
      await exited
      http.closeAllConnections()
      http.close()
      await rm(profile, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}

const sdk = createRequire(import.meta.url)
  .resolve('livekit-client')
  .replace(/[^/]+$/, 'livekit-client.umd.js')

const startChromium = (profile: string, page: string): ChildProcess => {
  const quiet = ['gpu', 'quic', 'background-networking', 'component-update', 'sync', 'extensions', 'dev-shm-usage']
  const flags = [
    '--headless',
    '--no-sandbox',
    '--no-first-run',
    '--allow-loopback-in-peer-connection',
    '--autoplay-policy=no-user-gesture-required',
    ...quiet.map((name) => `--disable-${name}`),
  ]
  return spawn('chromium', [...flags, `--user-data-dir=${profile}`, page], { stdio: 'ignore' })
}

const readBody = async (req: IncomingMessage): Promise<Buffer> => {
  const pieces: Buffer[] = []
  for await (const piece of req) pieces.push(piece as Buffer)
  return Buffer.concat(pieces)
}

const sendPage = (res: ServerResponse, settings: { url: string; token: string } & BrowserOptions) =>
  res
    .setHeader('content-type', 'text/html')
    .end(
      `<body><script src="/livekit.js"></script><script>const settings = ${JSON.stringify(settings)}\n${script}</script>`,
    )

// What it hears goes to the ear of the test, which is the same for every client.
const script = `
addEventListener('error', ({ message }) => tell({ event: 'error ' + message }))
const { Room, RoomEvent, Track, LocalAudioTrack } = LivekitClient
const tell = (told) => fetch('/tell', { method: 'POST', body: JSON.stringify(told) }).catch(() => {})
// A machine without a sound card has no other clock to run by.
const context = new AudioContext({ sampleRate: 48000, sinkId: { type: 'none' } })
const tap = URL.createObjectURL(new Blob(['(' + (() => {
  class Tap extends AudioWorkletProcessor {
    samples = new Int16Array(4800)
    filled = 0
    process([[channel]]) {
      for (const sample of channel ?? []) {
        this.samples[this.filled++] = 32767 * Math.max(-1, Math.min(1, sample))
        if (this.filled < this.samples.length) continue
        this.port.postMessage(this.samples.slice())
        this.filled = 0
      }
      return true
    }
  }
  registerProcessor('tap', Tap)
}) + ')()'], { type: 'text/javascript' }))
const ready = context.audioWorklet.addModule(tap)
const room = new Room(settings.singlePeerConnection === undefined ? {} : { singlePeerConnection: settings.singlePeerConnection })
room.on(RoomEvent.TrackSubscribed, async (track, publication, { identity }) => {
  tell({ event: 'subscribed ' + identity })
  // Chromium decodes a remote track only while an element plays it.
  document.body.append(track.attach())
  await ready
  const node = new AudioWorkletNode(context, 'tap')
  node.port.onmessage = ({ data }) =>
    fetch('/sound?identity=' + encodeURIComponent(identity), { method: 'POST', body: data }).catch(() => {})
  const source = context.createMediaStreamSource(new MediaStream([track.mediaStreamTrack]))
  source.connect(node)
  track.once('ended', () => source.disconnect())
  track.mediaStreamTrack.addEventListener('ended', () => source.disconnect())
})
room.on(RoomEvent.TrackUnsubscribed, (track, publication, { identity }) => tell({ event: 'unsubscribed ' + identity }))
room.on(RoomEvent.TrackMuted, (publication, { identity }) => tell({ event: 'muted ' + identity }))
room.on(RoomEvent.TrackUnmuted, (publication, { identity }) => tell({ event: 'unmuted ' + identity }))
room.on(RoomEvent.ParticipantDisconnected, ({ identity }) => tell({ event: 'left ' + identity }))
room.on(RoomEvent.LocalTrackUnpublished, () => tell({ event: 'unpublished' }))
room.on(RoomEvent.SignalReconnecting, () => tell({ event: 'reconnecting' }))
room.on(RoomEvent.Reconnecting, () => tell({ event: 'reconnecting' }))
room.on(RoomEvent.Reconnected, () => tell({ event: 'reconnected' }))
room.on(RoomEvent.Disconnected, (reason) => tell({ event: 'disconnected ' + reason }))
const publishTone = async (hz) => {
  const tone = new OscillatorNode(context, { frequency: hz })
  const out = context.createMediaStreamDestination()
  tone.connect(new GainNode(context, { gain: 0.2 })).connect(out)
  tone.start()
  const track = new LocalAudioTrack(out.stream.getAudioTracks()[0], undefined, true)
  await room.localParticipant.publishTrack(track, { source: Track.Source.Microphone })
  tell({ event: 'published' })
}
const obey = async ({ publish, mute }) => {
  if (publish) await publishTone(publish)
  for (const { track } of mute === undefined ? [] : room.localParticipant.audioTrackPublications.values())
    await (mute ? track.mute() : track.unmute())
}
const refused = (error) => tell({ event: 'refused ' + error.name + ' ' + error.message })
setInterval(async () => {
  const answer = await tell({})
  for (const command of answer ? await answer.json() : []) obey(command).catch(refused)
}, 100)
;(async () => {
  await context.resume()
  await room.connect(settings.url, settings.token)
  tell({ event: 'joined' })
  if (settings.hz) await publishTone(settings.hz)
})().catch(refused)
`
