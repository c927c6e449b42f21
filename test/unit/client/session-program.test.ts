import { describe, expect, it } from 'vitest'
import type { Api } from '../../../src/client/api.ts'
import { createSessionProgram, type OnProgramCommand } from '../../../src/client/session-program.ts'
import type { Playing } from '../../../src/protocol/program.ts'
import { eventually } from '../../support/eventually.ts'

const playing = (title: string | null): Playing => ({
  kind: 'sound',
  title,
  artist: null,
  startedAt: '2026-11-22T07:00:00.000Z',
  until: null,
  isPaused: false,
})

/** What reaches the server; `fail` says what a call is answered with instead. */
const scene = (onCommand?: OnProgramCommand) => {
  const calls: { name: string; body: Record<string, unknown> }[] = []
  const server = { fail: undefined as Error | undefined }
  const call = async (name: string, { body }: { body: Record<string, unknown> }) => {
    calls.push({ name, body })
    if (server.fail) throw server.fail
  }
  const api = { call } as unknown as Api
  const program = createSessionProgram({ api, roomId: 'room' }, 'seat', onCommand)
  const titles = () => calls.map(({ body }) => (body.playing as Playing | null)?.title ?? null)
  const told = (count: number) => eventually(() => calls.length === count, { withinMs: 3_000, what: `${count} calls` })
  return { program, calls, titles, told, server }
}

const command = {
  type: 'program-command',
  id: '5b0c8f9e-6b1f-4c55-9b7a-0d9f6a3c2e11',
  participantId: 'bot-1',
  command: { do: 'pause' },
  by: 'Ana',
  until: '2026-11-22T07:00:05.000Z',
} as const

describe('what a bot plays', () => {
  it('is told once it is in the room, and told again after each join', async () => {
    const { program, titles, told } = scene()
    program.setPlaying(playing('one'))
    expect(titles()).toEqual([])
    program.onJoined()
    await told(1)
    program.onJoined()
    await told(2)
    program.setPlaying(null)
    await told(3)
    expect(titles()).toEqual(['one', 'one', null])
    program.close()
  })

  it('is told as it is last, where it changes faster than that', async () => {
    const { program, titles, told } = scene()
    program.onJoined()
    for (const title of ['one', 'two', 'three']) program.setPlaying(playing(title))
    await told(2)
    expect(titles()).toEqual(['one', 'three'])
    program.close()
  })

  it('is tried again where the server did not take it', async () => {
    const { program, titles, told, server } = scene()
    server.fail = new Error('unreachable')
    program.onJoined()
    program.setPlaying(playing('one'))
    await told(1)
    server.fail = undefined
    await told(2)
    expect(titles()).toEqual(['one', 'one'])
    program.close()
  })

  it('has a title that the server takes, whatever stands in a file', async () => {
    const { program, titles, told } = scene()
    program.onJoined()
    program.setPlaying(playing(`\u001b[31m${'é'.repeat(300)}`))
    await told(1)
    expect(titles()[0]).toBe(`${'é'.repeat(119)}…`)
    program.setPlaying(playing('\u200b'))
    await told(2)
    expect(titles()[1]).toBeNull()
    program.close()
  })
})

describe('a command', () => {
  it('is answered with what became of it', async () => {
    const answer = { ok: true, code: null, message: 'Paused.' }
    const asked: unknown[] = []
    const { program, calls } = scene(async (...all) => {
      asked.push(all)
      return answer
    })
    await program.onCommand(command)
    expect(asked).toEqual([[{ do: 'pause' }, 'Ana']])
    expect(calls).toEqual([{ name: 'answerProgramCommand', body: { seatId: 'seat', commandId: command.id, answer } }])
  })

  it('that fails is refused with the reason, as is one to a bot that takes none', async () => {
    const failing = scene(async () => {
      throw Object.assign(new Error('There is no cue "gong".'), { code: 'not-found' })
    })
    await failing.program.onCommand(command)
    expect(failing.calls[0]!.body.answer).toEqual({ ok: false, code: 'not-found', message: 'There is no cue "gong".' })
    const plain = scene()
    await plain.program.onCommand(command)
    expect(plain.calls[0]!.body.answer).toMatchObject({ ok: false, code: 'conflict' })
  })
})
