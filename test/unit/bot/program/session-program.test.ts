import { describe, expect, it } from 'vitest'
import { levelDb } from '../../../../src/audio/level.ts'
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
  play,
  say,
  scriptOf,
  silence,
  startProgram,
  steady,
  strike,
} from './program-fixtures.ts'

const samplesOf = (seconds: number) => Math.round(seconds * 48_000)
const strikesIn = (heard: Int16Array) => [...heard.keys()].filter((i) => heard[i] === 20_000)
const joined = (...sounds: Int16Array[]) => Int16Array.from(sounds.flatMap((sound) => [...sound]))

describe('session program', () => {
  it('rings bells at the very sample of their time', async () => {
    const script = scriptOf([
      cue('b', at(1), bell(3, 2)),
      cue('s', at(6.001), say('hello')),
      cue('e', after, silence(1)),
    ])
    const running = startProgram(script, { bell: strike(), hello: steady(1, 5000) })
    const heard = await listen(running, 20)
    expect(strikesIn(heard)).toEqual([1, 3, 5].map(samplesOf))
    expect(heard.indexOf(5000)).toBe(samplesOf(6.001))
    expect(heard.length).toBe(samplesOf(8.01))
    expect(
      running.events
        .filter(({ type }) => type !== 'title')
        .map((event) => [event.type, 'cue' in event ? event.cue : '', 'atMs' in event ? event.atMs : 0]),
    ).toEqual([
      ['began', 'b', 1000],
      ['over', 'b', 5500],
      ['began', 's', 6001],
      ['over', 's', 7001],
      ['began', 'e', 7001],
      ['over', 'e', 8001],
      ['ended', '', 0],
    ])
  })

  it('joins the sounds of a list without losing or adding a sample', async () => {
    const [one, two] = [noise(0.30001, 8000, 1), noise(0.5, 8000, 2)]
    const running = startProgram(scriptOf([cue('list', at(0), play(['one', 'two', 'one']))]), { one, two })
    const heard = await listen(running, 5)
    const whole = joined(one, two, one)
    expect(heard.subarray(0, whole.length)).toEqual(whole)
    expect(heard.subarray(whole.length).every((sample) => sample === 0)).toBe(true)
  })

  it('holds, goes on where it was, and plays again what a cut swallowed', async () => {
    const sound = noise(3)
    const running = startProgram(scriptOf([cue('a', at(0), play('sound'))]), { sound })
    await listen(running, 1)
    running.program.hold()
    expect(levelDb((await listen(running, 0.5)).subarray(480))).toBe(-100)
    expect(running.program.position().programMs).toBe(1000)
    running.program.resume(600)
    expect(running.program.position().programMs).toBe(600)
    const heard = await listen(running, 10)
    expect(heard.subarray(480, 48_000)).toEqual(sound.subarray(samplesOf(0.61), samplesOf(1.6)))
    expect(heard.length).toBe(samplesOf(2.4))
  })

  it('begins in the middle of what sounds then', async () => {
    const sound = noise(3)
    const rain = noise(2, 100, 7)
    const script = scriptOf(
      [cue('r', at(0), bedCue('rain')), cue('a', at(1), play('sound')), cue('e', at(10), silence(1))],
      {
        beds: { rain: bedOf('rain', { loopFadeMs: 0 }) },
      },
    )
    const running = startProgram(script, { sound, rain }, { startMs: 2500 })
    const heard = await listen(running, 1)
    const expected = Int16Array.from(
      { length: 40_000 },
      (_, i) => sound[samplesOf(1.5) + i]! + rain[(samplesOf(2.5) + i) % rain.length]!,
    )
    expect(heard.subarray(960, 40_000)).toEqual(expected.subarray(960))
  })

  it('crossfades at equal power', async () => {
    const running = startProgram(scriptOf([cue('list', at(0), play(['one', 'two'], { crossfadeMs: 2000 }))]), {
      one: noise(5, 8000, 1),
      two: noise(5, 8000, 99),
    })
    const heard = await listen(running, 20)
    expect(heard.length).toBe(samplesOf(8))
    const alone = levelDb(heard.subarray(0, samplesOf(2)))
    for (let from = 3; from < 5; from += 0.25) {
      const level = levelDb(heard.subarray(samplesOf(from), samplesOf(from + 0.25)))
      expect(Math.abs(level - alone), `at ${from} s`).toBeLessThan(0.5)
    }
  })

  it('knows the title of a station from its first sound on, and tells the next ones', async () => {
    const script = scriptOf([cue('s', at(0), silence(1)), cue('r', at(1), play('radio'))])
    const open: OpenSoundAt = async () => {
      let tell: (title: { title: string; artist: string | null }) => void = () => {}
      return {
        onTitle: (listener) => {
          tell = listener
        },
        pcm: async function* () {
          tell({ title: 'Low', artist: 'Ana' })
          yield steady(1, 5000)
          tell({ title: 'High', artist: null })
          yield steady(1, 6000)
        },
        warning: () => undefined,
        close: async () => {},
      }
    }
    const running = startProgram(script, { radio: steady(2, 5000) }, { open })
    await listen(running, 2.5)
    expect(running.events.filter(({ type }) => type === 'began' || type === 'title')).toMatchObject([
      { type: 'began', id: 's' },
      { type: 'began', id: 'r', title: 'Low', artist: 'Ana' },
      { type: 'title', id: 'r', title: 'High', artist: null },
    ])
    expect(running.program.position().playing).toMatchObject({ title: 'High', artist: null })
  })
})
