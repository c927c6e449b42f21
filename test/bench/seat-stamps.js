// Preloaded into a seat's process: writes down when a verb was read from the control socket, and when sound began or
// ended towards WebRTC (`microphone`) and towards the speaker. A line each: time in ms, what, and for sound 1 or 0 and
// when the frame before went.
import { appendFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { Socket } from 'node:net'

const file = process.env.ROOMTONE_BENCH_STAMPS
const SPEAKER_FRAME_BYTES = 480 * 2 * 2

if (file && /seat\.js$/.test(process.argv[1] ?? '')) {
  const note = (atMs, ...facts) => appendFileSync(file, `${atMs} ${facts.join(' ')}\n`)
  const last = {}
  const noteSound = (where, samples) => {
    const is = { atMs: performance.now(), sounds: samples.some((sample) => sample !== 0) }
    const was = last[where]
    if (was?.sounds !== is.sounds) note(is.atMs, where, is.sounds ? 1 : 0, was?.atMs ?? is.atMs)
    last[where] = is
  }

  const { push, write } = Socket.prototype
  Socket.prototype.push = function (chunk, ...rest) {
    const verb = chunk?.[0] === 0x7b && /"verb":"([a-z-]+)"/.exec(chunk.toString())?.[1]
    if (verb) note(performance.now(), verb)
    return push.call(this, chunk, ...rest)
  }
  Socket.prototype.write = function (chunk, ...rest) {
    if (chunk?.length === SPEAKER_FRAME_BYTES) noteSound('speaker', chunk)
    return write.call(this, chunk, ...rest)
  }
  const { nonstandard } = createRequire(process.argv[1])('@roamhq/wrtc')
  nonstandard.RTCAudioSource = class extends nonstandard.RTCAudioSource {
    onData(data) {
      noteSound('microphone', data.samples)
      super.onData(data)
    }
  }
}
