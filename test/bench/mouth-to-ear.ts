import { startFrameClock } from '../../src/audio/clock.ts'
import { openMicrophone, openSpeaker } from '../../src/audio/devices.ts'
import { createFrame, FRAME_SAMPLES } from '../../src/audio/frame.ts'
import { startPump } from '../../src/audio/pump.ts'
import { loadWebRtc } from '../../src/client/webrtc.ts'
import { openHouse } from '../support/house.ts'
import { createTake, delaysBetween, markerSource, measureDelays, startRigLoop } from '../support/marker-delay.ts'
import { buildPortAudioEntry, portAudioMissing } from '../support/portaudio-entry.ts'
import { type Pulse, pulseMissing, startPulse } from '../support/pulse.ts'
import type { Bench } from './run.ts'
import { medianOf, percentileOf } from './statistics.ts'

/**
 * How long a click takes from a microphone to a speaker through a room, beside its two parts: WebRTC alone (two
 * connections in a process), and PortAudio alone (a microphone put through to a speaker). Null sinks of a private sound
 * server; its own way from sink to sink is subtracted. To reach: at most 150 ms, and at most 1.2 times both parts.
 */
export const run: Bench = async (print, { short }) => {
  const missing = pulseMissing ?? portAudioMissing
  if (missing) throw new Error(missing)
  const ms = short ? 4_000 : 13_000
  const pulse = await startPulse()
  try {
    print(
      '| take | rig | WebRTC alone | PortAudio alone | room | room, p95 | room / (WebRTC + PortAudio) |\n|---|---|---|---|---|---|---|',
    )
    for (let take = 1; take <= (short ? 1 : 3); take++) {
      const rig = medianOf(await throughRig(pulse, 4_000))
      const webrtc = medianOf(await throughWebRtc(ms))
      const portaudio = medianOf(await throughPortAudio(pulse, ms)) - rig
      const delays = (await throughRoom(pulse, ms)).map((delay) => delay - rig)
      const room = medianOf(delays)
      const figures = [rig, webrtc, portaudio, room, percentileOf(delays, 0.95)].map(
        (figure) => `${Math.round(figure)} ms`,
      )
      print(
        `| ${take} (${delays.length} clicks) | ${figures.join(' | ')} | ${(room / (webrtc + portaudio)).toFixed(2)} |`,
      )
    }
  } finally {
    await pulse.close()
  }
}

const throughRig = async (pulse: Pulse, ms: number) => {
  const loop = await startRigLoop(pulse)
  return measureDelays(pulse, ms).finally(loop.close)
}

const throughPortAudio = async (pulse: Pulse, ms: number) => {
  const built = await buildPortAudioEntry()
  const options = { engine: 'portaudio', entry: built.entry, env: { ...process.env, ...pulse.env } } as const
  const microphone = await openMicrophone(pulse.microphone, options)
  const speaker = await openSpeaker(pulse.speaker, { ...options, channels: 1 })
  const pump = startPump({ source: microphone, onFrame: speaker.write })
  return measureDelays(pulse, ms).finally(async () => {
    pump.close()
    await Promise.all([microphone.close(), speaker.close()])
    built.close()
  })
}

const throughRoom = async (pulse: Pulse, ms: number) => {
  const house = await openHouse(['Ana', 'Omar'], { env: pulse.env })
  try {
    await house.must('config', 'set', 'sound-engine', 'portaudio')
    const room = await house.createRoom('Mouth and ear')
    await house.join('ana', room, '--microphone', pulse.microphone, '--unmuted', '--speaker', 'none')
    const omar = await house.join('omar', room, '--microphone', 'none', '--speaker', pulse.speaker)
    const tone = pulse.playTone(440, -20, 2_000)
    await omar.tells('speaking', { where: ({ isSpeaking }) => isSpeaking })
    await tone
    return await measureDelays(pulse, ms)
  } finally {
    await house.close()
  }
}

// Of the browser's interface, what two connections of one process need.
type Connection = {
  addTrack(track: unknown): void
  createOffer(): Promise<unknown>
  createAnswer(): Promise<unknown>
  setLocalDescription(description: unknown): Promise<void>
  setRemoteDescription(description: unknown): Promise<void>
  addIceCandidate(candidate: unknown): Promise<void>
  onicecandidate: (event: { candidate: unknown }) => void
  ontrack: (event: { track: unknown }) => void
  close(): void
}

const throughWebRtc = async (ms: number) => {
  const webrtc = await loadWebRtc()
  const { RTCPeerConnection } = globalThis as unknown as { RTCPeerConnection: new () => Connection }
  const [speaking, hearing] = [new RTCPeerConnection(), new RTCPeerConnection()]
  const [spoken, heard] = [createTake(), createTake()]
  const track = webrtc.createPcmTrack(1)
  speaking.onicecandidate = ({ candidate }) => candidate && void hearing.addIceCandidate(candidate)
  hearing.onicecandidate = ({ candidate }) => candidate && void speaking.addIceCandidate(candidate)
  let receiver: { close(): void } | undefined
  hearing.ontrack = ({ track: remote }) => {
    receiver = webrtc.receivePcm(remote, (samples, sampleRate, channels) => {
      // The first frames of a connection come at another rate, before there is any sound.
      if (sampleRate === 48_000) heard.push(channels === 1 ? samples : samples.filter((_, i) => i % 2 === 0))
    })
  }
  speaking.addTrack(track.mediaTrack)
  const offer = await speaking.createOffer()
  await speaking.setLocalDescription(offer)
  await hearing.setRemoteDescription(offer)
  const answer = await hearing.createAnswer()
  await hearing.setLocalDescription(answer)
  await speaking.setRemoteDescription(answer)
  const source = markerSource()
  const frame = createFrame(1)
  await new Promise<void>((resolve) => {
    const clock = startFrameClock({
      onFrame: (index) => {
        source.read(frame)
        track.write(frame)
        spoken.push(frame.slice())
        if (index * FRAME_SAMPLES < ms * 48) return
        clock.close()
        resolve()
      },
    })
  })
  receiver?.close()
  track.close()
  speaking.close()
  hearing.close()
  return delaysBetween(spoken, heard)
}
