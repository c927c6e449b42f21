import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { createReadStream } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const isThere = spawnSync('chromium', ['--version'], { stdio: 'ignore' }).status === 0

/** Why a browser cannot be tried here, or undefined. */
export const browserMissing = isThere ? undefined : 'chromium is not installed'

export type BrowserPeer = {
  /** Strongest frequency heard in the last 300 ms by publisher identity, whole Hz; 0 is silence. */
  heardHz(identity: string): number | undefined
  /** What the page told in order: `joined`, `published`, `refused WHY`, `disconnected REASON`. */
  events: string[]
  close(): Promise<void>
}

/** A participant in a real browser: LiveKit's browser SDK on a page of its own, publishing a sine if `hz` is given. */
export const joinBrowser = async (url: string, token: string, hz?: number): Promise<BrowserPeer> => {
  const events: string[] = []
  let heard: Record<string, number> = {}
  const http = createServer(async (req, res) => {
    if (req.url === '/livekit.js') return createReadStream(sdk).pipe(res.setHeader('content-type', 'text/javascript'))
    if (req.url === '/tell') {
      const told = await readJson(req)
      if (typeof told.event === 'string') events.push(told.event)
      if (told.heard) heard = told.heard as Record<string, number>
      return res.writeHead(204).end()
    }
    sendPage(res, { url, token, hz })
  })
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  const profile = await mkdtemp(join(tmpdir(), 'roomtone-browser-'))
  const browser = startChromium(profile, `http://127.0.0.1:${(http.address() as AddressInfo).port}/`)
  return {
    events,
    heardHz: (identity) => heard[identity],
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

const readJson = async (req: IncomingMessage): Promise<Record<string, unknown>> => {
  const pieces: Buffer[] = []
  for await (const piece of req) pieces.push(piece as Buffer)
  return JSON.parse(Buffer.concat(pieces).toString()) as Record<string, unknown>
}

const sendPage = (res: ServerResponse, settings: { url: string; token: string; hz?: number }) =>
  res
    .setHeader('content-type', 'text/html')
    .end(
      `<body><script src="/livekit.js"></script><script>const settings = ${JSON.stringify(settings)}\n${script}</script>`,
    )

const script = `
addEventListener('error', ({ message }) => tell({ event: 'error ' + message }))
const { Room, RoomEvent, Track, LocalAudioTrack } = LivekitClient
const tell = (told) => fetch('/tell', { method: 'POST', body: JSON.stringify(told) }).catch(() => {})
// A machine without a sound card has no other clock to run by.
const context = new AudioContext({ sampleRate: 48000, sinkId: { type: 'none' } })
const analysers = new Map()
const room = new Room()
room.on(RoomEvent.TrackSubscribed, (track, publication, participant) => {
  // Chromium decodes a remote track only while an element plays it.
  document.body.append(track.attach())
  const analyser = new AnalyserNode(context, { fftSize: 16384, smoothingTimeConstant: 0 })
  context.createMediaStreamSource(new MediaStream([track.mediaStreamTrack])).connect(analyser)
  analysers.set(participant.identity, analyser)
})
room.on(RoomEvent.Disconnected, (reason) => tell({ event: 'disconnected ' + reason }))
const strongestHz = (analyser) => {
  const levels = new Float32Array(analyser.frequencyBinCount)
  analyser.getFloatFrequencyData(levels)
  let best = 0
  for (let i = 1; i < levels.length; i++) if (levels[i] > levels[best]) best = i
  return levels[best] < -70 ? 0 : Math.round((best * context.sampleRate) / analyser.fftSize)
}
setInterval(() => tell({ heard: Object.fromEntries([...analysers].map(([id, one]) => [id, strongestHz(one)])) }), 100)
const publishTone = async (hz) => {
  const tone = new OscillatorNode(context, { frequency: hz })
  const out = context.createMediaStreamDestination()
  tone.connect(new GainNode(context, { gain: 0.2 })).connect(out)
  tone.start()
  const track = new LocalAudioTrack(out.stream.getAudioTracks()[0], undefined, true)
  await room.localParticipant.publishTrack(track, { source: Track.Source.Microphone })
}
;(async () => {
  await context.resume()
  await room.connect(settings.url, settings.token)
  tell({ event: 'joined' })
  if (!settings.hz) return
  await publishTone(settings.hz)
  tell({ event: 'published' })
})().catch((error) => tell({ event: 'refused ' + error.name + ' ' + error.message }))
`
