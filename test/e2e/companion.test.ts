import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { companionSchema } from '../../src/protocol/rooms.ts'
import { eventually } from '../support/eventually.ts'
import { type House, type HouseSeat, openHouse } from '../support/house.ts'
import { isTone } from '../support/media-tone.ts'
import { joinRtcNode, type RtcNodePeer } from '../support/rtc-node.ts'
import { sine } from '../support/signals.ts'
import { wavBytes } from '../support/wav-bytes.ts'

// Ana's bot plays a tone; Omar's companion is LiveKit's own client, which shares no code with the program.
let house: House
let companion: RtcNodePeer | undefined
beforeAll(async () => {
  house = await openHouse(['Ana', 'Omar'])
})
afterAll(async () => {
  await companion?.close()
  await house?.close()
})

it('is heard by any LiveKit client with a token of `roomtone token`, which as listener cannot publish', async () => {
  const room = await house.createRoom('Companion')
  const ana = await house.join('ana', room, '--microphone', 'none', '--speaker', 'none')
  const bot = await playTone(room)
  const { participantId: botId } = await ana.tells('participant-joined', { where: ({ kind }) => kind === 'bot' })

  const access = companionSchema.parse(JSON.parse(await house.must('token', room.id, '--json', '--profile', 'omar')))
  companion = await joinRtcNode(access.url, access.token)
  expect(companion.room.name).toBe(access.room)
  expect(companion.room.localParticipant?.identity).toBe(access.identity)
  const listener = companion
  await eventually(() => isTone(listener.heardHz(botId), 440), { withinMs: 10_000, what: 'the tone of the bot' })
  await ana.tells('participant-joined', { where: ({ participantId }) => participantId === access.identity })

  await expect(listener.publishTone(660)).rejects.toThrow()
  const { participants } = await ana.state()
  expect(participants.find(({ id }) => id === access.identity)).toMatchObject({ role: 'listener', isSpeaking: false })
  // The refusal cost it nothing: it hears on.
  expect(isTone(listener.heardHz(botId), 440)).toBe(true)
  expect(ana.told('speaking').filter(({ participantId }) => participantId === access.identity)).toEqual([])

  bot.kill('SIGINT')
  expect((await bot.ended).code).toBe(130)
})

const playTone = async (room: { id: string }): Promise<HouseSeat> => {
  const samples = sine({ hz: 440, ms: 20_000 })
  writeFileSync(join(house.home, 'tone.wav'), wavBytes(Buffer.from(samples.buffer)))
  const bot = house.start(['bot', 'play', 'tone.wav', '--room', room.id, '--loop', '--profile', 'ana', '--jsonl'])
  await eventually(() => bot.stdout().includes('"on-air"'), { withinMs: 20_000, what: 'the bot is on air' })
  return bot
}
