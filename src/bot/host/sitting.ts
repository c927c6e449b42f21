import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { SessionOptions } from '../../client/session.ts'
import type { SessionEnd } from '../../client/session-end.ts'
import type { Playing, ProgramAnswer, ProgramCommand } from '../../protocol/program.ts'
import type { SeatEvent, SeatState } from '../../protocol/seat.ts'
import { createCutGuard } from '../cut-guard.ts'
import type { Plan, ProgramEvent, ProgramState, SessionProgram } from '../program/contract.ts'
import type { SessionScript } from '../script/script.ts'
import { startEar } from '../watch/ear.ts'
import type { SessionReport } from '../watch/report.ts'
import { countStarved } from '../watch/starved.ts'
import { type Air, type AirAction, beginAir, dueMs, isPaused, stepAir } from './air.ts'
import { answerOf } from './answers.ts'
import { createFloorHost } from './floor-host.ts'
import type { Journal, JournalWriter } from './journal.ts'
import { createOpenItems } from './open-items.ts'
import { isSamePlaying, playingAt, waitingUntil } from './playing.ts'
import type { RunLog } from './run-log.ts'
import { startStay } from './stay.ts'
import type { HostEvent, SittingOutcome } from './wire.ts'

type Untimed<T> = T extends unknown ? Omit<T, 'at' | 'session' | 'occurrence'> : never
export type SittingEvent = Untimed<HostEvent>

/** What a sitting shows of itself to the outside. */
type SittingView = Pick<SessionReport, 'phase' | 'programMs' | 'playing' | 'listeners' | 'problem'> & {
  /** Frames are to go out: not before the start, nor while a moderator keeps the bot silent. */
  isDue: boolean
  isCut: boolean
  starvedFrames: number
  heardPackets: number | null
  sentFrames: number
}

export type SittingOptions = {
  script: SessionScript
  occurrence: string
  /** When session time is 0, wall time; null: as soon as it can be heard. */
  startMs: number | null
  target: SessionOptions['target']
  /** What the journal names where this sitting is held. */
  targetName: string
  holder: string
  /** Whether another host has this sitting now. */
  isTakenOver(): Promise<boolean>
  /** Where an own ear is wanted. */
  earAccess: (() => Promise<{ url: string; token: string }>) | null
  room: { id: string; title: string; link: string | null; isTakenUp: boolean } | null
  /** Of this very sitting, by a host before. */
  journal: Journal | null
  openProgram(from: {
    state: ProgramState | null
    startMs: number
    onEvent(event: ProgramEvent): void
  }): Promise<SessionProgram>
  writer: JournalWriter
  runLog: RunLog
  setHands(hands: 'everyone' | 'off'): Promise<unknown>
  endRoom(): Promise<unknown>
  tell(event: SittingEvent): void
  onView(view: SittingView): void
  now(): number
}

export type SittingEnd = { outcome: SittingOutcome; message: string; code: string | null }

export type Sitting = {
  readonly done: Promise<SittingEnd>
  command(command: ProgramCommand, by: string): Promise<ProgramAnswer>
  reload(plan: Plan): void
  /** `interrupted`: another host may take it up; `ended`: it is over. */
  close(outcome: 'interrupted' | 'ended'): Promise<void>
  listeners(): number
  /** When the program will be over, by the wall clock; null without end. */
  endsAtMs(): number | null
  /** Publishes again, or leaves and joins again. */
  repair(how: 'republish' | 'rejoin'): void
}

const LOOK_EVERY_MS = 250
const JOURNAL_EVERY_MS = 1000
const VIEW_EVERY_MS = 500
/** What listeners' jitter buffers may still hold when the program's last sample has been sent. */
const TAIL_MS = 600
/** How long it takes at most until a place in the program is ready to sound. */
const SEEK_MS = 150
/** A command that moves the program by less has not moved it: that is how long it took. */
const JUMP_MS = 500
/** What may have been under way when the host died. */
const UNDER_WAY_MS = 150

/** One sitting of a session in one room, from joining to leaving: the pure steps of air and floor on the real stage. */
export const startSitting = async (options: SittingOptions): Promise<Sitting> => {
  const { script, occurrence, journal, tell, writer, runLog, now } = options
  const { when } = script
  let air: Air = beginAir(when, options.startMs, journal)
  const seatId = journal?.seatId ?? randomUUID()
  const items = createOpenItems()
  const openedMs = now()
  let outcome: SittingEnd | undefined
  let phase: SessionReport['phase'] = 'opening'
  let told: Playing | null = null
  let safeMs = journal?.programMs ?? 0
  let isProgramOver = false

  const program = await options.openProgram({
    state: journal?.program ?? null,
    startMs: air.fromMs,
    onEvent: (event) => onProgramEvent(event),
  })
  program.hold()

  const counted = countStarved(program)
  const stay = startStay({
    target: options.target,
    seatId,
    name: script.room.bot ?? undefined,
    source: counted.source,
    // A program has no pauses of its own: frames go on through its silence.
    music: true,
    joinWithinMs: 30_000,
    onProgramCommand: (command: ProgramCommand, by: string) => runCommand(command, by),
    onEvent: (event) => onSessionEvent(event),
    onState: (state) => onSessionState(state),
    onAway: (message) => tell({ type: 'warning', message: `${message} Trying again.` }),
    onEnded: () => void sleep(TAIL_MS).then(onProgramOver),
  })
  const session = () => stay.session()
  const ear = options.earAccess
    ? startEar({
        access: options.earAccess,
        identity: () => session().state().you.id ?? '',
        onProblem: (message) => tell({ type: 'warning', message }),
      })
    : undefined
  const floor = createFloorHost({
    session,
    program,
    areHandsOff: script.room.hands === 'off',
    setHands: options.setHands,
    tell,
    warn: (message) => tell({ type: 'warning', message }),
  })

  const listeners = () => people(session().state()).length

  const onSessionEvent = (event: SeatEvent) => {
    if (event.type === 'warning') tell(event)
    if (event.type !== 'joined') return
    const { name, role } = session().state().you
    tell({ type: 'joined', name, role })
    told = null
    if (phase === 'opening') setPhase('open')
  }

  let isSpeaking = false
  const onSessionState = (state: SeatState) => {
    const speaks = state.participants.some((one) => one.isSpeaking && !one.isYou && one.kind !== 'bot')
    if (speaks === isSpeaking) return
    isSpeaking = speaks
    program.setSpeaking(speaks)
  }

  const line = () => ({ at: new Date(now()).toISOString(), session: script.name, occurrence })
  const onProgramEvent = (event: ProgramEvent) => {
    switch (event.type) {
      case 'began': {
        const { type, atMs, ...rest } = event
        const heardBy = listeners()
        items.begin(event.id)
        const { id, cue, kind, title, artist } = rest
        runLog.append({ ...line(), type: 'begun', id, cue, kind, title, artist, listeners: heardBy })
        keep()
        return tell({ type, ...rest, programMs: Math.round(atMs), listeners: heardBy })
      }
      case 'over': {
        const { type, atMs, ...rest } = event
        items.end(event.id)
        const { id, sentMs, message } = rest
        const cause = outcome?.outcome === 'interrupted' ? 'interrupted' : rest.cause
        runLog.append({ ...line(), type: 'over', id, sentMs: Math.round(sentMs), cause, message })
        return tell({ type, ...rest, cause, programMs: Math.round(atMs) })
      }
      case 'title': {
        const { id, title, artist } = event
        const sentMs = items.list().find((one) => one.id === id)?.sentMs ?? 0
        runLog.append({ ...line(), type: 'title', id, title, artist, sentMs, listeners: listeners() })
        return tell({ type: 'title', id, title, artist })
      }
      case 'floor-open':
        return floor.open(event)
      case 'floor-closed':
        return floor.close(event.cue)
      case 'warning':
        return tell({ type: 'warning', message: event.cue === null ? event.message : `${event.cue}: ${event.message}` })
      case 'ended':
        isProgramOver = true
        return
    }
  }

  const setPhase = (next: SessionReport['phase']) => {
    phase = next
    view()
    keep()
  }

  const position = () => program.position()
  const endsAtMs = () => {
    const endMs = program.endMs()
    if (endMs === null) return null
    return air.hasBegun ? now() + endMs - position().programMs : Math.max(now(), options.startMs ?? 0) + endMs
  }
  const record = (): Journal => ({
    version: 1,
    session: script.name,
    target: options.targetName,
    pid: process.pid,
    occurrence,
    startMs: options.startMs,
    phase:
      outcome && outcome.outcome !== 'interrupted'
        ? 'over'
        : phase === 'waiting' || phase === 'standby'
          ? 'open'
          : phase,
    outcome: outcome && outcome.outcome !== 'interrupted' ? outcome.outcome : null,
    room: options.room && { id: options.room.id, title: options.room.title, link: options.room.link },
    seatId,
    holder: options.holder,
    writtenMs: now(),
    programMs: air.isCut ? safeMs : Math.max(safeMs, position().programMs - UNDER_WAY_MS),
    hasBegun: air.hasBegun,
    anchor: air.anchor,
    human: air.human,
    program: program.state(),
    open: items.list(),
    listeners: listeners(),
  })
  const keep = () => writer.write(record())

  const view = () => {
    const state = session().state()
    const isKeptSilent = state.you.role === 'listener' || state.you.microphone === 'muted-by-moderator'
    options.onView({
      phase,
      programMs: Math.round(position().programMs),
      playing: told,
      listeners: listeners(),
      problem: air.isCut && air.hasBegun ? causeOfCut(state) : null,
      isDue: air.hasBegun && (phase === 'on-air' || phase === 'paused') && !isKeptSilent,
      isCut: air.isCut,
      sentFrames: stay.sentFrames(),
      starvedFrames: counted.starvedFrames(),
      heardPackets: ear?.packets() ?? null,
    })
  }

  /** What sounds a moment from now is made ready, and given when that moment has come. */
  const joinClock = async () => {
    program.hold()
    const due = () => dueMs(air, now()) ?? position().programMs
    const targetMs = due() + SEEK_MS
    await program.seek(targetMs)
    await sleep(Math.max(0, targetMs - due()))
    moved()
  }
  /** Nothing of what was before the jump is to be heard again. */
  const moved = () => {
    safeMs = position().programMs
    guard.moved(safeMs)
  }

  const act = async (action: AirAction): Promise<void> => {
    const { programMs } = position()
    switch (action.do) {
      case 'begin': {
        if (action.lateMs > 0 && action.fromMs > 0) await joinClock()
        else if (Math.abs(action.fromMs - programMs) > 1) await program.seek(action.fromMs)
        program.resume()
        moved()
        const isTakenUp = journal?.hasBegun === true
        tell({ type: 'on-air', programMs: Math.round(action.fromMs), lateMs: Math.round(action.lateMs), isTakenUp })
        return setPhase(isPaused(air) ? 'paused' : 'on-air')
      }
      case 'hold':
        program.hold()
        tell({ type: 'paused', cause: causeOfCut(session().state()), by: null, programMs: Math.round(programMs) })
        return
      case 'go-on':
      case 'catch-up': {
        const isOn = action.do === 'catch-up' || action.by === 'on'
        if (isOn && !isProgramOver) await joinClock()
        // By its clock it came to its end meanwhile.
        if (isProgramOver) return
        program.resume(isOn ? undefined : action.fromMs)
        return tell({
          type: 'resumed',
          programMs: Math.round(action.fromMs),
          repeatedMs: Math.round(programMs - action.fromMs),
        })
      }
      case 'pause':
        await program.command({ do: 'pause' })
        tell({
          type: 'paused',
          cause: action.cause === 'empty' ? 'nobody is there' : 'by a moderator',
          by: air.human?.by ?? null,
          programMs: Math.round(position().programMs),
        })
        return setPhase('paused')
      case 'resume':
        if (action.fromMs !== null) await program.seek(action.fromMs)
        if (action.fromMs !== null) moved()
        await program.command({ do: 'resume' })
        tell({
          type: 'resumed',
          programMs: Math.round(position().programMs),
          repeatedMs: Math.round(programMs - position().programMs),
        })
        return setPhase('on-air')
      case 'end':
        return void end({ outcome: 'empty', message: 'Nobody was there for a minute.', code: null })
    }
  }
  const warnOf = (error: Error) => tell({ type: 'warning', message: error.message })
  /** One after the other: what was decided first is done first. */
  let acting = Promise.resolve()
  const actAll = (actions: AirAction[]) => {
    for (const action of actions) acting = acting.then(() => act(action)).catch(warnOf)
    return acting
  }
  const step = (input: Parameters<typeof stepAir>[2]) => {
    const next = stepAir(air, when, input)
    air = next.air
    return actAll(next.actions)
  }

  /** The answer goes out before the bot does. */
  let isStopped = false
  const stop = async (by: string) => {
    isStopped = true
    await program.command({ do: 'stop' })
    setTimeout(() => void end({ outcome: 'stopped', message: `Stopped by ${by}.`, code: null }), TAIL_MS)
  }
  const runCommand = async (command: ProgramCommand, by: string): Promise<ProgramAnswer> => {
    const before = position()
    try {
      if (!air.hasBegun && command.do !== 'stop' && command.do !== 'level')
        throw Object.assign(new Error('The program has not begun yet.'), { code: 'conflict' })
      if (command.do === 'pause') await step({ type: 'pause', nowMs: now(), by })
      else if (command.do === 'resume') await step({ type: 'resume', nowMs: now(), programMs: before.programMs })
      else if (command.do === 'stop') await stop(by)
      else {
        await program.command(command)
        if (Math.abs(position().programMs - before.programMs) > JUMP_MS) moved()
        if (command.do !== 'level') await step({ type: 'moved', nowMs: now(), programMs: position().programMs })
      }
      keep()
      look(null)
      const message = answerOf(command, position(), program.state())
      tell({ type: 'command', command, by, ok: true, message })
      return { ok: true, code: null, message }
    } catch (error) {
      const { code = 'conflict', message } = error as Error & { code?: string }
      tell({ type: 'command', command, by, ok: false, message })
      return { ok: false, code, message }
    }
  }

  const guard = createCutGuard()
  let isLooking = false
  let lastLookMs = now()
  const lookAround = async () => {
    if (isLooking || outcome) return
    isLooking = true
    const { programMs } = position()
    const uplink = await session()
      .uplink()
      .catch(() => null)
    isLooking = false
    if (outcome) return
    const found = guard.observe({ nowMs: performance.now(), programMs, uplink })
    const state = session().state()
    if (!isProgramOver) void step({ type: 'look', nowMs: now(), programMs, guard: found, people: people(state).length })
    look(programMs)
  }
  /** Everything that follows from where the program is now. */
  const look = (programMs: number | null) => {
    const at = position()
    items.move(at.programMs, now() - lastLookMs)
    lastLookMs = now()
    if (!air.isCut && programMs !== null) safeMs = Math.max(0, programMs - UNDER_WAY_MS)
    floor.look()
    const playing =
      air.hasBegun || options.startMs === null
        ? playingAt(at.playing, at.programMs, now(), isPaused(air))
        : waitingUntil(options.startMs, openedMs)
    if (isSamePlaying(playing, told) || session().state().connection.status !== 'live') return
    told = playing
    session().setPlaying(playing)
    view()
  }

  const timers = [
    setInterval(lookAround, LOOK_EVERY_MS),
    setInterval(keep, JOURNAL_EVERY_MS),
    setInterval(view, VIEW_EVERY_MS),
  ]

  const onProgramOver = async () => {
    if (outcome || isStopped) return
    setPhase('closing')
    if (script.room.closesAfterMs > 0)
      await Promise.race([sleep(script.room.closesAfterMs, undefined, { ref: false }), stay.done])
    await end({ outcome: 'ended', message: 'The program is over.', code: null })
  }

  let ending: Promise<void> | undefined
  const end = (how: SittingEnd) => {
    ending ??= (async () => {
      outcome = how
      for (const timer of timers) clearInterval(timer)
      const wasSent = items.list()
      const isInterrupted = how.outcome === 'interrupted'
      writer.write(record())
      const isOurs = how.outcome === 'ended' || how.outcome === 'stopped' || how.outcome === 'empty'
      if (isOurs && when.ended === 'end-room' && options.room) await options.endRoom().catch(warnOf)
      await Promise.all([stay.close(isInterrupted ? 'interrupted' : 'done'), ear?.close()])
      await program.close()
      for (const { id, sentMs } of wasSent)
        if (items.list().some((one) => one.id === id))
          runLog.append({
            ...line(),
            type: 'over',
            id,
            sentMs,
            cause: isInterrupted ? 'interrupted' : 'stop',
            message: null,
          })
      await Promise.all([writer.flush(), runLog.flush()])
      view()
    })()
    return ending
  }

  const done = stay.done.then(async (left) => {
    // Who was cut off for long finds another host in its place.
    const isTakenOver = !outcome && left.reason === 'replaced' && (await options.isTakenOver())
    await end(outcome ?? (isTakenOver ? { ...endOfStay(left), outcome: 'interrupted' } : endOfStay(left)))
    return outcome!
  })

  return {
    done,
    command: runCommand,
    reload: (plan) => {
      program.replacePlan(plan)
      tell({ type: 'reloaded' })
    },
    close: (how) =>
      end({ outcome: how, message: how === 'ended' ? 'The session is over.' : 'Interrupted.', code: null }),
    listeners,
    endsAtMs,
    repair: (how) => session().repair(how),
  }
}

const people = ({ participants, you }: SeatState) =>
  participants.filter(
    ({ isYou, kind, isAway, handle }) =>
      !isYou && kind !== 'bot' && !isAway && (handle === null || handle !== you.handle),
  )

const causeOfCut = ({ connection, you }: SeatState) => {
  if (connection.status === 'reconnecting') return connection.cause
  if (you.role === 'listener') return 'taken off the stage'
  if (you.microphone === 'muted-by-moderator') return 'muted by a moderator'
  return 'nothing comes back from the media server'
}

const outcomesOf: Partial<Record<SessionEnd['reason'], SittingOutcome>> = {
  kicked: 'kicked',
  replaced: 'replaced',
  'room-ended': 'room-ended',
}
const endOfStay = ({ reason, message, code }: SessionEnd): SittingEnd => ({
  outcome: outcomesOf[reason] ?? 'failed',
  message,
  code: code ?? reason,
})
