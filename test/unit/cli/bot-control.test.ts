import { PassThrough } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { followControl, readControl } from '../../../src/cli/bot-control.ts'
import { eventually } from '../../support/eventually.ts'

describe('control by stdin', () => {
  it('goes to the only session without a name, to one of several by its name', () => {
    expect(readControl('goto 12:30', ['sit'])).toEqual({ session: 'sit', command: { do: 'goto', to: { ms: 750_000 } } })
    expect(readControl('sit pause', ['sit'])).toEqual({ session: 'sit', command: { do: 'pause' } })
    expect(readControl('evening cue gong', ['sit', 'evening'])).toEqual({
      session: 'evening',
      command: { do: 'cue', name: 'gong' },
    })
    expect(() => readControl('pause', ['sit', 'evening'])).toThrow('write the name first, sit pause')
    expect(() => readControl('night pause', ['sit', 'evening'])).toThrow('"night" is no command of a program')
  })

  it('is not led astray by a session that is called as a command', () => {
    expect(readControl('pause', ['pause'])).toEqual({ session: 'pause', command: { do: 'pause' } })
    expect(readControl('pause resume', ['pause'])).toEqual({ session: 'pause', command: { do: 'resume' } })
  })

  it('answers each line in order, the wrong ones in a sentence, and reads on', async () => {
    const stdin = new PassThrough()
    const answers: unknown[] = []
    const stop = followControl({
      stdin,
      sessions: ['sit'],
      command: async (_, { do: verb }) => ({ ok: true, code: null, message: `${verb} done` }),
      onAnswer: (answer) => answers.push(answer),
    })
    stdin.write('pause\n\n# a comment\ndance\nexte')
    stdin.write('nd 5m\r\n')
    await eventually(() => answers.length === 3, { withinMs: 5_000, what: 'three answers' })
    expect(answers).toEqual([
      { session: 'sit', line: 'pause', ok: true, code: null, message: 'pause done' },
      {
        session: null,
        line: 'dance',
        ok: false,
        code: 'bad-input',
        message: expect.stringContaining('"dance" is no command of a program'),
      },
      { session: 'sit', line: 'extend 5m', ok: true, code: null, message: 'extend done' },
    ])
    stop()
  })
})
