import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { SessionEnd } from '../../client/session-end.ts'
import type { Playing, ProgramAnswer, ProgramCommand } from '../../protocol/program.ts'
import type { SeatEvent, SeatState } from '../../protocol/seat.ts'
import { createCutGuard } from '../cut-guard.ts'
import type { ProgramEvent } from '../program/contract.ts'
import { startEar } from '../watch/ear.ts'
import type { SessionReport } from '../watch/report.ts'
import { countStarved } from '../watch/starved.ts'
import { type Air, beginAir, isPaused, stepAir } from './air.ts'
import { createAirActs } from './air-acts.ts'
import { answerOf } from './answers.ts'
import { createFloorHost } from './floor-host.ts'
import { createItemLog } from './item-log.ts'
import type { Journal } from './journal.ts'
import { isSamePlaying, playingAt, waitingUntil } from './playing.ts'
import { causeOfCut, people } from './seat-facts.ts'
import type { Sitting, SittingEnd, SittingOptions } from './sitting-contract.ts'
import { startStay } from './stay.ts'
import type { SittingOutcome } from './wire.ts'

const LOOK_EVERY_MS = 250
const SOON_MS = 30
const SOON_TRIES = 50
const JOURNAL_EVERY_MS = 1000
const VIEW_EVERY_MS = 500
/** What listeners' jitter buffers may still hold when the program's last sample has been sent. */
const TAIL_MS = 600
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
  const items = createItemLog({
    ...{ session: script.name, occurrence, runLog, listeners, tell, now },
    isInterrupted: () => outcome?.outcome === 'interrupted',
  })

  const onSessionEvent = (event: SeatEvent) => {
    if (event.type === 'warning') tell(event)
    if (event.type !== 'joined') return
    const { name, role } = session().state().you
    tell({ type: 'joined', name, role })
    told = null
    if (phase === 'opening') setPhase('open')
    void lookSoon()
  }

  let isSpeaking = false
  const onSessionState = (state: SeatState) => {
    const speaks = state.participants.some((one) => one.isSpeaking && !one.isYou && one.kind !== 'bot')
    if (speaks === isSpeaking) return
    isSpeaking = speaks
    program.setSpeaking(speaks)
  }

  const onProgramEvent = (event: ProgramEvent) => {
    switch (event.type) {
      case 'began':
        items.onEvent(event)
        return keep()
      case 'over':
      case 'title':
        return items.onEvent(event)
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

  const warnOf = (error: Error) => tell({ type: 'warning', message: error.message })
  const actAll = createAirActs({
    ...{ program, tell, now },
    air: () => air,
    seat: () => session().state(),
    isTakenUp: journal?.hasBegun === true,
    onMoved: () => moved(),
    isOver: () => isProgramOver,
    onPhase: setPhase,
    onEmpty: () => void end({ outcome: 'empty', message: 'Nobody was there for a minute.', code: null }),
  })
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
  /** Nothing of what was before the jump is to be heard again. */
  const moved = () => {
    safeMs = position().programMs
    guard.moved(safeMs)
  }
  let isLooking = false
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
  /** Who has just joined is not to wait for the next look: as soon as the track is received the program may go on. */
  const lookSoon = async () => {
    for (let left = SOON_TRIES; left > 0 && air.isCut && !outcome; left--) {
      await sleep(SOON_MS, undefined, { ref: false })
      const uplink = await session()
        .uplink()
        .catch(() => null)
      if (uplink?.isReady) return lookAround()
    }
  }
  /** Everything that follows from where the program is now. */
  const look = (programMs: number | null) => {
    const at = position()
    items.move(at.programMs)
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
      items.closeThose(wasSent)
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
