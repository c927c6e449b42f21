import { type Channels, SAMPLE_RATE } from '../../audio/frame.ts'
import { createRetry } from './retry.ts'
import type { OpenedStream, OpenStreamAgain } from './stream.ts'
import type { Told } from './told.ts'

export type DistantFileOptions = {
  url: string
  channels: Channels
  first: OpenedStream
  open: OpenStreamAgain
  told: Told
  startMs: number
  signal: AbortSignal
}

const MAX_RETRIES = 5

/** A file at an address, taken as fast as it is played. Broken off, it is opened again and goes on where it was. */
export async function* readDistant(options: DistantFileOptions): AsyncGenerator<Int16Array> {
  const { url, channels, first, open, told, startMs, signal } = options
  const retry = createRetry(signal)
  let opened: OpenedStream | undefined = first
  let given = Math.round((startMs * SAMPLE_RATE) / 1000) * channels
  for (let retries = 0; ; ) {
    try {
      opened ??= await open()
      let at = 0
      for await (const piece of opened.pcm) {
        if (signal.aborted) return
        const fresh = piece.subarray(Math.max(0, given - at))
        at += piece.length
        if (fresh.length === 0) continue
        given = at
        retries = 0
        yield fresh
      }
      return
    } catch (error) {
      if (signal.aborted) return
      if (retries === 0) told.warn(`${url} broke off (${(error as Error).message}); it is asked again.`)
      if (retries++ === MAX_RETRIES) throw error
    } finally {
      opened?.station.close()
      opened = undefined
    }
    await retry.wait()
    if (signal.aborted) return
  }
}
