import type { SeatCommand, SeatEvent, SeatLeaveReason, SeatState } from '../../protocol/seat.ts'
import type { SeatLine } from '../deps.ts'
import { isOnlyModerator } from '../people.ts'
import { botFor, programDone } from '../program.ts'
import { clockTime } from '../words.ts'
import { answer, describePeople, describeState, pagesOf, personCalled } from './answers.ts'
import type { WayOut } from './deps.ts'
import { allowedAgain, newsOf } from './sentences.ts'
import { doUsual, type Line, openLink } from './usual.ts'
import { type Deed, type LineInput, parseLine } from './vocabulary.ts'

export type StayEnd = { reason: SeatLeaveReason } | WayOut

const leaveWithinMs = 6_000

/** A stay in a room in lines: news as they come, and what is typed, until the seat leaves or another face takes it. */
export const stayInRoom = async (line: Line, seat: SeatLine, isResumed: boolean): Promise<StayEnd> => {
  const { talk } = line
  const room = followSeat(line, seat)
  const typing = createTyping(line, seat, room.leave)
  if (isResumed && seat.state()) talk.say(describeState(seat.state()!))
  const stopped = line.stopped.then((exitCode) => ({ exitCode }))
  try {
    for (let isStopping = false; ; ) {
      const come = await talk.next(isStopping ? room.left : Promise.race([room.left, stopped]))
      if ('until' in come) {
        if (!('exitCode' in come.until) || isStopping || line.isHungUp()) return come.until
        isStopping = true
        void room.leave(come.until)
      } else if ('end' in come) {
        // The end of a pipe ends the typing alone.
        if (come.end === 'terminal') typing.endOfInput()
      } else {
        const way = await typing.take(come.line)
        if (way) return way
      }
    }
  } finally {
    room.close()
  }
}

/** Tells the seat's events; `left` resolves when it is out of the room. */
const followSeat = ({ talk, news }: Line, seat: SeatLine) => {
  let isOver = false
  let before = seat.state()
  let end: StayEnd | undefined
  let resolve: (end: StayEnd) => void = () => {}
  let timer: NodeJS.Timeout | undefined
  const left = new Promise<StayEnd>((done) => {
    resolve = done
  })
  const gone = (reason: SeatLeaveReason) => {
    if (isOver) return
    isOver = true
    talk.release()
    resolve(end ?? { reason })
  }
  const onEvent = (event: SeatEvent, stateThen?: SeatState) => {
    const state = stateThen ?? seat.state() ?? before
    if (isOver || !state) return
    const told = newsOf(event, state, before ?? state)
    if (told) news.take(told)
    before = state
    if (event.type === 'left') gone(event.reason)
  }
  let shown = before
  const answering = answerNews()
  seat.onState((state) => {
    if (isOver) return
    const sentence = answering(state)
    if (sentence !== undefined) talk.say(sentence)
    for (const told of shown ? allowedAgain(shown, state) : []) news.take(told)
    shown = state
  })
  seat.onEvent(onEvent)
  seat.onClosed((reason) => {
    // A seat that was killed has no last words of its own.
    if (!isOver && reason === 'failed') talk.say('The process of the seat has died; join again.')
    gone(reason as SeatLeaveReason)
  })
  return {
    left,
    /** Asks the seat to leave; `then` is how the stay ends once it has. */
    leave: async (then: StayEnd): Promise<void> => {
      end = then
      timer ??= setTimeout(() => gone('left'), leaveWithinMs)
      await seat.request({ verb: 'leave' }).catch(() => {})
    },
    close: () => {
      isOver = true
      clearTimeout(timer)
    },
  }
}

/** That a seat falls silent, and that it is back; undefined while neither changes. */
const answerNews = () => {
  let since: string | undefined
  return ({ connection }: SeatState): string | undefined => {
    const was = since
    since = connection.status === 'unresponsive' ? connection.since : undefined
    if (since !== undefined && was === undefined)
      return `The seat has not answered since ${clockTime(since, true)}. What is typed does not reach it until it does.`
    if (since === undefined && was !== undefined) return 'The seat answers again.'
    return undefined
  }
}

type Pending = { does: () => void; isByEnd: boolean }

/** What is typed in a room; nothing irreversible without one confirmation, on a terminal. */
const createTyping = (line: Line, seat: SeatLine, leave: (then: StayEnd) => Promise<void>) => {
  const { talk, deps } = line
  let pending: Pending | undefined
  let page = 1

  const request = (command: SeatCommand): undefined => {
    seat.request(command).then(
      (state) => {
        const done = doneSentence(command, state)
        if (done !== undefined) talk.say(done)
      },
      (error: Error) => talk.note(error.message),
    )
  }
  const confirm = (question: string | undefined, does: () => void, isByEnd = false): void => {
    // Nobody sits at a pipe to be asked.
    if (question === undefined || !deps.typedFrom?.isTTY) does()
    else {
      pending = { does, isByEnd }
      talk.say(`${question} ${isByEnd ? 'Ctrl+D again or yes leaves' : 'yes does it'}, anything else does not.`)
    }
  }
  const command = (asked: SeatCommand): void => {
    const state = seat.state()
    confirm(state && dangerOf(asked, state), () => request(asked))
  }
  const leaveRoom = (then: StayEnd): undefined => {
    const state = seat.state()
    confirm(state && dangerOf({ verb: 'leave' }, state), () => void leave(then))
  }
  const askToLeave = (): void => {
    const state = seat.state()
    const danger = state && dangerOf({ verb: 'leave' }, state)
    confirm(danger ?? `Leave ${state?.room.title ?? 'the room'}?`, () => void leave({ reason: 'left' }), true)
  }
  const tell = (text: string | undefined): undefined => {
    if (text !== undefined) talk.say(text)
  }
  const turnTo = (next: number, state: SeatState): undefined => {
    page = Math.max(1, next)
    return tell(describePeople(state, page))
  }
  const detach = async (state: SeatState): Promise<WayOut | undefined> => {
    try {
      await seat.request({ verb: 'detach' })
    } catch (error) {
      talk.note((error as Error).message)
      return undefined
    }
    talk.say(`Still in ${state.room.title}. roomtone attach shows it again, roomtone leave leaves it.`)
    return { exitCode: 0 }
  }

  const tellProgram = ({ verb, text }: Extract<Deed, { does: 'program' }>, state: SeatState): undefined => {
    const words = text === '' ? [] : text.split(' ')
    const named = words.findIndex((word) => word.startsWith('@'))
    const bot = botFor(state, named < 0 ? undefined : words.splice(named, 1)[0])
    command({ verb: 'program', who: bot.id, command: deps.readProgramCommand(verb, words) })
  }

  const perform = async (deed: Deed, state: SeatState): Promise<WayOut | undefined> => {
    switch (deed.does) {
      case 'who':
        page = 1
        return tell(answer(deed, state))
      case 'more':
        return turnTo(page + 1, state)
      case 'less':
        return turnTo(page - 1, state)
      case 'first':
        return turnTo(1, state)
      case 'last':
        return turnTo(pagesOf(state), state)
      case 'link':
      case 'browser': {
        const { link } = state.room
        if (link === null) return tell('This room has no link.')
        return deed.does === 'link' ? tell(link) : openLink(line, link)
      }
      case 'program':
        return tellProgram(deed, state)
      case 'louder':
        return request({ verb: 'volume', percent: Math.min(200, state.you.volume + 10) })
      case 'quieter':
        return request({ verb: 'volume', percent: Math.max(0, state.you.volume - 10) })
      case 'leave':
      case 'back':
        return leaveRoom({ reason: 'left' })
      case 'quit':
        return leaveRoom({ exitCode: 0 })
      case 'detach':
        return detach(state)
      default: {
        const told = answer(deed, state)
        if (told !== undefined) return tell(told)
        const way = await doUsual(line, deed, 'room')
        return typeof way === 'object' ? way : undefined
      }
    }
  }

  return {
    endOfInput: (): void => {
      const asked = pending
      pending = undefined
      if (asked?.isByEnd) asked.does()
      else askToLeave()
    },
    take: async (text: string): Promise<WayOut | undefined> => {
      const asked = pending
      pending = undefined
      if (asked && /^y(es)?$/i.test(text.trim())) {
        asked.does()
        return undefined
      }
      if (asked) talk.say('Nothing was done.')
      if (asked && /^no?$/i.test(text.trim())) return undefined
      return takeInput(parseLine(text, 'room'))
    },
  }

  function takeInput(input: LineInput): Promise<WayOut | undefined> | undefined {
    if ('unknown' in input) talk.note(input.unknown)
    else if ('command' in input) command(input.command)
    else if ('does' in input) {
      const state = seat.state()
      // What fails is said; the room goes on.
      if (state) return perform(input, state).catch((error: Error) => void talk.note(error.message) as undefined)
    }
    return undefined
  }
}

/** The question before what cannot be undone; undefined: it is simply done. */
const dangerOf = (command: SeatCommand, state: SeatState): string | undefined => {
  switch (command.verb) {
    case 'end-room':
      return `End ${state.room.title} for everyone?`
    case 'leave':
      if (!isOnlyModerator(state)) return undefined
      return `You are the only moderator: leaving ends ${state.room.title} for everyone. Leave?`
    case 'step-down':
      return state.you.role === 'moderator' ? 'Step down? You will no longer moderate.' : undefined
    case 'stage': {
      const name = nameIn(state, command.who)
      if (command.action === 'kick') return `Remove ${name}? They cannot come back.`
      return command.action === 'moderator' ? `Give ${name} the same power over the room as you?` : undefined
    }
    case 'program':
      return command.command.do === 'stop' ? `End the program of ${nameIn(state, command.who)}?` : undefined
    default:
      return undefined
  }
}

const nameIn = (state: SeatState, who: string): string => personCalled(state, who)?.name ?? who

/** Said for what no event tells of. */
const doneSentence = (command: SeatCommand, state: SeatState): string | undefined => {
  switch (command.verb) {
    case 'deafen':
      return 'You hear nothing now.'
    case 'undeafen':
      return 'You hear again.'
    case 'volume':
      if (command.who === undefined) return `Volume ${state.you.volume} %.`
      return `${nameIn(state, command.who)} at ${command.percent} % for you.`
    case 'silence':
      return `You do not hear ${nameIn(state, command.who)} any more; nobody is told.`
    case 'hear':
      return `You hear ${nameIn(state, command.who)} again.`
    case 'program':
      return programDone(nameIn(state, command.who), command.command)
    default:
      return undefined
  }
}
