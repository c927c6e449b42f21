import { expect, it } from 'vitest'
import { piecesOf } from '../../../src/check/run/frames.ts'
import type { Frames } from '../../../src/check/run/wire.ts'

/** Frames that came at these times; each holds its number. */
const framesAt = (times: number[], first = 0): Frames => ({
  atMs: Float64Array.from(times),
  samples: Int16Array.from({ length: times.length * 480 }, (_, at) => first + Math.floor(at / 480)),
})
const steady = (count: number, fromMs: number) => Array.from({ length: count }, (_, index) => fromMs + index * 10)
const shapes = (parts: Frames[]) => piecesOf(parts).map(({ atMs, samples }) => [atMs, samples.length / 480])

it('makes one piece of what came in parts, with every sample in its place', () => {
  const pieces = piecesOf([framesAt(steady(30, 100)), framesAt(steady(20, 400), 30)])
  expect(pieces).toHaveLength(1)
  expect(pieces[0]!.atMs).toBe(100)
  expect([...new Set(pieces[0]!.samples)]).toEqual(Array.from({ length: 50 }, (_, index) => index))
})

it('takes frames that a busy machine hands over late, all at once, for where they belong', () => {
  const times = steady(100, 0).map((atMs) => (atMs > 300 && atMs < 700 ? 700 : atMs))
  expect(shapes([framesAt(times)])).toEqual([[0, 100]])
})

it('places a piece by its earliest frame: the first one may have been late', () => {
  const times = steady(100, 0).map((atMs, index) => (index < 5 ? atMs + 40 : atMs))
  expect(shapes([framesAt(times)])).toEqual([[0, 100]])
})

it('sees a hole where the frames after it stay behind, also at the very end', () => {
  expect(shapes([framesAt([...steady(100, 0), ...steady(100, 3000)])])).toEqual([
    [0, 100],
    [3000, 100],
  ])
  expect(shapes([framesAt([...steady(100, 0), ...steady(10, 3000)])])).toEqual([
    [0, 100],
    [3000, 10],
  ])
})

it('makes nothing of nothing', () => {
  expect(piecesOf([])).toEqual([])
})
