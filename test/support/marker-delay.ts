import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { type AudioSource, createFrame } from '../../src/audio/frame.ts'
import { createMarkerSource, findMarkers } from '../../src/audio/markers.ts'
import { eventually } from './eventually.ts'
import type { Pulse } from './pulse.ts'

const MARKER_ID = 3
const EVERY_MS = 400

/** Markers, one every 400 ms. */
export const markerSource = (): AudioSource => createMarkerSource({ everyMs: EVERY_MS, id: MARKER_ID, firstMs: 200 })

/** The same as samples, for `ms`. */
export const markerSound = (ms: number): Int16Array => {
  const source = markerSource()
  const all = new Int16Array(ms * 48)
  const frame = createFrame(1)
  for (let at = 0; at + frame.length <= all.length; at += frame.length) {
    source.read(frame)
    all.set(frame, at)
  }
  return all
}

/**
 * Plays markers into the microphone's sink and tells, for each, how many ms later it came out of the speaker's. Both
 * sinks are recorded by the same program with the same buffers, so what recording costs cancels out.
 */
export const measureDelays = async (pulse: Pulse, ms: number): Promise<number[]> => {
  const microphone = createTake()
  const speaker = createTake()
  const stops = [pulse.listen(speaker.push), pulse.listenMicrophone(microphone.push)]
  await pulse.play(markerSound(ms))
  // The last marker is still on its way through the other side.
  const until = performance.now() + 1000
  await eventually(() => speaker.nowMs() > until, { withinMs: 8000, what: 'a second more is recorded' })
  for (const stop of stops) stop()
  return delaysBetween(microphone, speaker)
}

/** For each marker that was spoken, how many ms later it was heard. */
export const delaysBetween = (spoken: Take, heard: Take): number[] => {
  const heardMarkers = heard.markers()
  return spoken.markers().flatMap((spokenAt) => {
    const first = heardMarkers.find((heardAt) => heardAt >= spokenAt)
    // A marker that was lost on the way finds only the next one.
    return first !== undefined && first - spokenAt < EVERY_MS ? [first - spokenAt] : []
  })
}

export const median = (values: number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN

/** What the rig itself costs: the sound server alone carries the microphone's sink to the speaker's. */
export const startRigLoop = async (pulse: Pulse): Promise<{ close(): Promise<void> }> => {
  const options = { env: { ...process.env, ...pulse.env } }
  const loopback = ['load-module', 'module-loopback', 'source=mic.monitor', 'sink=speaker', 'latency_msec=1']
  const { stdout } = await promisify(execFile)('pactl', loopback, options)
  return { close: async () => void (await promisify(execFile)('pactl', ['unload-module', stdout.trim()], options)) }
}

type Take = ReturnType<typeof createTake>

/**
 * A recording with its place in time. Pieces arrive late, never early, so the least lag of all is the one that holds.
 */
export const createTake = () => {
  const pieces: Int16Array[] = []
  let count = 0
  let startMs = Number.POSITIVE_INFINITY
  return {
    push: (samples: Int16Array) => {
      pieces.push(samples)
      count += samples.length
      startMs = Math.min(startMs, performance.now() - count / 48)
    },
    nowMs: () => (count === 0 ? 0 : startMs + count / 48),
    markers: () => {
      const all = new Int16Array(count)
      let at = 0
      for (const piece of pieces) {
        all.set(piece, at)
        at += piece.length
      }
      return findMarkers(all)
        .filter(({ id }) => id === MARKER_ID)
        .map(({ atMs }) => startMs + atMs)
    },
  }
}
