// Plays the start and the end of a file as fast as it decodes, and prints what that cost.
import { openAudioFile } from '../../src/audio/files/open.ts'
import { createFrame } from '../../src/audio/frame.ts'

const MEASURE_EVERY_FRAMES = 500

const play = async (path: string, startMs: number, maxFrames: number) => {
  const openedMs = performance.now()
  const source = await openAudioFile(path, { startMs })
  const frame = createFrame(source.channels)
  const opened = { openMs: performance.now() - openedMs, info: source.info }
  let frames = 0
  let peakBytes = 0
  for (let result = source.read(frame); frames < maxFrames; result = source.read(frame)) {
    if (result === 'starved') {
      await new Promise(setImmediate)
      continue
    }
    frames++
    if (frames % MEASURE_EVERY_FRAMES === 0) peakBytes = Math.max(peakBytes, process.memoryUsage().rss)
    if (result === 'ended') break
  }
  const warning = source.warning()
  await source.close()
  return { ...opened, frames, peakBytes, warning }
}

const [path, endMs] = process.argv.slice(2)
const idleBytes = process.memoryUsage().rss
const start = await play(path!, 0, 12_000)
const end = await play(path!, Number(endMs), 12_000)
process.stdout.write(JSON.stringify({ idleBytes, start, end }))
