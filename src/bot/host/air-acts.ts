import { setTimeout as sleep } from 'node:timers/promises'
import type { SeatState } from '../../protocol/seat.ts'
import type { SessionProgram } from '../program/contract.ts'
import { type Air, type AirAction, dueMs, isPaused } from './air.ts'
import { causeOfCut } from './seat-facts.ts'
import type { SittingEvent } from './sitting-contract.ts'

/** How long it takes at most until a place in the program is ready to sound. */
const SEEK_MS = 150

export type AirActsDeps = {
  program: SessionProgram
  air(): Air
  seat(): SeatState
  /** A host before had begun it. */
  isTakenUp: boolean
  /** The program is elsewhere by no playing of its own. */
  onMoved(): void
  /** It has come to its end. */
  isOver(): boolean
  onPhase(phase: 'on-air' | 'paused'): void
  onEmpty(): void
  tell(event: SittingEvent): void
  now(): number
}

/** What air.ts decides, done on the program: one after the other, what was decided first is done first. */
export const createAirActs = (deps: AirActsDeps) => {
  const { program, air, seat, isTakenUp, onMoved, isOver, onPhase: setPhase, onEmpty, tell, now } = deps

  /** What sounds a moment from now is made ready, and given when that moment has come. */
  const joinClock = async () => {
    program.hold()
    const due = () => dueMs(air(), now()) ?? program.position().programMs
    const targetMs = due() + SEEK_MS
    await program.seek(targetMs)
    await sleep(Math.max(0, targetMs - due()))
    onMoved()
  }

  const act = async (action: AirAction): Promise<void> => {
    const { programMs } = program.position()
    switch (action.do) {
      case 'begin': {
        if (action.lateMs > 0 && action.fromMs > 0) await joinClock()
        else if (Math.abs(action.fromMs - programMs) > 1) await program.seek(action.fromMs)
        program.resume()
        onMoved()
        tell({
          type: 'on-air',
          programMs: Math.round(program.position().programMs),
          lateMs: Math.round(action.lateMs),
          isTakenUp,
        })
        return setPhase(isPaused(air()) ? 'paused' : 'on-air')
      }
      case 'hold':
        program.hold()
        tell({ type: 'paused', cause: causeOfCut(seat()), by: null, programMs: Math.round(programMs) })
        return
      case 'go-on':
      case 'catch-up': {
        const isOn = action.do === 'catch-up' || action.by === 'on'
        if (isOn && !isOver()) await joinClock()
        // By its clock it came to its end meanwhile.
        if (isOver()) return
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
          by: air().human?.by ?? null,
          programMs: Math.round(program.position().programMs),
        })
        return setPhase('paused')
      case 'resume':
        if (action.fromMs !== null) {
          await program.seek(action.fromMs)
          onMoved()
        }
        await program.command({ do: 'resume' })
        tell({
          type: 'resumed',
          programMs: Math.round(program.position().programMs),
          repeatedMs: Math.round(programMs - program.position().programMs),
        })
        return setPhase('on-air')
      case 'end':
        return onEmpty()
    }
  }
  /** One after the other: what was decided first is done first. */
  let acting = Promise.resolve()
  return (actions: AirAction[]): Promise<void> => {
    for (const action of actions)
      acting = acting.then(() => act(action)).catch((error: Error) => tell({ type: 'warning', message: error.message }))
    return acting
  }
}
