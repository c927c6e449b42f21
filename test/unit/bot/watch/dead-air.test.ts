import { describe, expect, it } from 'vitest'
import { type AirLook, type AirNews, createAirWatch } from '../../../../src/bot/watch/dead-air.ts'

const LOOK_MS = 500

/** A session on a clock of its own, looked at twice a second; `told` are all news with the time they came. */
const watched = () => {
  const watch = createAirWatch()
  const told: ({ atMs: number } & AirNews)[] = []
  let nowMs = 1_000_000
  let sentFrames = 0
  let heardPackets = 0
  const run = (
    ms: number,
    {
      pace = 1,
      isDue = true,
      isCut = false,
      ear = false,
      isHeard = true,
    }: { pace?: number; isDue?: boolean; isCut?: boolean; ear?: boolean; isHeard?: boolean } = {},
  ) => {
    for (let gone = 0; gone < ms; gone += LOOK_MS) {
      nowMs += LOOK_MS
      sentFrames += (LOOK_MS / 10) * pace
      if (isHeard) heardPackets += 25 * pace
      const look: AirLook = { nowMs, isDue, sentFrames, isCut, heardPackets: ear ? heardPackets : null }
      for (const news of watch.observe(look)) told.push({ atMs: nowMs, ...news })
    }
  }
  return {
    watch,
    told,
    run,
    now: () => nowMs,
    restart: () => {
      sentFrames = 0
    },
  }
}

const types = (told: AirNews[]) => told.map((news) => (news.type === 'repair' ? news.repair : news.type))

describe('the dead-air watch', () => {
  it('raises nothing in 90 minutes of frames at their pace, whatever they hold', () => {
    const { run, told } = watched()
    run(90 * 60_000)
    expect(told).toEqual([])
  })

  it('tells within 3 s that frames are missing inside scripted silence', () => {
    const { run, told, now } = watched()
    run(60_000)
    const stoppedMs = now()
    run(3_000, { pace: 0 })
    expect(told[0]).toMatchObject({ type: 'dead-air', cause: 'no-frames' })
    expect(told[0]!.atMs - stoppedMs).toBeLessThanOrEqual(2_000)
  })

  it('stays sure of it however unevenly it is looked at', () => {
    const watch = createAirWatch()
    const told: AirNews[] = []
    const steps = [500, 501, 499.8, 500.3, 499.9]
    let nowMs = 0
    for (let index = 0; index < 40; index++) {
      nowMs += steps[index % steps.length]!
      const look = { nowMs, isDue: true, sentFrames: 100, isCut: false, heardPackets: null }
      told.push(...watch.observe(look))
    }
    expect(types(told)).toEqual(['dead-air', 'republish', 'rejoin', 'restart'])
  })

  it('tries nothing where frames come again by themselves within 3 s', () => {
    const { run, told } = watched()
    run(10_000)
    run(2_500, { pace: 0 })
    run(10_000)
    expect(types(told)).toEqual(['dead-air', 'on-air-again'])
  })

  it('takes half of the frames for dead air, too', () => {
    const { run, told } = watched()
    run(10_000)
    run(3_000, { pace: 0.5 })
    expect(types(told)).toContain('dead-air')
  })

  it('counts a short stall as an underrun of its length and raises no alarm', () => {
    const { run, told } = watched()
    run(10_000)
    run(500, { pace: 0.6 })
    run(10_000)
    expect(told.map(({ atMs: _, ...news }) => news)).toEqual([{ type: 'underrun', missedMs: 200 }])
  })

  it('counts nothing where frames come late and are caught up', () => {
    const { run, told } = watched()
    run(10_000)
    run(500, { pace: 0.8 })
    run(500, { pace: 1.2 })
    run(10_000)
    expect(told).toEqual([])
  })

  it('tries to publish, to join, and a new process, each once before the next, and says when it is back', () => {
    const { run, told, watch } = watched()
    run(10_000)
    run(60_000, { pace: 0 })
    expect(types(told)).toEqual(['dead-air', 'republish', 'rejoin', 'restart'])
    expect(watch.deadSinceMs()).not.toBeNull()
    run(2_000)
    expect(types(told).at(-1)).toBe('on-air-again')
    expect(watch.deadSinceMs()).toBeNull()
  })

  it('goes no further up the ladder once it is back', () => {
    const { run, told } = watched()
    run(10_000)
    run(4_000, { pace: 0 })
    run(60_000)
    expect(types(told)).toEqual(['dead-air', 'republish', 'on-air-again'])
  })

  it('begins the ladder anew in the next stretch, and after five minutes of a stretch that nothing mended', () => {
    const { run, told } = watched()
    run(10_000)
    run(330_000, { pace: 0 })
    expect(types(told)).toEqual(['dead-air', 'republish', 'rejoin', 'restart', 'republish', 'rejoin', 'restart'])
  })

  it('leaves a cut to the session itself, and asks for a new process after half a minute', () => {
    const { run, told } = watched()
    run(10_000)
    run(25_000, { pace: 0, isCut: true })
    expect(types(told)).toEqual(['dead-air'])
    expect(told[0]).toMatchObject({ cause: 'cut' })
    run(35_000, { pace: 0, isCut: true })
    expect(types(told)).toEqual(['dead-air', 'restart'])
  })

  it('leaves a session in peace that has only just come back from a cut', () => {
    const { run, told } = watched()
    run(60_000)
    run(6_000, { pace: 0, isCut: true })
    run(1_500, { pace: 0.5 })
    run(60_000)
    expect(types(told)).toEqual(['dead-air', 'on-air-again'])
  })

  it('calls it a cut, too, where a guard gives silence while the way is cut', () => {
    const { run, told } = watched()
    run(10_000)
    run(3_000, { isCut: true })
    expect(told[0]).toMatchObject({ type: 'dead-air', cause: 'cut' })
  })

  it('believes the ear that hears nothing of what was handed to the encoder', () => {
    const { run, told, now } = watched()
    run(10_000, { ear: true })
    const stoppedMs = now()
    run(5_000, { ear: true, isHeard: false })
    expect(told[0]).toMatchObject({ type: 'dead-air', cause: 'unheard' })
    expect(told[0]!.atMs - stoppedMs).toBeLessThanOrEqual(3_500)
    expect(types(told)).toContain('republish')
  })

  it('draws nothing from an ear that is not there, comes or goes', () => {
    const { run, told } = watched()
    run(10_000, { ear: true })
    run(10_000)
    run(1_000, { ear: true, isHeard: false })
    run(10_000, { ear: true })
    expect(told).toEqual([])
  })

  it('asks for nothing before the start, and while a human keeps the bot silent', () => {
    const { run, told } = watched()
    run(30_000, { isDue: false, pace: 0 })
    run(10_000)
    run(60_000, { isDue: false, pace: 0 })
    run(10_000)
    expect(told).toEqual([])
  })

  it('ends dead air that is no longer due', () => {
    const { run, told, watch } = watched()
    run(10_000)
    run(5_000, { pace: 0 })
    run(1_000, { isDue: false, pace: 0 })
    expect(types(told).at(-1)).toBe('on-air-again')
    expect(watch.deadSinceMs()).toBeNull()
  })

  it('goes on over a new process, which counts from nothing', () => {
    const { run, told, restart } = watched()
    run(10_000)
    run(15_000, { pace: 0 })
    restart()
    run(10_000)
    expect(types(told)).toEqual(['dead-air', 'republish', 'rejoin', 'restart', 'on-air-again'])
  })
})
