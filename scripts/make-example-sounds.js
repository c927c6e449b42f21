// Makes the sounds of examples/sounds: synthesized here, so that they are nobody else's. Needs ffmpeg for Opus.
// The files are kept in the repository; run this only to change them: node scripts/make-example-sounds.js
import { spawnSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'

const RATE = 48_000
const folder = fileURLToPath(new URL('../examples/sounds/', import.meta.url))

/** Mulberry32: the same noise each time. */
const randomOf = (seed) => () => {
  seed = (seed + 0x6d2b79f5) | 0
  let t = Math.imul(seed ^ (seed >>> 15), 1 | seed)
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
}

const samplesOf = (seconds) => new Float64Array(Math.round(seconds * RATE))

/** Rain: noise without its lowest and highest parts, and single drops. */
const rain = (seconds, seed) => {
  const random = randomOf(seed)
  const out = samplesOf(seconds)
  let low = 0
  let lower = 0
  let drop = 0
  let dropHz = 0
  for (let i = 0; i < out.length; i++) {
    const noise = random() * 2 - 1
    low += 0.25 * (noise - low)
    lower += 0.02 * (noise - lower)
    if (random() < 14 / RATE) {
      drop = 0.12 + 0.2 * random()
      dropHz = 900 + 1800 * random()
    }
    drop *= 0.9988
    out[i] = 0.28 * (low - lower) + drop * Math.sin((2 * Math.PI * dropHz * i) / RATE) * 0.35
  }
  return out
}

/** A struck bell: partials by ratio, share and seconds to fall by 60 dB. */
const bell = (seconds, hz, partials) => {
  const out = samplesOf(seconds)
  for (let i = 0; i < out.length; i++) {
    const s = i / RATE
    for (const [ratio, share, fallS] of partials)
      out[i] += 0.5 * share * Math.sin(2 * Math.PI * hz * ratio * s) * 10 ** ((-3 * s) / fallS)
    out[i] *= Math.min(1, s / 0.003)
  }
  return out
}

/** Hum, prime, tierce, quint and nominal, as a church bell has them. */
const churchBell = () =>
  bell(7, 196, [
    [0.5, 0.25, 7],
    [1, 0.3, 5],
    [1.19, 0.2, 4],
    [1.5, 0.1, 3],
    [2, 0.3, 3],
    [2.51, 0.1, 1.5],
    [4.2, 0.05, 0.8],
  ])

const hzOf = (midi) => 440 * 2 ** ((midi - 69) / 12)

/** Notes of plucked strings over soft chords. */
const tune = (seed, { beatS, chords, scale }) => {
  const random = randomOf(seed)
  const beats = chords.length * 8
  const out = samplesOf(beats * beatS + 2)
  const add = (at, midi, { level, attackS, fallS, overtones }) => {
    const start = Math.round(at * RATE)
    const length = Math.min(out.length - start, Math.round(fallS * RATE))
    for (let i = 0; i < length; i++) {
      const s = i / RATE
      const envelope = Math.min(1, s / attackS) * 10 ** ((-3 * s) / fallS) * Math.min(1, (length - i) / 2000)
      let sum = 0
      for (let k = 1; k <= overtones; k++) sum += Math.sin(2 * Math.PI * hzOf(midi) * k * s) / k ** 1.6
      out[start + i] += level * envelope * sum
    }
  }
  for (const [index, chord] of chords.entries()) {
    const at = index * 8 * beatS
    for (const midi of chord) add(at, midi, { level: 0.05, attackS: 0.6, fallS: 8 * beatS + 1.5, overtones: 3 })
    for (let beat = 0; beat < 8; beat++)
      if (beat % 2 === 0 || random() < 0.6) {
        const midi = scale[Math.floor(random() * scale.length)] + 12 * Math.floor(random() * 2)
        add(at + beat * beatS, midi, { level: 0.11, attackS: 0.006, fallS: 1.6, overtones: 6 })
      }
  }
  return out
}

const jingle = () => {
  const out = samplesOf(2.6)
  for (const [index, midi] of [67, 71, 74, 79].entries()) {
    const start = Math.round(index * 0.22 * RATE)
    for (let i = start; i < out.length; i++) {
      const s = (i - start) / RATE
      out[i] += 0.2 * Math.min(1, s / 0.004) * 10 ** ((-3 * s) / 1.8) * Math.sin(2 * Math.PI * hzOf(midi) * s)
    }
  }
  return out
}

const write = (name, samples, { kbps, title, artist }) => {
  const file = folder + name
  mkdirSync(dirname(file), { recursive: true })
  const pcm = Int16Array.from(samples, (value) => Math.round(32_767 * Math.max(-1, Math.min(1, value))))
  const tags = Object.entries({ title, artist }).flatMap(([key, value]) =>
    value ? ['-metadata', `${key}=${value}`] : [],
  )
  const input = ['-f', 's16le', '-ar', String(RATE), '-ac', '1', '-i', '-']
  const output = [
    '-c:a',
    'libopus',
    '-b:a',
    `${kbps}k`,
    '-map_metadata',
    '-1',
    ...tags,
    '-fflags',
    '+bitexact',
    '-y',
    file,
  ]
  const { status, stderr } = spawnSync('ffmpeg', ['-v', 'error', ...input, ...output], {
    input: Buffer.from(pcm.buffer),
  })
  if (status !== 0) throw new Error(`ffmpeg could not write ${name}: ${stderr}`)
}

const artist = 'The house machine'
const pentatonic = [62, 64, 67, 69, 71, 74]
write('rain.opus', rain(24, 3), { kbps: 40, title: 'Rain' })
write('church-bell.opus', churchBell(), { kbps: 40, title: 'Church bell' })
write('jingle.opus', jingle(), { kbps: 40, title: 'Jingle' })
write(
  'music/morning-steps.opus',
  tune(11, {
    beatS: 0.42,
    chords: [
      [50, 57, 62],
      [47, 54, 62],
      [43, 50, 59],
      [45, 52, 61],
    ],
    scale: pentatonic,
  }),
  { kbps: 40, title: 'Morning steps', artist },
)
write(
  'music/slow-river.opus',
  tune(23, {
    beatS: 0.6,
    chords: [
      [48, 55, 64],
      [45, 52, 60],
      [41, 48, 57],
    ],
    scale: [60, 62, 64, 67, 69, 72],
  }),
  { kbps: 40, title: 'Slow river', artist },
)
write(
  'music/paper-boats.opus',
  tune(37, {
    beatS: 0.34,
    chords: [
      [52, 59, 67],
      [48, 55, 64],
      [50, 57, 66],
      [52, 59, 64],
    ],
    scale: [64, 67, 69, 71, 74, 76],
  }),
  { kbps: 40, title: 'Paper boats', artist },
)
