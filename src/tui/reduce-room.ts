import { leaveExitCodes, type SeatCommand, type SeatLeaveReason, type SeatState } from '../protocol/seat.ts'
import type { ActionId } from './keys.ts'
import { roomLayout } from './layout.ts'
import { type Choice, type Effect, type Happening, type LogLine, type Model, type Step, step } from './model.ts'
import { isOnlyModerator, keepFocus, moveFocus, moveWithin, nextSection, personById } from './people.ts'
import { loadRooms } from './reduce-hallway.ts'
import { isByYou } from './words.ts'

type RoomHappening = Extract<
  Happening,
  { type: 'joined' | 'join-failed' | 'seat' | 'seat-event' | 'seat-closed' | 'failed' | 'told' }
>

export const reduceRoom = (model: Model, happening: RoomHappening): Step => {
  switch (happening.type) {
    case 'joined':
      return takeSeat(enter(model, happening.seat), happening.seat)
    case 'join-failed':
      return joinFailed(model, happening)
    case 'seat':
      return model.screen === 'room' ? takeSeat(model, happening.seat) : step(model)
    case 'seat-event':
      if (happening.text === undefined || model.screen !== 'room') return step(model)
      return step(
        say(model, { at: happening.event.at, text: happening.text, isError: happening.event.type === 'warning' }),
      )
    case 'seat-closed':
      return model.screen === 'room' ? end(model, 'failed', null) : step(model)
    case 'failed':
      return step(note(model, happening.message, true))
    case 'told':
      return step(note(model, happening.text, false))
  }
}

export const reduceRoomKey = (model: Model, action: ActionId | undefined): Step => {
  const { seat, focus } = model
  if (model.screen === 'ended') return reduceEndedKey(model, action)
  if (!seat) return step(model)
  switch (action) {
    case 'up':
      return step({ ...model, focus: moveFocus(seat, focus, -1, roomLayout(model, seat).perLine) })
    case 'down':
      return step({ ...model, focus: moveFocus(seat, focus, 1, roomLayout(model, seat).perLine) })
    case 'left':
      return step({ ...model, focus: moveWithin(seat, focus, -1) })
    case 'right':
      return step({ ...model, focus: moveWithin(seat, focus, 1) })
    case 'page-up':
      return step({ ...model, focus: moveWithin(seat, focus, -pageOf(model, seat)) })
    case 'page-down':
      return step({ ...model, focus: moveWithin(seat, focus, pageOf(model, seat)) })
    case 'first':
      return step({ ...model, focus: moveWithin(seat, focus, Number.NEGATIVE_INFINITY) })
    case 'last':
      return step({ ...model, focus: moveWithin(seat, focus, Number.POSITIVE_INFINITY) })
    case 'find':
      return step({ ...model, overlay: prompt('find', 'Find', 80) })
    case 'next-section':
      return step({ ...model, focus: nextSection(seat, focus) })
    case 'act':
      return step(
        focus && personById(seat, focus.id)
          ? { ...model, overlay: { kind: 'menu', personId: focus.id, index: 0 } }
          : model,
      )
    case 'back':
      return step(focus ? { ...model, focus: null } : askToQuit(model, seat))
    case 'quit':
      return step(askToQuit(model, seat))
    case 'leave':
      return leave(model, seat)
    case 'end-room':
      return step(
        confirm(model, `End ${seat.room.title} for everyone?`, [choice('y', 'end the room', { verb: 'end-room' })]),
      )
    case 'hand':
      return step({ ...model, overlay: prompt('question', 'Your question (may stay empty)', 140) })
    default:
      return reduceVoiceKey(model, seat, action)
  }
}

const prompt = (purpose: 'question' | 'find', label: string, maxCharacters: number): Model['overlay'] => ({
  kind: 'prompt',
  purpose,
  label,
  text: '',
  maxCharacters,
})

/** A page of the audience is what is seen of it; stage and hands are short. */
const pageOf = (model: Model, seat: SeatState): number =>
  model.focus?.section === 'listening' ? roomLayout(model, seat).perPage : 10

const reduceVoiceKey = (model: Model, seat: SeatState, action: ActionId | undefined): Step => {
  const { you } = seat
  const does = (command: SeatCommand) => step(model, { do: 'command', command })
  switch (action) {
    case 'toggle-mute':
      return does({ verb: you.isMuted ? 'unmute' : 'mute' })
    case 'lower-hand':
      return does({ verb: 'lower' })
    case 'accept':
      return does({ verb: 'accept' })
    case 'decline':
      return does({ verb: 'decline' })
    case 'louder':
      return does({ verb: 'volume', percent: Math.min(200, you.volume + 10) })
    case 'quieter':
      return does({ verb: 'volume', percent: Math.max(0, you.volume - 10) })
    case 'deafen':
      return does({ verb: you.isDeafened ? 'undeafen' : 'deafen' })
    case 'step-down':
      return stepDown(model, seat)
    default:
      return step(model)
  }
}

const reduceEndedKey = (model: Model, action: ActionId | undefined): Step => {
  const { ended } = model
  if (action === 'rejoin' && ended?.roomId)
    return step({ ...model, screen: 'joining', joiningTitle: ended.title }, { do: 'join', room: ended.roomId })
  if (action === 'quit' || (action === 'hallway' && model.isSingleRoom))
    return step(model, { do: 'quit', exitCode: model.isSingleRoom && ended ? leaveExitCodes[ended.reason] : 0 })
  return action === 'hallway' ? toHallway(model) : step(model)
}

/** The first news is where you are; a seat that is still joining tells it itself. */
const enter = (model: Model, seat: SeatState): Model => {
  const room: Model = { ...model, screen: 'room', focus: null, log: [], ended: null, overlay: null }
  if (seat.connection.status !== 'live') return room
  const text = `You are in ${seat.room.title} as a ${seat.you.role}.`
  return say(room, { at: new Date(model.nowMs).toISOString(), text, isError: false })
}

const takeSeat = (model: Model, seat: SeatState): Step => {
  const next = { ...model, seat, focus: keepFocus(seat, model.focus), overlay: keepOverlay(model, seat) }
  return seat.connection.status === 'left' ? end(next, seat.connection.reason, seat.connection.by) : step(next)
}

/** A menu closes with the person it is about; a question that has lost its sense is withdrawn. */
const keepOverlay = ({ overlay }: Model, seat: SeatState): Model['overlay'] =>
  overlay?.kind === 'menu' && !personById(seat, overlay.personId) ? null : overlay

const end = (model: Model, reason: SeatLeaveReason, by: string | null): Step => {
  const { seat } = model
  const title = seat?.room.title ?? model.joiningTitle
  const startedAt = seat?.room.startedAt
  const minutes = startedAt ? Math.max(0, Math.round((model.nowMs - Date.parse(startedAt)) / 60_000)) : null
  const over = { ...model, seat: null, focus: null, overlay: null }
  const close: Effect = { do: 'close-seat' }
  if (reason === 'left' || reason === 'done') {
    if (model.isSingleRoom) return step(over, close, { do: 'quit', exitCode: 0 })
    const { model: back, effects } = toHallway(over)
    return step({ ...back, notice: { text: `You left ${title}.`, isError: false } }, close, ...effects)
  }
  const ended = {
    title,
    reason,
    by,
    isByYou: seat !== null && isByYou(seat, by),
    roomId: seat?.room.id ?? null,
    minutes,
  }
  return step({ ...over, screen: 'ended', ended }, close)
}

const toHallway = (model: Model): Step => step({ ...model, screen: 'hallway', ended: null }, loadRooms(model.hallway))

const joinFailed = (model: Model, { message, code }: Extract<Happening, { type: 'join-failed' }>): Step => {
  if (code === 'sign-in-needed') return step({ ...model, account: null, screen: 'sign-in', overlay: null })
  if (model.screen !== 'joining') return step(model)
  return step({ ...model, screen: 'hallway', notice: { text: message, isError: true } })
}

const note = (model: Model, text: string, isError: boolean): Model =>
  model.screen === 'room'
    ? say(model, { at: new Date(model.nowMs).toISOString(), text, isError })
    : { ...model, notice: { text, isError } }

const say = (model: Model, line: LogLine): Model => ({ ...model, log: [...model.log.slice(-49), line] })

const leave = (model: Model, seat: SeatState): Step => {
  if (!isOnlyModerator(seat)) return step(model, { do: 'command', command: { verb: 'leave' } })
  const question = `You are the only moderator: leaving ends ${seat.room.title} for everyone.`
  return step(confirm(model, question, [choice('y', 'leave and end it', { verb: 'leave' })]))
}

const stepDown = (model: Model, seat: SeatState): Step => {
  const command: SeatCommand = { verb: 'step-down' }
  if (seat.you.role !== 'moderator') return step(model, { do: 'command', command })
  return step(confirm(model, 'Step down? You will no longer moderate.', [choice('y', 'step down', command)]))
}

const askToQuit = (model: Model, seat: SeatState): Model => {
  const ends = isOnlyModerator(seat) ? ' You are the only moderator: leaving ends it for everyone.' : ''
  return confirm(model, `Leave ${seat.room.title}?${ends}`, [
    { key: 'y', label: 'leave and quit', does: [{ do: 'leave-and-quit', exitCode: 0 }] },
    ...(model.isSingleRoom ? [] : [choice('L', 'leave', { verb: 'leave' })]),
    { key: 'b', label: 'quit, keep listening', does: [{ do: 'detach-and-quit' }] },
  ])
}

const confirm = (model: Model, question: string, choices: Choice[]): Model => ({
  ...model,
  overlay: { kind: 'confirm', question, choices },
})

const choice = (key: string, label: string, command: SeatCommand): Choice => ({
  key,
  label,
  does: [{ do: 'command', command }],
})
