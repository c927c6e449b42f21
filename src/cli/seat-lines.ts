import { createInterface } from 'node:readline'
import type { SeatClient } from '../client/seat.ts'
import type { SeatCommand, SeatEvent, SeatState } from '../protocol/seat.ts'
import { answerLine, describe, parseLine } from '../tui/lines.ts'
import type { Context } from './context.ts'

const LEAVE_MS = 6000

export type LinesOptions = {
  /** Events as JSON instead of words. */
  jsonl: boolean
  /** End when the seat is in the room. */
  detach: boolean
  /** Commands are read from stdin, a line each. */
  readsCommands: boolean
  /** Stdout carries sound: words go to stderr. */
  soundOnStdout: boolean
}

/** Tells what happens in a seat, line by line, until it leaves. Resolves with the reason, or undefined when detached. */
export const followInLines = (
  context: Context,
  seat: SeatClient,
  options: LinesOptions,
): Promise<string | undefined> => {
  const { output } = context
  // Detached, stdout says which seat it is, and nothing else.
  const say = options.soundOnStdout || options.detach ? output.note : output.line
  const input = options.readsCommands ? readCommands(context, seat, options.jsonl ? output.note : say) : undefined
  let reason: string | undefined
  let before = seat.state()

  return new Promise<string | undefined>((resolve) => {
    const end = (result: string | undefined) => {
      input?.close()
      resolve(result)
    }
    const onEvent = (event: SeatEvent) => {
      const state = seat.state()
      if (options.jsonl) output.event(event)
      else tell(event, state, before, say)
      before = state
      if (event.type === 'left') {
        reason ??= event.reason
        if (!options.jsonl && exitsBadly(event.reason)) output.problem({ ...event, code: event.reason })
      }
      if (event.type === 'joined' && options.detach) {
        if (!options.jsonl) output.line(event.seatId)
        output.note(`In ${event.title}; the seat stays. Leave it: roomtone leave --seat ${event.seatId.slice(0, 8)}`)
        end(undefined)
      }
    }
    const leave = (why: string) => {
      reason = why
      seat.request({ verb: 'leave' }).catch(() => {})
      setTimeout(() => end(why), LEAVE_MS).unref()
    }
    // Without its terminal a seat waits a while for `attach`.
    const hangUp = () => {
      seat.close()
      end('interrupted')
    }
    const isOnTerminal = context.stdin.isTTY || context.stdout.isTTY
    context.onInterrupt((signal) => (signal === 'SIGHUP' && isOnTerminal ? hangUp() : leave('interrupted')))
    context.onOutputClosed(() => (context.stdout.isTTY ? hangUp() : leave('left')))
    seat.onEvent(onEvent)
    seat.onClosed((why) => {
      // A seat that was killed has no last words of its own.
      if (reason === undefined && why === 'failed') onEvent(died())
      end(reason ?? why)
    })
  })
}

const died = (): SeatEvent => ({
  at: new Date().toISOString(),
  type: 'left',
  reason: 'failed',
  by: null,
  message: 'The process of the seat has died; join again.',
})

const exitsBadly = (reason: string): boolean => !['left', 'done', 'interrupted'].includes(reason)

const tell = (
  event: SeatEvent,
  state: SeatState | undefined,
  before: SeatState | undefined,
  say: (text: string) => void,
) => {
  if (!state) return
  const sentence = describe(event, state, before ?? state)
  if (sentence !== undefined) say(sentence)
}

/** Typed commands; the end of input ends the reading, not the seat. */
const readCommands = ({ stdin, output }: Context, seat: SeatClient, say: (text: string) => void) => {
  const lines = createInterface({ input: stdin, terminal: false })
  const run = (command: SeatCommand) => seat.request(command).catch((error) => output.problem(error))
  lines.on('line', (text) => {
    const line = parseLine(text)
    if ('command' in line) void run(line.command)
    else if ('unknown' in line) output.note(line.unknown)
    else if ('question' in line) {
      const state = seat.state()
      if (state) say(answerLine(line.question, state))
    }
  })
  return {
    close: () => {
      lines.close()
      stdin.pause()
      ;(stdin as { unref?: () => void }).unref?.()
    },
  }
}
