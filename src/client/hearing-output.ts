import { createChimePlayer } from '../audio/chime.ts'
import { startFrameClock } from '../audio/clock.ts'
import { type AudioSink, type Channels, createFrame } from '../audio/frame.ts'
import { createMixer, type Mixer } from '../audio/mixer.ts'

/** Someone's frame is waited for over so many ticks of the clock before the others are heard without it. */
const LATE_TICKS = 2
/** After so many ticks without any sound the sink is given silence, until sound comes again. */
const SILENT_TICKS = 10
/** What comes at once after a stall is caught up to so many frames; beyond that it would only be delay. */
const MOST_AT_ONCE = 10

/**
 * Mixes for a sink, whenever all who sound have given their next 10 ms: what WebRTC plays out comes by one exact clock,
 * and to wait for another one would only delay it. Without a sink nothing is mixed.
 */
export const startOutput = (volumeOf: (id: string) => number) => {
  const owners = new Map<string, string>()
  const chimes = createChimePlayer()
  let deafened = false
  let loweredDb = 0
  let isOver = false
  let mixer: Mixer | undefined
  let stop = () => {}
  let mixReady = () => {}
  const endTrack = (trackId: string) => {
    if (owners.delete(trackId)) mixer?.input(trackId).remove()
  }
  return {
    push: (id: string, trackId: string, samples: Int16Array, sampleRate: number, channels: Channels) => {
      if (!mixer || isOver) return
      const isNew = owners.get(trackId) !== id
      owners.set(trackId, id)
      mixer.input(trackId).push(samples, sampleRate, channels)
      if (isNew) mixer.input(trackId).setVolume(volumeOf(id))
      mixReady()
    },
    endTrack,
    setSink: (sink: AudioSink | null) => {
      stop()
      stop = mixReady = () => {}
      mixer = undefined
      owners.clear()
      if (!sink) return
      const next = createMixer({ channels: sink.channels })
      next.setDeafened(deafened)
      next.lowerBy(loweredDb)
      const pacer = startPacer(next, sink, chimes.next)
      mixer = next
      mixReady = pacer.mixReady
      stop = pacer.close
    },
    setDeafened: (next: boolean) => {
      deafened = next
      mixer?.setDeafened(next)
    },
    retune: () => {
      for (const [trackId, id] of owners) mixer?.input(trackId).setVolume(volumeOf(id))
    },
    lowerBy: (db: number) => {
      loweredDb = db
      mixer?.lowerBy(db)
    },
    play: (samples: Int16Array) => {
      if (mixer) chimes.play(samples)
    },
    fallSilent: async () => {
      isOver = true
      for (const trackId of [...owners.keys()]) endTrack(trackId)
      if (mixer) await chimes.over()
    },
  }
}

/** `nextBeside` gives what is heard beside the mix. */
const startPacer = (mixer: Mixer, sink: AudioSink, nextBeside: () => Int16Array | undefined) => {
  const frame = createFrame(sink.channels)
  let isSilent = false
  let ticksWithout = 0
  let lateTicks = 0
  let atOnce = 0
  const mix = () => {
    isSilent = false
    ticksWithout = lateTicks = 0
    mixer.pull(frame, nextBeside())
    if (++atOnce <= MOST_AT_ONCE) sink.write(frame)
  }
  const keepSilence = () => {
    isSilent = true
    // Also that of the ticks before, so that a recording keeps its time.
    for (; ticksWithout > 0; ticksWithout--) {
      mixer.pull(frame, nextBeside())
      sink.write(frame)
    }
  }
  const clock = startFrameClock({
    onFrame: () => {
      atOnce = 0
      ticksWithout++
      if (mixer.waiting() !== 'empty') lateTicks++
      if (lateTicks > LATE_TICKS) mix()
      else if (isSilent || ticksWithout > SILENT_TICKS) keepSilence()
    },
  })
  return {
    mixReady: () => {
      while (mixer.waiting() === 'complete') mix()
    },
    close: clock.close,
  }
}
