import { describe, expect, it } from 'vitest'
import { createChimePlayer, renderChime } from '../../../src/audio/chime.ts'
import { FRAME_SAMPLES } from '../../../src/audio/frame.ts'
import { levelDb, peakDb } from '../../../src/audio/level.ts'
import { signalToNoiseDb } from '../../support/signals.ts'

describe('a chime', () => {
  const chime = renderChime([
    { hz: 660, ms: 80 },
    { hz: 880, ms: 85 },
  ])

  it('is its notes one after the other, in whole frames', () => {
    expect(chime.length).toBe(17 * FRAME_SAMPLES)
    expect(signalToNoiseDb(chime.subarray(960, 2880), 660)).toBeGreaterThan(40)
    // In phase with its own beginning.
    const second = chime.subarray(3840)
    expect(signalToNoiseDb(second.subarray(960, 2880), 880)).toBeGreaterThan(40)
  })

  it('is modest, and neither begins, changes nor ends with a click', () => {
    expect(peakDb(chime)).toBeLessThan(-23.9)
    expect(levelDb(chime)).toBeGreaterThan(-30)
    const steepest = Math.max(...chime.map((sample, i) => Math.abs(sample - (chime[i - 1] ?? 0))))
    const ofTheTone = 32768 * 10 ** (-24 / 20) * 2 * Math.sin((Math.PI * 880) / 48_000)
    expect(steepest).toBeLessThanOrEqual(Math.ceil(ofTheTone) + 1)
    expect(chime.at(-1)).toBe(0)
  })
})

describe('several chimes', () => {
  const ofFrames = (count: number, value: number) => new Int16Array(count * FRAME_SAMPLES).fill(value)
  const take = (player: ReturnType<typeof createChimePlayer>, frames: number) =>
    Array.from({ length: frames }, () => player.next()?.[0] ?? 0)
  const rest = Array(10).fill(0)

  it('follow each other after a rest of 100 ms; of those that wait the last one counts', () => {
    const player = createChimePlayer()
    player.play(ofFrames(2, 1))
    player.play(ofFrames(1, 2))
    player.play(ofFrames(1, 3))
    expect(take(player, 13)).toEqual([1, 1, ...rest, 3])
    player.play(ofFrames(1, 4))
    expect(take(player, 11)).toEqual([...rest, 4])
    expect(player.next()).toBeUndefined()
  })

  it('are over when the last frame was taken, or at once when nothing sounds', async () => {
    const player = createChimePlayer()
    await player.over()
    let isOver = false
    player.play(ofFrames(2, 1))
    const over = player.over().then(() => {
      isOver = true
    })
    player.next()
    await Promise.resolve()
    expect(isOver).toBe(false)
    player.next()
    await over
    expect(isOver).toBe(true)
  })
})
