import { afterAll, beforeAll, expect, it } from 'vitest'
import { createToneSource } from '../../../src/audio/sources/tone.ts'
import { createApi } from '../../../src/client/api.ts'
import { tokenCredentials } from '../../../src/client/credentials.ts'
import { startSession } from '../../../src/client/session.ts'
import type { Session } from '../../../src/client/session-contract.ts'
import type { ProgramCommand } from '../../../src/protocol/program.ts'
import { clockTime } from '../../../src/tui/words.ts'
import { eventually } from '../../support/eventually.ts'
import { type House, openHouse } from '../../support/house.ts'
import { roomtone } from '../../support/roomtone.ts'

let house: House
let bot: Session | undefined
beforeAll(async () => {
  house = await openHouse(['Ana'])
})
afterAll(async () => {
  await bot?.close()
  await house?.close()
})

it('is told what a bot plays in the hallway and in the room, by words alone, and commands it', async () => {
  const room = await house.createRoom('Morning sit', '--topic', 'meditation', '--lang', 'de')
  const { server } = JSON.parse(await house.must('whoami', '--json', '--profile', 'ana'))
  const { token } = JSON.parse(await house.must('token', 'create', 'Guide', '--json', '--profile', 'ana'))
  const api = createApi({ server, credentials: tokenCredentials(token) })
  const commands: [ProgramCommand, string][] = []
  const lines = house.start([
    'join',
    room.id,
    '--plain',
    '--profile',
    'ana',
    '--microphone',
    'none',
    '--speaker',
    'none',
  ])
  const says = (text: string) =>
    eventually(() => lines.stdout().includes(text) || raise(lines.stdout() + lines.stderr()), {
      withinMs: 15_000,
      what: `said: ${text}`,
    })
  await says('You are in Morning sit')
  bot = startSession({
    ...{ target: { api, roomId: room.id }, name: 'Guide', sink: null, isDevice: false },
    source: createToneSource({ hz: 440 }),
    onProgramCommand: async (command, by) => {
      commands.push([command, by])
      return { ok: command.do !== 'skip', code: null, message: command.do === 'skip' ? 'Nothing comes next.' : '' }
    },
  })
  void bot.done.then(() => api.close())
  await bot.joined
  lines.write('say playing on\n')
  await says('playing is said by itself.')
  const until = new Date(Date.now() + 600_000).toISOString()
  const silence = { kind: 'silence', title: null, artist: null, isPaused: false } as const
  bot.setPlaying({ ...silence, startedAt: new Date().toISOString(), until })
  await says(`Guide keeps silence until ${clockTime(until)}.`)
  lines.write('status\nextend 5m\nskip\n')
  await says('Morning sit: meditation, in German')
  await says('It lasts 5 minutes longer.')
  await eventually(() => lines.stderr().includes('Nothing comes next.'), { withinMs: 5_000, what: "the bot's refusal" })
  expect(commands).toEqual([
    [{ do: 'extend', ms: 300_000 }, 'Ana'],
    [{ do: 'skip' }, 'Ana'],
  ])
  const hallway = await roomtone(['--profile', 'ana'], { home: house.home, stdin: 'topic meditation\n' })
  expect(hallway.stdout).toContain(`2 on stage, 0 listening, silence until ${clockTime(until)}.`)
  expect(await house.must('rooms', '--profile', 'ana')).toContain(`silence until ${clockTime(until)}`)
})

const raise = (text: string): never => {
  throw new Error(text)
}
