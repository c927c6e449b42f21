import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  levelBetween,
  levelsOf,
  loudestBetween,
  loudnessBetween,
  noiseOf,
  strokeOf,
  strokesIn,
  toneOf,
} from './session-sound.ts'
import { wavBytes } from './wav-bytes.ts'

/** Each part of the session has a band of its own, so that it can be measured while others sound. */
const BANDS = {
  voice: { fromHz: 100, toHz: 900 },
  bell: { fromHz: 1050, toHz: 1350 },
  bed: { fromHz: 5_500, toHz: 9_500 },
  all: { fromHz: 50, toHz: 20_000 },
}

/** A session of one minute with all that a session has; writes it and its sounds into a folder and gives the script's path. */
export const writeMinute = (folder: string, { name, room }: { name: string; room: string }): string => {
  const sound = (file: string, samples: Int16Array) =>
    writeFileSync(join(folder, file), wavBytes(Buffer.from(samples.buffer)))
  sound('bell.wav', strokeOf(1_200, 2, 1.8))
  sound('tone.wav', toneOf(700, 4))
  sound('air.wav', noiseOf({ fromHz: 6_000, toHz: 9_000 }, 4))
  const script = join(folder, `${name}.session.yaml`)
  writeFileSync(
    script,
    `session: ${name}
room: {title: One minute, existing: ${room}}
beds: {air: {file: air.wav, loop: 500ms, duck: {under: voice, by: 9dB, attack: 80ms, release: 300ms}}}
cues:
  - {at: 0:00, bell: bell.wav, times: 3, apart: 3s}
  - {at: 0:10, bed: air, fade: 1s}
  - {at: 0:13, say: Welcome. Sit in a way that is easy to keep.}
  - {at: 0:20, play: tone.wav}
  - {at: 0:27, bed: off, fade: 1s}
  - {at: 0:29, silence: 20s}
  - {from-end: 8s, bell: bell.wav, times: 1}
end: 1:00
when: {ended: keep-room}
`,
  )
  return script
}

/** What was received of the minute, by sound alone; times are seconds after the first stroke, levels dBFS RMS, loudness LUFS. */
export const measureMinute = (heard: Int16Array) => {
  const levels = levelsOf(heard, BANDS)
  const strokes = strokesIn(levels.bell, { aboveDb: -18 })
  const [first = 0] = strokes
  const at = (s: number) => first + s
  const edges = (band: Float64Array, fromS: number, toS: number, aboveDb: number) => {
    const loud = [...band.subarray(Math.round(at(fromS) * 100), Math.round(at(toS) * 100))].map((db) => db > aboveDb)
    return { beginsS: fromS + loud.indexOf(true) / 100, endsS: fromS + (loud.lastIndexOf(true) + 1) / 100 }
  }
  const voice = edges(levels.voice, 10, 19.5, -45)
  return {
    strokesS: strokes.map((stroke) => stroke - first),
    strokesDb: strokes.map((stroke) => loudestBetween(levels.bell, stroke, stroke + 0.3)),
    voice: { ...voice, lufs: loudnessBetween(heard, at(voice.beginsS), at(voice.endsS)) },
    tone: { ...edges(levels.voice, 19.5, 26, -35), lufs: loudnessBetween(heard, at(20.3), at(23.7)) },
    bed: {
      lufs: loudnessBetween(heard, at(25), at(26.8)),
      duckedDb: levelBetween(levels.bed, at(25), at(26.8)) - levelBetween(levels.bed, at(21), at(23.5)),
    },
    silenceDb: levelBetween(levels.all, at(29), at(51)),
  }
}
