import { leaveExitCodes } from '../../protocol/seat.ts'
import type { SeatLine } from '../deps.ts'
import type { LineDeps, LinesEnd } from './deps.ts'
import { walkHallway } from './hallway.ts'
import { startNews } from './news.ts'
import { stayInRoom } from './room.ts'
import { reachAccount } from './sign-in.ts'
import { startTalk } from './talk.ts'
import { createTold } from './told.ts'
import type { Line } from './usual.ts'

/**
 * Runs the line mode until its user quits or asks for the full screen: sign-in, hallway and rooms by typed words, and
 * everything in plain lines.
 */
export const runLines = async (deps: LineDeps): Promise<LinesEnd> => {
  const talk = startTalk({ stdin: deps.typedFrom, say: deps.say, note: deps.note, onPull: () => news.flush() })
  const told = createTold(deps, talk)
  let seat: SeatLine | undefined
  const news = startNews({ say: talk.tell, isTold: told.isTold, state: () => seat?.state() })
  const stop = watchStop(deps)
  try {
    return await visit({ deps, talk, told, news, seat: () => seat, ...stop }, (now) => {
      seat = now
    })
  } finally {
    stop.close()
    news.close()
    talk.close()
  }
}

/** From hallway to room and back, until the end. */
const visit = async (line: Line, onSeat: (seat: SeatLine | undefined) => void): Promise<LinesEnd> => {
  const { deps, talk } = line
  let { initialAccount: account, initialSeat: seat, isResumed = false } = deps
  let lastRoom: string | undefined
  for (;;) {
    if (!seat) {
      const reached = await reachAccount(line, account)
      if ('exitCode' in reached) return reached
      if ('toScreen' in reached) return { seat, account, stdin: talk.stdin() }
      account = reached.account
      const way = await walkHallway(line, account, lastRoom)
      if ('exitCode' in way) return way
      if ('toScreen' in way) return { seat, account, stdin: talk.stdin() }
      if ('isSignedOut' in way) account = undefined
      else seat = way.seat
      continue
    }
    onSeat(seat)
    lastRoom = seat.state()?.room.id ?? undefined
    const end = await stayInRoom(line, seat, isResumed)
    if ('toScreen' in end) return { seat, account, stdin: talk.stdin() }
    onSeat(undefined)
    seat.close()
    seat = undefined
    isResumed = false
    if ('exitCode' in end) return end
    if (!deps.hasHallway) return { exitCode: leaveExitCodes[end.reason] }
  }
}

const watchStop = ({ onInterrupt, onOutputClosed, onHangUp }: LineDeps) => {
  let isHungUp = false
  let stop: (exitCode: number) => void = () => {}
  const stopped = new Promise<number>((resolve) => {
    stop = resolve
  })
  const hangUp = () => {
    isHungUp = true
    stop(130)
  }
  const ends = [onInterrupt(() => stop(130)), onOutputClosed(() => stop(0)), onHangUp(hangUp)]
  return {
    stopped,
    isHungUp: () => isHungUp,
    close: () => {
      for (const end of ends) end()
    },
  }
}
