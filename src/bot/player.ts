import { basename, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { openDecoded } from '../audio/files/decode.ts'
import { createApi } from '../client/api.ts'
import { tokenCredentials } from '../client/credentials.ts'
import { startSession } from '../client/session.ts'
import type { Session } from '../client/session-contract.ts'
import type { SessionEnd } from '../client/session-end.ts'
import type { SeatEvent, SeatState } from '../protocol/seat.ts'
import { createCutGuard, SILENT_AFTER_MS } from './cut-guard.ts'
import { createPlaylist } from './playlist.ts'
import type { SessionProgram } from './program/contract.ts'
import { createFileFacts } from './sound/facts.ts'
import { createMeasureProcess } from './sound/measure-process.ts'
import type { BotEvent, BotOrder } from './wire.ts'

type Untimed<T> = T extends unknown ? Omit<T, 'at'> : never

export type Player = {
  /** Resolves when the bot has left, for whatever reason. */
  readonly done: Promise<SessionEnd>
  stop(): Promise<void>
}

const LOOK_EVERY_MS = 250
const PROGRESS_EVERY_MS = 1000
/** What listeners' jitter buffers may still hold when the program's last sample has been sent. */
const TAIL_MS = 600

/** Plays files into a room as a participant: comes on stage, holds through cuts and mutes, and leaves at the end. */
export const startPlayer = (order: BotOrder, onEvent: (event: BotEvent) => void): Player => {
  const { files, channels, cacheFolder } = order
  const tell = (event: Untimed<BotEvent>) => onEvent({ at: new Date().toISOString(), ...event } as BotEvent)
  const measuring = createMeasureProcess(order.measureEntry)
  const { program, position } = createPlaylist({
    ...{ files, channels, isLooped: order.loop },
    factsOf: createFileFacts({ cacheFolder: join(cacheFolder, 'loudness'), measure: measuring.measure }).of,
    open: openDecoded,
    onWarning: (message) => tell({ type: 'warning', message }),
  })
  program.hold()

  const api = createApi({ server: order.server, credentials: tokenCredentials(order.token), proxy: order.proxy })
  const stage = followStage(() => session, order.waitMs, tell)
  const session: Session = startSession({
    target: { api, roomId: order.roomId },
    name: order.name,
    source: program,
    sink: null,
    isDevice: false,
    // A program has no pauses of its own: frames go on through its silence.
    music: true,
    onEvent: (event) => onSessionEvent(event),
    onState: (state) => stage.follow(state),
    onSourceEnded: () => void sleep(TAIL_MS).then(leave),
  })
  let isLeaving = false
  const leave = () => {
    isLeaving = true
    return session.close('done')
  }

  const onSessionEvent = (event: SeatEvent) => {
    if (event.type === 'warning') tell(event)
    if (event.type === 'joined') {
      const { name, role } = session.state().you
      tell({ type: 'joined', room: event.room, title: event.title, name, role })
    }
  }

  const timers = [
    setInterval(
      guard(session, program, tell, () => isLeaving),
      LOOK_EVERY_MS,
    ),
    setInterval(() => {
      if (program.isHeld) return
      const { index, atMs, durationMs } = position()
      const listeners = session.state().counts.listeners
      const file = basename(files[index]!)
      tell({ type: 'progress', file, index, positionMs: Math.round(atMs), durationMs, listeners })
    }, PROGRESS_EVERY_MS),
  ]

  const done = session.done.then(async (end) => {
    for (const timer of timers) clearInterval(timer)
    stage.close()
    await program.close()
    measuring.close()
    await api.close()
    const final = stage.refusal() ?? end
    tell({ type: 'left', reason: final.reason, code: final.code ?? null, message: final.message })
    return final
  })
  return {
    done,
    stop: async () => {
      await leave()
      await done
    },
  }
}

/** Looks at the way to the media server and holds or resumes the program accordingly. */
const guard = (
  session: Session,
  program: SessionProgram,
  tell: (event: Untimed<BotEvent>) => void,
  isLeaving: () => boolean,
) => {
  const cutGuard = createCutGuard()
  let isLooking = false
  let hasBegun = false
  const look = async () => {
    const { programMs } = program.position()
    const uplink = await session.uplink().catch(() => null)
    if (isLeaving()) return
    const action = cutGuard.observe({ nowMs: performance.now(), programMs, uplink })
    if (action.do === 'hold') {
      program.hold()
      tell({ type: 'paused', cause: causeOfPause(session.state()) })
    }
    if (action.do !== 'resume') return
    // Its first sound may still be measured.
    if (!hasBegun) await program.ready()
    const repeatedMs = Math.round(program.position().programMs - action.fromProgramMs)
    program.resume(action.fromProgramMs)
    tell(hasBegun ? { type: 'resumed', repeatedMs: Math.max(0, repeatedMs) } : { type: 'on-air' })
    hasBegun = true
  }
  return async () => {
    if (isLooking) return
    isLooking = true
    await look()
    isLooking = false
  }
}

const causeOfPause = ({ connection, you }: SeatState) => {
  if (connection.status === 'reconnecting') return connection.cause
  if (you.role === 'listener') return 'taken off the stage'
  if (you.microphone === 'muted-by-moderator') return 'muted by a moderator'
  return `nothing heard from the media server for ${SILENT_AFTER_MS} ms`
}

/** Where the bot enters as a listener it raises its hand, accepts an invitation, and gives up after the waiting time. */
const followStage = (session: () => Session, waitMs: number, tell: (event: Untimed<BotEvent>) => void) => {
  let timer: NodeJS.Timeout | undefined
  let accepted: string | undefined
  let refused: SessionEnd | undefined

  const wait = async () => {
    tell({ type: 'waiting', forMs: waitMs })
    timer = setTimeout(() => {
      const message =
        'Nobody let the bot on stage in time: ask a moderator of the room to admit it, or wait longer with --wait.'
      refused = { reason: 'not-allowed', by: null, message, code: 'not-allowed' }
      void session().close('done')
    }, waitMs)
    await session()
      .command({ verb: 'hand' })
      .catch((error: Error) => tell({ type: 'warning', message: error.message }))
  }

  return {
    follow: ({ connection, you }: SeatState) => {
      if (connection.status !== 'live') return
      if (you.role !== 'listener') {
        clearTimeout(timer)
        timer = undefined
      } else if (!timer) void wait()
      // It stays in the state until the server tells of its end.
      if (!you.invitation || you.invitation.expiresAt === accepted) return
      accepted = you.invitation.expiresAt
      session()
        .command({ verb: 'accept' })
        .catch((error: Error) => tell({ type: 'warning', message: error.message }))
    },
    refusal: () => refused,
    close: () => clearTimeout(timer),
  }
}
