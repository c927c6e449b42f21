import { describe, expect, it } from 'vitest'
import { levelDb, peakDb } from '../../../../src/audio/level.ts'
import type { OpenSoundAt } from '../../../../src/bot/program/contract.ts'
import {
  after,
  at,
  bedCue,
  bedOf,
  bell,
  cue,
  listen,
  noise,
  openFrom,
  play,
  say,
  scriptOf,
  silence,
  startProgram,
  steady,
  strike,
  tone,
} from './program-fixtures.ts'

const sampleAt = (seconds: number) => Math.round(seconds * 48_000)
const between = (heard: Int16Array, from: number, to: number) => heard.subarray(sampleAt(from), sampleAt(to))
const duck = { under: ['voice' as const, 'speakers' as const], byDb: 9, attackMs: 80, releaseMs: 700 }

describe('what a program sounds like', () => {
  it('strikes the bell after twenty minutes of scripted silence whole and as loud as the first, to the sample', async () => {
    const struck = strike(1)
    const script = scriptOf([
      cue('first', at(0), bell()),
      cue('quiet', at(2), silence(1198)),
      cue('last', at(1200), bell()),
    ])
    const running = startProgram(script, { bell: struck })
    expect(between(await listen(running, 1200), 0, 1)).toEqual(struck)
    expect(running.program.position().programMs).toBe(1_200_000)
    expect(await listen(running, 1)).toEqual(struck)
  })

  it('is an hour long to the sample, and gives a frame for each 10 ms of silence', async () => {
    const cues = [cue('every', { kind: 'every', everyMs: 600_000, fromMs: 0, untilMs: null }, bell())]
    const running = startProgram(scriptOf(cues, { endMs: 3_600_000 }), { bell: strike() })
    let samples = 0
    const strikes: number[] = []
    for (;;) {
      await running.program.ready()
      if (running.program.read(running.frame) === 'ended') break
      const found = running.frame.indexOf(20_000)
      if (found >= 0) strikes.push(samples + found)
      samples += 480
    }
    expect(samples).toBe(3600 * 48_000)
    expect(strikes).toEqual([0, 1, 2, 3, 4, 5].map((n) => n * 600 * 48_000))
  })

  it('turns a bed down under a voice and up again after it, as deep and as fast as the script says', async () => {
    const script = scriptOf(
      [cue('r', at(0), bedCue('rain')), cue('s', at(5), say('nothing')), cue('q', after, silence(5))],
      {
        beds: { rain: bedOf('rain', { duck }) },
      },
    )
    const heard = await listen(startProgram(script, { rain: tone(1000, 60), nothing: steady(3, 0) }), 20)
    const open = levelDb(between(heard, 3, 5))
    expect(levelDb(between(heard, 4.99, 5))).toBeCloseTo(open, 1)
    expect(levelDb(between(heard, 5.03, 5.05)) - open).toBeCloseTo(-4.5, 0)
    expect(levelDb(between(heard, 5.09, 8)) - open).toBeCloseTo(-9, 1)
    expect(levelDb(between(heard, 8.34, 8.36)) - open).toBeCloseTo(-4.5, 0)
    expect(levelDb(between(heard, 8.72, 9.5)) - open).toBeCloseTo(0, 1)
  })

  it('turns a bed down while people speak', async () => {
    const script = scriptOf([cue('r', at(0), bedCue('rain')), cue('q', at(0), silence(30))], {
      beds: { rain: bedOf('rain', { duck: { ...duck, under: ['speakers'] } }) },
    })
    const running = startProgram(script, { rain: tone(1000, 60) })
    const open = levelDb(between(await listen(running, 2), 1, 2))
    running.program.setSpeaking(true)
    expect(levelDb(between(await listen(running, 1), 0.1, 1)) - open).toBeCloseTo(-9, 1)
    running.program.setSpeaking(false)
    expect(levelDb(between(await listen(running, 2), 0.75, 2)) - open).toBeCloseTo(0, 1)
  })

  it('loops a bed without a click and at one level, fades it in and out', async () => {
    const script = scriptOf(
      [cue('r', at(0), bedCue('rain', 2)), cue('off', at(20), bedCue(null, 2)), cue('q', at(20), silence(5))],
      {
        beds: { rain: bedOf('rain', { loopFadeMs: 1000 }) },
      },
    )
    const heard = await listen(startProgram(script, { rain: noise(4, 6000, 5) }), 30)
    const level = levelDb(between(heard, 2, 20))
    for (let from = 2; from < 19.5; from += 0.25)
      expect(Math.abs(levelDb(between(heard, from, from + 0.25)) - level), `at ${from} s`).toBeLessThan(0.5)
    expect(levelDb(between(heard, 0.9, 1.1)) - level).toBeCloseTo(-3, 0)
    expect(levelDb(between(heard, 20.9, 21.1)) - level).toBeCloseTo(-3, 0)
    expect(levelDb(between(heard, 22, 25))).toBe(-100)
    // A tone whose loop does not fit itself: no step is larger than those of the tone.
    const hum = startProgram(
      { ...script, beds: { rain: bedOf('rain', { loopFadeMs: 500 }) } },
      { rain: tone(100, 2.003, 8000) },
    )
    const hummed = await listen(hum, 22)
    let step = 0
    for (let i = 1; i < hummed.length; i++) step = Math.max(step, Math.abs(hummed[i]! - hummed[i - 1]!))
    expect(step).toBeLessThan(Math.SQRT2 * 8000 * 2 * Math.PI * (100 / 48_000) + 3)
  })

  it('never goes over -1.5 dBFS, and leaves what is below as it is', async () => {
    const loud = tone(300, 3, 26_000)
    const alone = startProgram(scriptOf([cue('a', at(0), play('loud'))]), { loud })
    expect(between(await listen(alone, 3), 0, 3)).toEqual(loud)
    const script = scriptOf(
      [
        cue('r', at(0), bedCue('rain')),
        cue('a', at(1), play('loud')),
        cue('b', at(2.0037), bell()),
        cue('q', at(0), silence(6)),
      ],
      {
        beds: { rain: bedOf('rain') },
      },
    )
    const heard = await listen(startProgram(script, { loud, rain: tone(410, 30, 9000), bell: strike() }), 6)
    expect(peakDb(heard)).toBeLessThanOrEqual(-1.49)
    expect(peakDb(between(heard, 1, 4))).toBeGreaterThan(-2)
    expect(between(heard, 0, 0.9)).toEqual(tone(410, 0.9, 9000))
    expect(levelDb(between(heard, 5.5, 6)) - levelDb(tone(410, 1, 9000))).toBeCloseTo(0, 1)
  })

  it('fades what is cut off, so that it does not click', async () => {
    const running = startProgram(
      scriptOf([cue('a', at(0), play('hum', { forMs: 1003 })), cue('q', at(1.003), silence(60))]),
      {
        hum: tone(100, 60, 20_000),
      },
    )
    const heard = [await listen(running, 2)]
    await running.program.command({ do: 'goto', to: { ms: 500 } })
    heard.push(await listen(running, 0.2))
    await running.program.command({ do: 'pause' })
    heard.push(await listen(running, 0.1))
    await running.program.command({ do: 'resume' })
    heard.push(await listen(running, 0.1))
    await running.program.command({ do: 'stop' })
    heard.push(await listen(running, 0.1))
    const samples = heard.flatMap((piece) => [...piece])
    let step = 0
    for (let i = 1; i < samples.length; i++) step = Math.max(step, Math.abs(samples[i]! - samples[i - 1]!))
    expect(step).toBeLessThan(20_000 * 2 * Math.PI * (100 / 48_000) + 60)
  })

  it('plays a room of music in two channels', async () => {
    const script = scriptOf([cue('a', at(0), play('hum'))])
    const hum = tone(100, 1)
    const running = startProgram({ ...script, room: { ...script.room, sound: 'music' } }, { hum })
    const heard = await listen(running, 2)
    expect(heard.length).toBe(2 * hum.length)
    expect(heard.filter((_, i) => i % 2 === 1)).toEqual(hum)
  })
})

describe('a sound that fails', () => {
  const sounds = { one: steady(2, 1000), two: steady(2, 2000) }

  it('is left out, told, and what follows it comes at once', async () => {
    const script = scriptOf([cue('list', at(0), play(['one', 'lost', 'two'])), cue('s', after, silence(1))])
    const running = startProgram(script, { ...sounds, lost: steady(2, 9) }, { open: openFrom(sounds) })
    const heard = await listen(running, 20)
    expect(heard.length).toBe(sampleAt(5))
    expect(heard[sampleAt(2)]).toBe(2000)
    expect(running.events).toContainEqual({ type: 'warning', cue: 'list', message: 'lost is gone' })
    expect(running.events).toContainEqual({
      type: 'over',
      id: 'list/2',
      cue: 'list',
      atMs: 2000,
      sentMs: 0,
      cause: 'failed',
      message: 'lost is gone',
    })
  })

  it('ends a list of which nothing can be played, instead of trying for ever', async () => {
    const script = scriptOf([
      cue('list', at(0), play(['lost', 'gone'], { isLooped: true, forMs: 60_000 })),
      cue('s', after, silence(1)),
    ])
    const running = startProgram(script, { lost: steady(2, 1), gone: steady(2, 1) }, { open: openFrom(sounds) })
    expect((await listen(running, 100)).length).toBe(sampleAt(1))
  })

  it('that breaks off is over there, and the next begins at the very sample', async () => {
    const script = scriptOf([cue('list', at(0), play(['one', 'two']))])
    const running = startProgram(script, { ...sounds, one: steady(10, 1000) }, { open: openFrom(sounds) })
    const heard = await listen(running, 20)
    expect(heard.indexOf(2000)).toBe(sampleAt(2))
    expect(heard.length).toBe(sampleAt(4))
  })

  it('that comes late is silence until it is there, told once, and heard to its end; the clock goes on', async () => {
    const open = openFrom(sounds)
    let come!: () => void
    const waiting = new Promise<void>((resolve) => {
      come = resolve
    })
    const late: OpenSoundAt = async (...asked) => waiting.then(() => open(...asked))
    const running = startProgram(scriptOf([cue('a', at(0), play('one')), cue('q', at(0), silence(3))]), sounds, {
      open: late,
    })
    const read = (count: number) => {
      for (let n = 0; n < count; n++) expect(running.program.read(running.frame)).toBe('frame')
    }
    read(50)
    expect(running.frame.every((sample) => sample === 0)).toBe(true)
    come()
    await running.program.ready()
    read(5)
    expect(running.frame.at(-1)).toBe(1000)
    expect(running.program.position().programMs).toBe(550)
    const rest = await listen(running, 10)
    expect(rest.lastIndexOf(1000)).toBeGreaterThan(sampleAt(1.9))
    expect(running.events.filter(({ type }) => type === 'warning')).toHaveLength(1)
  })
})
