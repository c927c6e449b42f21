import { setTimeout as sleep } from 'node:timers/promises'
import type { RoomEvent } from '../protocol/events.ts'
import { PLAYING_CHARACTERS, type Playing, type ProgramAnswer, type ProgramCommand } from '../protocol/program.ts'
import { cleanLine } from '../protocol/text.ts'
import type { SessionTarget } from './session-link.ts'

/** Does what a moderator (`by`: their name) asks of the bot's program, and says what became of it. */
export type OnProgramCommand = (command: ProgramCommand, by: string) => Promise<ProgramAnswer>

export type SessionProgram = {
  onCommand(event: Extract<RoomEvent, { type: 'program-command' }>): Promise<void>
  /** What it plays from now on; kept, and told again after each join, until the end. */
  setPlaying(playing: Playing | null): void
  onJoined(): void
  close(): void
}

const AGAIN_MS = 1_000

/** The program of a bot as its server sees it: what it plays, and commands to it. */
export const createSessionProgram = (
  target: SessionTarget,
  seatId: string,
  onCommand: OnProgramCommand = async () =>
    refusal('conflict', 'This bot plays a plain list of files: it takes no commands.'),
): SessionProgram => {
  const closing = new AbortController()
  let wanted: Playing | null | undefined
  let told: Playing | null | undefined
  let isJoined = false
  let isTelling = false

  const tell = async () => {
    if (isTelling) return
    isTelling = true
    while ('api' in target && isJoined && wanted !== undefined && told !== wanted && !closing.signal.aborted) {
      const playing = wanted
      const body = { seatId, playing: playing && fitting(playing) }
      const call = target.api.call('setPlaying', { params: { roomId: target.roomId }, body, signal: closing.signal })
      await call.then(
        () => {
          told = playing
        },
        () => sleep(AGAIN_MS, undefined, { signal: closing.signal }).catch(() => {}),
      )
    }
    isTelling = false
  }

  return {
    onCommand: async ({ id, command, by }) => {
      if (!('api' in target)) return
      const answer = await onCommand(command, by).catch((error: Error & { code?: string }) =>
        refusal(error.code ?? 'internal', error.message),
      )
      const body = { seatId, commandId: id, answer: { ...answer, message: answer.message.slice(0, 500) } }
      // Who asked is told that no answer came.
      await target.api.call('answerProgramCommand', { params: { roomId: target.roomId }, body }).catch(() => {})
    },
    setPlaying: (playing) => {
      wanted = playing
      void tell()
    },
    onJoined: () => {
      isJoined = true
      told = undefined
      void tell()
    },
    close: () => closing.abort(),
  }
}

const refusal = (code: string, message: string): ProgramAnswer => ({ ok: false, code, message })

/** Titles come from files and streams: whatever they hold, the server takes this. */
const fitting = (playing: Playing): Playing => ({
  ...playing,
  title: shortened(playing.title),
  artist: shortened(playing.artist),
})

const shortened = (text: string | null): string | null => {
  const characters = [...cleanLine((text ?? '').slice(0, PLAYING_CHARACTERS * 8))]
  if (characters.length <= PLAYING_CHARACTERS) return characters.join('') || null
  return `${characters
    .slice(0, PLAYING_CHARACTERS - 1)
    .join('')
    .trimEnd()}…`
}
