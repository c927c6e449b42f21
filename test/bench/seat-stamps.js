// Preloaded into a seat's process: writes down when a verb was read from the control socket, and when sound began or
// ended towards WebRTC (`microphone`) and towards the speaker. A line each: time in ms, what, and for sound 1 or 0.
import { appendFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { Socket } from 'node:net'

const file = process.env.ROOMTONE_BENCH_STAMPS
const SPEAKER_FRAME_BYTES = 480 * 2 * 2

if (file && /seat\.js$/.test(process.argv[1] ?? '')) {
  const note = (...facts) => appendFileSync(file, `${performance.now().toFixed(3)} ${facts.join(' ')}\n`)
  const sounding = {}
  const noteSound = (where, samples) => {
    const is = samples.some((sample) => sample !== 0)
    if (sounding[where] !== is) note(where, is ? 1 : 0)
    sounding[where] = is
  }

  const { push, write } = Socket.prototype
  Socket.prototype.push = function (chunk, ...rest) {
    const verb = chunk?.[0] === 0x7b && /"verb":"([a-z-]+)"/.exec(chunk.toString())?.[1]
    if (verb) note(verb)
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
