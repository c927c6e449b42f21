import type { Session } from '../../client/session-contract.ts'
import type { SeatState } from '../../protocol/seat.ts'
import type { ProgramEvent, SessionProgram } from '../program/contract.ts'
import { closeFloor, type Floor, type FloorAction, openFloor, stepFloor } from './floor.ts'

type FloorOpen = Extract<ProgramEvent, { type: 'floor-open' }>

export type FloorHost = {
  open(floor: FloorOpen): void
  close(cue: string): void
  /** A few times a second. */
  look(): void
}

export type FloorDeps = {
  session(): Session
  program: SessionProgram
  /** The room takes no hands outside the floor. */
  areHandsOff: boolean
  setHands(hands: 'everyone' | 'off'): Promise<unknown>
  tell(
    event:
      | { type: 'floor-open' | 'floor-closed' | 'floor-skipped'; cue: string }
      | { type: 'admitted' | 'demoted'; name: string },
  ): void
  warn(message: string): void
}

/** Runs an open floor: the pure steps of floor.ts on the real stage. */
export const createFloorHost = (deps: FloorDeps): FloorHost => {
  const { session, program, tell, warn } = deps
  let floor: Floor | null = null
  let cue: string | null = null
  let endsMs = Number.POSITIVE_INFINITY

  const act = (action: FloorAction) => {
    if (action.do === 'ring') return program.ringBell()
    const verb = action.do
    session()
      .command({ verb: 'stage', action: verb, who: action.id })
      .then(() => tell({ type: verb === 'admit' ? 'admitted' : 'demoted', name: action.name }))
      .catch((error: Error) => warn(`${action.name}: ${error.message}`))
  }
  const setHands = (hands: 'everyone' | 'off') => {
    if (!deps.areHandsOff) return
    deps.setHands(hands).catch((error: Error) => warn(error.message))
  }

  return {
    open: (opened) => {
      if (opened.isSkippedWithoutHuman && !hasHumanModerator(session().state())) {
        tell({ type: 'floor-skipped', cue: opened.cue })
        return void program.command({ do: 'skip' }).catch((error: Error) => warn(error.message))
      }
      cue = opened.cue
      floor = openFloor(opened.eachMs, opened.isBellRung)
      endsMs = program.position().programMs + opened.ms
      setHands('everyone')
      tell({ type: 'floor-open', cue })
    },
    close: (closed) => {
      if (!floor || closed !== cue) return
      for (const action of closeFloor(floor)) act(action)
      floor = null
      setHands('off')
      tell({ type: 'floor-closed', cue: closed })
    },
    look: () => {
      if (!floor || program.isHeld || program.isPaused) return
      const { programMs, playing } = program.position()
      // It may have been made longer or shorter.
      if (playing?.kind === 'floor' && playing.untilMs !== null) endsMs = playing.untilMs
      const { participants, counts, hands, connection } = session().state()
      if (connection.status !== 'live') return
      const onStage = new Set(participants.slice(0, counts.speakers).map(({ id }) => id))
      const step = stepFloor(floor, { programMs, endsMs, hands, onStage })
      floor = step.floor
      for (const action of step.actions) act(action)
    },
  }
}

const hasHumanModerator = ({ participants }: SeatState) =>
  participants.some(({ role, kind, isAway }) => role === 'moderator' && kind === 'person' && !isAway)
