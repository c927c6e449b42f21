import { createInterface } from 'node:readline'
import type { SeatClient } from '../client/seat.ts'
import type { SeatCommand, SeatEvent } from '../protocol/seat.ts'
import type { Context } from './context.ts'

const LEAVE_MS = 6000

type EventsOptions = {
  /** Every event as a line of JSON, and commands from stdin. */
  jsonl?: boolean
  /** End when the seat is in the room. */
  detach?: boolean
  microphone?: string
}

/** Follows a seat for a program: JSON lines, or its id alone. Resolves with the reason of the end, or undefined when detached. */
export const followEvents = async (
  context: Context,
  seat: SeatClient,
  options: EventsOptions,
): Promise<string | undefined> => {
  const { output } = context
  const { jsonl, detach, microphone } = options
  const input = detach || microphone === 'stdin' ? undefined : await readCommands(context, seat)
  let reason: string | undefined

  return new Promise<string | undefined>((resolve) => {
    const end = (result: string | undefined) => {
      input?.close()
      resolve(result)
    }
    const onEvent = (event: SeatEvent) => {
      if (jsonl) output.event(event)
      if (event.type === 'left') {
        reason ??= event.reason
        if (!jsonl && exitsBadly(event.reason)) output.problem({ ...event, code: event.reason })
      }
      if (event.type === 'joined' && detach) {
        if (!jsonl) output.line(event.seatId)
        output.note(`In ${event.title}; the seat stays. Leave it: roomtone leave --seat ${event.seatId.slice(0, 8)}`)
        end(undefined)
      }
    }
    const leave = (why: string) => {
      reason = why
      seat.request({ verb: 'leave' }).catch(() => {})
      setTimeout(() => end(why), LEAVE_MS).unref()
    }
    context.onInterrupt(() => leave('interrupted'))
    context.onOutputClosed(() => leave('left'))
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

/** Typed commands; the end of input ends the reading, not the seat. */
const readCommands = async ({ stdin, output }: Context, seat: SeatClient) => {
  const { parseLine } = await import('../tui/lines/vocabulary.ts')
  const { answer } = await import('../tui/lines/answers.ts')
  const lines = createInterface({ input: stdin, terminal: false })
  const run = (command: SeatCommand) => seat.request(command).catch((error) => output.problem(error))
  lines.on('line', (text) => {
    const line = parseLine(text, 'room')
    const state = seat.state()
    if ('command' in line) run(line.command)
    else if ('unknown' in line) output.note(line.unknown)
    else if ('does' in line && (line.does === 'leave' || line.does === 'quit')) run({ verb: 'leave' })
    else if ('does' in line && state)
      output.note(answer(line, state) ?? `"${text.trim()}" is a word of the plain lines, not of --jsonl.`)
  })
  return {
    close: () => {
      lines.close()
      stdin.pause()
      ;(stdin as { unref?: () => void }).unref?.()
    },
  }
}
