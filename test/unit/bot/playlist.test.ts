import { expect, it } from 'vitest'
import { FRAME_SAMPLES } from '../../../src/audio/frame.ts'
import { createPlaylist, type Playlist, type PlaylistOptions } from '../../../src/bot/playlist.ts'
import type { SoundFacts } from '../../../src/bot/sound/facts.ts'

/** A ramp that never repeats within a test, so that a skipped or doubled sample shows. */
const ramp = (from: number, length: number) => Int16Array.from({ length }, (_, i) => ((from + i) % 20_000) + 1)

/** At the loudness that it is to have. */
const factsOf = (samples: Int16Array, more: Partial<SoundFacts> = {}): SoundFacts => ({
  ...{ durationMs: samples.length / 48, channels: 1, lufs: -18, truePeakDb: -6, title: null, artist: null },
  warning: null,
  ...more,
})

const openFrom =
  (sounds: Record<string, Int16Array>): PlaylistOptions['open'] =>
  async (file) => ({
    pcm: async function* () {
      const samples = sounds[file]!
      for (let from = 0; from < samples.length; from += 1111) yield samples.subarray(from, from + 1111)
    },
    warning: () => undefined,
    close: async () => {},
  })

const listOf = (sounds: Record<string, Int16Array>, more: Partial<PlaylistOptions> = {}) => {
  const warnings: string[] = []
  const list = createPlaylist({
    files: Object.keys(sounds),
    channels: 1,
    isLooped: false,
    factsOf: async (file) => factsOf(sounds[file]!),
    open: openFrom(sounds),
    onWarning: (message) => void warnings.push(message),
    ...more,
  })
  return { ...list, warnings }
}

/** Reads as many frames, each when it is decoded; fewer where it ends. */
const listen = async ({ program }: Pick<Playlist, 'program'>, frames: number): Promise<number[]> => {
  const heard: number[] = []
  const frame = new Int16Array(FRAME_SAMPLES)
  for (let n = 0; n < frames; n++) {
    await program.ready()
    if (program.read(frame) === 'ended') break
    heard.push(...frame)
    await new Promise(setImmediate)
  }
  return heard
}

it('plays files one after the other without losing or adding a sample, and ends', async () => {
  const [one, two, three] = [ramp(0, 1000), ramp(1000, 1317), ramp(2317, 48_003)]
  const list = listOf({ one, two, three })
  const heard = await listen(list, 1000)
  expect(heard.slice(0, 50_320)).toEqual([...one, ...two, ...three])
  expect(heard.length).toBe(50_400)
  expect(list.warnings).toEqual([])
  await list.program.close()
})

it('begins again after the last file when it loops', async () => {
  const [one, two] = [ramp(0, 7000), ramp(7000, 5000)]
  const list = listOf({ one, two }, { isLooped: true })
  const round = [...one, ...two]
  expect(await listen(list, 75)).toEqual([...round, ...round, ...round])
  await list.program.close()
})

it('says which file plays, how far it is and how long, also after it was rewound', async () => {
  const list = listOf({ one: ramp(0, 4800), two: ramp(0, 9600) })
  await listen(list, 13)
  expect(list.position()).toEqual({ index: 1, atMs: 30, durationMs: 200 })
  list.program.resume(80)
  expect(list.position()).toEqual({ index: 0, atMs: 80, durationMs: 100 })
  await list.program.close()
})

it('brings each file to its loudness, one that is measured late as well, which is waited for and heard to its end', async () => {
  const one = ramp(0, 4800)
  const two = ramp(4800, 4800)
  const three = ramp(9600, 4800)
  let measure!: () => void
  const measured = new Promise<void>((resolve) => {
    measure = resolve
  })
  const list = listOf(
    { one, two, three },
    {
      factsOf: async (file) => {
        if (file === 'one') return factsOf(one)
        if (file === 'three') return factsOf(three)
        await measured
        return factsOf(two, { lufs: -18 + 20 * Math.log10(2) })
      },
    },
  )
  const begun = await listen(list, 8)
  const frame = new Int16Array(FRAME_SAMPLES)
  for (let n = 0; n < 2; n++) {
    list.program.read(frame)
    begun.push(...frame)
  }
  expect(begun).toEqual([...one])
  for (let n = 0; n < 50; n++) expect(list.program.read(frame)).toBe('frame')
  expect(frame.every((sample) => sample === 0)).toBe(true)
  measure()
  const heard = await listen(list, 100)
  const from = heard.findIndex((sample) => sample !== 0)
  expect(heard.slice(from, from + 4800)).toEqual([...two].map((sample) => Math.round(sample / 2)))
  expect(heard.slice(from + 4800, from + 9600)).toEqual([...three])
  await list.program.close()
})

it('goes on with the next file when one cannot be opened, and says so', async () => {
  const good = ramp(0, 960)
  const open = openFrom({ good })
  const list = listOf(
    { gone: good, good },
    {
      open: async (file, at) => {
        if (file === 'gone') throw new Error('gone is gone')
        return open(file, at)
      },
    },
  )
  expect((await listen(list, 100)).filter((sample) => sample !== 0)).toEqual([...good])
  expect(list.warnings).toEqual(['gone is gone'])
  await list.program.close()
})

it('ends instead of waiting for ever when a looped list gives no sound', async () => {
  const list = listOf({ one: new Int16Array(0), two: new Int16Array(0) }, { isLooped: true })
  expect((await listen(list, 100)).length).toBeLessThan(100 * FRAME_SAMPLES)
  await list.program.close()
})
