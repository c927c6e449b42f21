import { describe, expect, it } from 'vitest'
import { FRAME_SAMPLES } from '../../../src/audio/frame.ts'
import { createProgram, type ProgramOptions } from '../../../src/bot/program.ts'
import { eventually } from '../../support/eventually.ts'

/** A ramp that never repeats within a test, so that a skipped or doubled sample shows. */
const ramp = (from: number, length: number) => Int16Array.from({ length }, (_, i) => ((from + i) % 30_000) + 1)

const item = (pcm: () => AsyncGenerator<Int16Array>) => ({ pcm, warning: () => undefined, close: async () => {} })

async function* pieces(samples: Int16Array, size: number) {
  for (let from = 0; from < samples.length; from += size) yield samples.subarray(from, from + size)
}

const programOf = (items: Int16Array[], more: Partial<ProgramOptions> = {}) =>
  createProgram({
    channels: 1,
    itemCount: items.length,
    open: async (index) => item(() => pieces(items[index]!, 1111)),
    gainDb: async () => 0,
    loop: false,
    ...more,
  })

/** Reads frames until `ended` or `count`; waits out starvation. */
const readFrames = async (program: ReturnType<typeof createProgram>, count: number) => {
  const heard: number[] = []
  const frame = new Int16Array(FRAME_SAMPLES)
  for (let n = 0; n < count; n++) {
    const result = await eventually(
      () => {
        const got = program.read(frame)
        return got === 'starved' ? undefined : got
      },
      { withinMs: 2000, what: 'a frame', everyMs: 1 },
    )
    heard.push(...frame)
    if (result === 'ended') break
  }
  return heard
}

describe('program', () => {
  it('plays files one after the other without losing or adding a sample', async () => {
    const first = ramp(0, 1000)
    const second = ramp(1000, 1317)
    const program = programOf([first, second])
    const heard = await readFrames(program, 100)
    expect(heard.slice(0, 2317)).toEqual([...first, ...second])
    expect(heard.slice(2317).every((sample) => sample === 0)).toBe(true)
    await program.close()
  })

  it('says which item plays and how far', async () => {
    const program = programOf([ramp(0, 4800), ramp(0, 4800)])
    await readFrames(program, 13)
    expect(program.position()).toEqual({ index: 1, atMs: 30, programMs: 130 })
    await program.close()
  })

  it('begins again after the last item when it loops', async () => {
    const samples = ramp(0, 700)
    const program = programOf([samples], { loop: true })
    const heard = await readFrames(program, 5)
    expect(heard.slice(0, 2100)).toEqual([...samples, ...samples, ...samples])
    await program.close()
  })

  it('applies each item’s gain and never wraps', async () => {
    const program = programOf([Int16Array.of(10_000, -10_000), Int16Array.of(100, 100)], {
      gainDb: async (index) => (index === 0 ? 20 : -6.0206),
    })
    const heard = await readFrames(program, 1)
    expect(heard.slice(0, 4)).toEqual([32767, -32768, 50, 50])
    await program.close()
  })

  it('gives silence while held and goes on where it was', async () => {
    const samples = ramp(0, 4800)
    const program = programOf([samples])
    await readFrames(program, 2)
    program.hold()
    expect((await readFrames(program, 3)).every((sample) => sample === 0)).toBe(true)
    program.resume()
    expect(await readFrames(program, 1)).toEqual([...samples.subarray(960, 1440)])
    await program.close()
  })

  it('plays again from an earlier moment after a cut', async () => {
    const samples = ramp(0, 48_000)
    const program = programOf([samples])
    await readFrames(program, 50)
    program.hold()
    program.resume(300)
    expect(program.position().programMs).toBe(300)
    expect(await readFrames(program, 1)).toEqual([...samples.subarray(14_400, 14_880)])
    await program.close()
  })

  it('never jumps ahead when asked for a later moment', async () => {
    const program = programOf([ramp(0, 48_000)])
    await readFrames(program, 10)
    program.resume(5000)
    expect(program.position().programMs).toBe(100)
    await program.close()
  })

  it('keeps a bounded amount decoded ahead', async () => {
    let decoded = 0
    async function* endless() {
      for (;;) {
        decoded += 4800
        yield ramp(0, 4800)
      }
    }
    const program = programOf([], { itemCount: 1, open: async () => item(endless) })
    await readFrames(program, 100)
    expect(decoded).toBeLessThanOrEqual(48_000 * 5.2)
    await program.close()
  })

  it('goes on with the next item when one cannot be opened, and says so', async () => {
    const warnings: string[] = []
    const good = ramp(0, 960)
    const program = programOf([good, good], {
      open: async (index) => {
        if (index === 0) throw new Error('gone')
        return item(() => pieces(good, 500))
      },
      onWarning: (index, message) => warnings.push(`${index}: ${message}`),
    })
    expect((await readFrames(program, 3)).slice(0, 960)).toEqual([...good])
    expect(warnings).toEqual(['0: gone'])
    await program.close()
  })

  it('ends instead of spinning when a looped program gives no sound', async () => {
    const program = programOf([new Int16Array(0)], { loop: true })
    const frame = new Int16Array(FRAME_SAMPLES)
    await eventually(() => program.read(frame) === 'ended', { withinMs: 2000, what: 'the end' })
    await program.close()
  })
})
