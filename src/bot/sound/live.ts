import { setTimeout as sleep } from 'node:timers/promises'
import { createDriftBuffer, type DriftBuffer } from '../../audio/drift-buffer.ts'
import type { AudioTags } from '../../audio/files/tags.ts'
import { type Channels, FRAME_MS, FRAME_SAMPLES } from '../../audio/frame.ts'
import { createRetry } from './retry.ts'
import type { OpenedStream, OpenStreamAgain, TitleSink } from './stream.ts'
import type { Told } from './told.ts'

export type LiveOptions = {
  url: string
  channels: Channels
  first: OpenedStream
  open: OpenStreamAgain
  told: Told
  sink: TitleSink
  signal: AbortSignal
}

/** What is kept in hand against pauses of the network, and from where on it is changed, slowly. */
const BUFFER = { targetMs: 1_500, maxMs: 12_000, cushion: { leastMs: 1_000, mostMs: 6_000 } }
/** Stations send much at once when one comes; so much of it is taken, the rest waits there. */
const TAKEN_MS = 10_000
const LOOK_EVERY_MS = 50
/** So much is given ahead of time: whoever plays it may be late by as much. */
const LEAD_FRAMES = 50
const GIVE_EVERY_MS = 40
const FILL_WITHIN_MS = 3_000
/** A reader that takes nothing for so long has paused; what is live goes by meanwhile. */
const PAUSED_AFTER_MS = 1_000

/**
 * Plays what comes at another clock: it is given at ours, through a cushion, from now on. What is missing is silence, and
 * the station is asked again; a title is told when its sound is given. It ends when it is closed, or with the answer of a
 * server that does not say it is a station.
 */
export const followLive = ({ url, channels, first, open, told, sink, signal }: LiveOptions) => {
  const buffer = createDriftBuffer({ channels, ...BUFFER })
  const titles = createTitleMarks(buffer, told)
  sink.heard = titles.heard
  let isOver = false
  let readMs = performance.now()

  const take = async ({ pcm }: OpenedStream) => {
    for await (const piece of pcm) {
      if (signal.aborted) return
      buffer.write(piece)
      titles.written(piece.length / channels)
      while (buffer.fillMs() > TAKEN_MS && performance.now() - readMs < PAUSED_AFTER_MS && !signal.aborted)
        await sleep(LOOK_EVERY_MS)
    }
  }

  const run = async () => {
    const retry = createRetry(signal)
    let opened: OpenedStream | undefined = first
    let isTold = false
    while (!signal.aborted) {
      let cause = 'it ended'
      try {
        opened ??= await open()
        isTold = false
        await take(opened)
        if (!opened.station.isEndless) break
      } catch (error) {
        cause = (error as Error).message
      } finally {
        opened?.station.close()
        opened = undefined
      }
      if (signal.aborted) break
      if (!isTold) told.warn(`${url} broke off (${cause.replace(/\.$/, '')}); it is asked again.`)
      isTold = true
      await retry.wait()
    }
    isOver = true
  }
  void run()

  return async function* pcm(): AsyncGenerator<Int16Array> {
    const frameLength = FRAME_SAMPLES * channels
    const untilMs = performance.now() + FILL_WITHIN_MS
    while (buffer.fillMs() < BUFFER.targetMs && performance.now() < untilMs && !isOver) await sleep(LOOK_EVERY_MS)
    let startMs = performance.now()
    let given = 0
    while (!signal.aborted) {
      readMs = performance.now()
      let due = Math.floor((readMs - startMs) / FRAME_MS) + LEAD_FRAMES - given
      if (due > 2 * LEAD_FRAMES) {
        // Nobody took it meanwhile: it goes on from now, not in a burst.
        startMs += (due - LEAD_FRAMES) * FRAME_MS
        due = LEAD_FRAMES
      }
      if (due <= 0) {
        await sleep(GIVE_EVERY_MS)
        continue
      }
      if (isOver && buffer.fillMs() < FRAME_MS) return
      const frames = new Int16Array(due * frameLength)
      for (let i = 0; i < due; i++) buffer.read(frames.subarray(i * frameLength, (i + 1) * frameLength))
      titles.read()
      given += due
      yield frames
    }
  }
}

/** Titles wait until the sound is given that came when they did. */
const createTitleMarks = (buffer: DriftBuffer, told: Told) => {
  const marks: { tags: AudioTags; atMs: number }[] = []
  let writtenMs = 0
  return {
    heard: (tags: AudioTags) => void marks.push({ tags, atMs: writtenMs }),
    written: (samples: number) => {
      writtenMs += samples / 48
    },
    read: () => {
      while (marks.length > 0 && marks[0]!.atMs <= writtenMs - buffer.fillMs()) told.title(marks.shift()!.tags)
    },
  }
}
