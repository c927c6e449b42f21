import { describe, expect, it } from 'vitest'
import { programCommandOf } from '../../../src/cli/program-words.ts'
import { programCommandSchema } from '../../../src/protocol/program.ts'

const read = (line: string) => {
  const [verb, ...words] = line.split(' ')
  return programCommandOf(verb!, words)
}

describe('a command to a program, as it is written', () => {
  it.each([
    ['pause', { do: 'pause' }],
    ['stop', { do: 'stop' }],
    ['cue the long gong', { do: 'cue', name: 'the long gong' }],
    ['goto close', { do: 'goto', to: { cue: 'close' } }],
    ['goto 12:30', { do: 'goto', to: { ms: 750_000 } }],
    ['goto 1:02:03', { do: 'goto', to: { ms: 3_723_000 } }],
    ['goto 90s', { do: 'goto', to: { ms: 90_000 } }],
    ['extend 5m', { do: 'extend', ms: 300_000 }],
    ['extend -90s', { do: 'extend', ms: -90_000 }],
    ['level bed -6dB', { do: 'level', of: 'bed', db: -6 }],
    ['level voice +1.5', { do: 'level', of: 'voice', db: 1.5 }],
    ['level -3dB', { do: 'level', of: 'all', db: -3 }],
  ])('%s', (line, command) => {
    expect(read(line)).toEqual(command)
    expect(programCommandSchema.parse(read(line))).toEqual(command)
  })

  it.each([
    ['dance', '"dance" is no command of a program'],
    ['constructor', '"constructor" is no command of a program'],
    ['pause now', 'pause stands alone, without "now"'],
    ['cue', 'cue wants a word more: write cue NAME'],
    ['extend soon', 'extend wants a duration such as 20s, 5m or 1h30m, not "soon"'],
    ['level bed', 'level wants a layer (all, voice, bed, bell) and a level from -60dB to 12dB, not "bed"'],
    ['level piano -6dB', 'level wants a layer'],
    ['level bed -90dB', 'from -60dB to 12dB'],
  ])('refuses "%s" in a sentence', (line, sentence) => {
    expect(() => read(line)).toThrow(sentence)
  })
})
