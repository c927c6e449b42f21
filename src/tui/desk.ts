import type { Account } from '../protocol/accounts.ts'
import type { SeatState } from '../protocol/seat.ts'
import type { SeatLine, TuiDeps } from './deps.ts'
import { startMachineDesk } from './desk-machine.ts'
import { describe } from './lines/sentences.ts'
import { type Effect, type Happening, initialModel, type Model } from './model.ts'
import { programDone } from './program.ts'
import { countsSeconds, reduce } from './reduce.ts'
import { looksSame } from './same-look.ts'

export type DeskOptions = {
  deps: Omit<TuiDeps, 'stdin' | 'stdout' | 'color' | 'colorDepth'>
  columns: number
  rows: number
  now: () => number
  onQuit: (exitCode: number, farewell?: string) => void
  onRedraw: () => void
  onSuspend: () => void
  /** The other face is wanted: the seat goes there with its connection open. */
  onSwap: (carried: { seat: SeatLine | undefined; account: Account | undefined }) => void
  /** Into the clipboard of whoever looks at the terminal. */
  onCopy: (text: string) => void
}

export type Desk = {
  model: () => Model
  subscribe: (listener: () => void) => () => void
  dispatch: (happening: Happening) => void
  close: () => void
}

/** At most ten pictures a second. */
const pictureMs = 100
const quietTickMs = 30_000
const eventsEveryMs = 300_000
const leaveWithinMs = 1500

/** Holds the model and does what the reducer asks for; all waiting of the terminal UI is here. */
export const startDesk = (options: DeskOptions): Desk => {
  const { deps, columns, rows, now, onQuit, onRedraw, onSuspend, onSwap, onCopy } = options
  const { version, server, keyTable, theme, notice } = deps
  let model = initialModel({
    ...{ version, server, columns, rows, keyTable, theme, nowMs: now() },
    notice: notice === undefined ? null : { text: notice, isError: true },
  })
  const listeners = new Set<() => void>()
  let seat: ReturnType<typeof watchSeat> | undefined
  let rooms: { close: () => unknown } | undefined
  let joinAttempt = 0
  // Answers may overtake each other: only the one to the last question counts.
  let listAttempt = 0
  let eventsAtMs = Number.NEGATIVE_INFINITY
  let isClosed = false
  let isQuitting = false
  let holding: NodeJS.Timeout | undefined
  let shownAtMs = 0
  let pending: NodeJS.Timeout | undefined

  const dispatch = (happening: Happening): void => {
    if (isClosed) return
    const before = { ...model, nowMs: now() }
    const { model: next, effects } = reduce(before, happening)
    model = next
    if (next !== before) {
      if (happening.type === 'key') showNow()
      else showSoon()
    }
    perform(effects)
  }
  const perform = (effects: Effect[]) => {
    for (const effect of effects) performOne(effect)
  }

  // Keys are answered at once; of a burst from outside every tenth of a second gets one picture.
  const showNow = () => {
    clearTimeout(pending)
    pending = undefined
    shownAtMs = now()
    for (const listener of listeners) listener()
  }
  const showSoon = () => {
    const waitMs = shownAtMs + pictureMs - now()
    if (waitMs <= 0) showNow()
    else pending ??= setTimeout(showNow, waitMs)
  }

  const performOne = (effect: Effect): unknown => {
    switch (effect.do) {
      case 'check-sign-in':
        return attempt(checkSignIn(), (failure) => dispatch({ type: 'offline', cause: failure.message }))
      case 'start-login':
        return attempt(startLogin(effect.phone), (failure) => dispatch({ type: 'login-failed', ...failure }))
      case 'verify-login':
        return attempt(
          deps.login
            .verify(effect.loginId, effect.code, effect.name)
            .then(({ account }) => dispatch({ type: 'signed-in', account })),
          (failure) => dispatch({ type: 'login-failed', ...failure }),
        )
      case 'load-rooms':
        return loadRooms(effect)
      case 'watch-rooms':
        return watchRooms(effect.cursor)
      case 'join':
        return join(() => Promise.resolve(effect.room))
      case 'create-room':
        return join(async () => (await deps.rooms.create({ title: effect.title })).id)
      case 'command':
        return attempt(seat?.line.request(effect.command) ?? Promise.resolve(), ({ message }) =>
          dispatch({ type: 'failed', message }),
        )
      case 'program':
        return attempt(tellProgram(effect), fail)
      case 'close-seat':
        joinAttempt += 1
        seat?.close()
        seat = undefined
        return
      case 'leave-and-quit':
        isQuitting = true
        return attempt(
          within(leaveWithinMs, seat?.line.request({ verb: 'leave' })).finally(() => onQuit(effect.exitCode)),
          () => undefined,
        )
      case 'detach-and-quit':
        return attempt(detach(), ({ message }) => dispatch({ type: 'failed', message }))
      case 'quit':
        // The seat's own end, while leaving to quit, must not decide the exit code.
        return isQuitting || onQuit(effect.exitCode)
      case 'redraw':
        return onRedraw()
      case 'suspend':
        return onSuspend()
      case 'swap-face': {
        const line = seat?.release()
        seat = undefined
        return onSwap({ seat: line, account: model.account ?? undefined })
      }
      case 'copy':
        onCopy(effect.text)
        return dispatch({ type: 'told', text: `Copied: ${effect.text}` })
      case 'open':
        return attempt(
          deps.openLink(effect.url).then(() => dispatch({ type: 'told', text: `Opened elsewhere: ${effect.url}` })),
          fail,
        )
      case 'rename':
        return attempt(
          deps.rename(effect.name).then((account) => dispatch({ type: 'account', account })),
          fail,
        )
      case 'let-go-after':
        clearTimeout(holding)
        holding = setTimeout(() => dispatch({ type: 'let-go' }), effect.ms)
        return
      default:
        return machine.perform(effect)
    }
  }
  const fail = ({ message }: Failure) => dispatch({ type: 'failed', message })
  const machine = startMachineDesk({
    ...deps,
    dispatch,
    attempt: (work) => attempt(work, fail),
    tellSeat: async (command) => seat?.line.request(command),
  })

  const tellProgram = async ({ who, name, words }: Extract<Effect, { do: 'program' }>) => {
    const [verb = '', ...rest] = words.split(' ')
    const command = deps.readProgramCommand(verb, rest)
    await seat?.line.request({ verb: 'program', who, command })
    dispatch({ type: 'told', text: programDone(name, command) })
  }

  const checkSignIn = async () => {
    if (!(await deps.isSignedIn())) return dispatch({ type: 'sign-in-needed' })
    try {
      dispatch({ type: 'signed-in', account: await deps.account() })
    } catch (error) {
      if (failureOf(error).code !== 'sign-in-needed') throw error
      dispatch({ type: 'sign-in-needed' })
    }
  }

  const startLogin = async (phone: string) => {
    const { loginId, localCode } = await deps.login.start(phone)
    dispatch({ type: 'login-started', loginId })
    const code = await localCode?.()
    if (code !== undefined) dispatch({ type: 'login-code', code })
  }

  const loadRooms = ({ do: _, search, ...narrowed }: Extract<Effect, { do: 'load-rooms' }>) => {
    listAttempt += 1
    const mine = listAttempt
    const isMore = narrowed.cursor !== undefined
    if (!isMore) loadEvents()
    attempt(
      deps.rooms
        .list({ ...(search && { search }), ...narrowed })
        .then((rooms) => mine === listAttempt && dispatch({ type: 'rooms', rooms, search, isMore })),
      (failure) => mine === listAttempt && dispatch({ type: 'rooms-failed', ...failure, isMore }),
    )
  }

  // What a server does not know, or does not say now, is left out.
  const loadEvents = () => {
    eventsAtMs = now()
    attempt(
      deps.events().then((events) => dispatch({ type: 'events', events })),
      () => {},
    )
  }

  const watchRooms = (cursor: string) => {
    rooms?.close()
    rooms = deps.rooms.subscribe({
      cursor,
      onEvent: (event) => {
        if ('eventId' in event) loadEvents()
        dispatch({ type: 'hallway', event })
      },
      onStatus: (status, cause) => dispatch({ type: 'hallway-status', status, ...(cause ? { cause } : {}) }),
    })
  }

  const join = (room: () => Promise<string>) => {
    joinAttempt += 1
    const mine = joinAttempt
    const opening = room().then((id) => deps.join(id))
    attempt(
      opening.then((line) => {
        if (mine !== joinAttempt || isClosed) return giveUp(line)
        rooms?.close()
        rooms = undefined
        return sitDown(line)
      }),
      (failure) => mine === joinAttempt && dispatch({ type: 'join-failed', ...failure }),
    )
  }

  const sitDown = async (line: SeatLine) => {
    const state = line.state() ?? (await line.request({ verb: 'status' }))
    seat?.close()
    seat = watchSeat(line, () => model.seat, dispatch)
    dispatch({ type: 'joined', seat: state })
  }

  const detach = async () => {
    const title = model.seat?.room.title ?? 'the room'
    // A key that is still held is let go where nobody hears of it.
    if (model.talking) await seat?.line.request({ verb: 'talk', on: false })
    await seat?.line.request({ verb: 'detach' })
    onQuit(0, `Still in ${title}. roomtone attach shows it again, roomtone leave leaves it.`)
  }

  const clock = setInterval(() => {
    if (countsSeconds(model) || now() - model.nowMs >= quietTickMs) dispatch({ type: 'tick', nowMs: now() })
    if (model.screen === 'hallway' && now() - eventsAtMs >= eventsEveryMs) loadEvents()
  }, 1000)
  const { initialSeat } = deps
  model = { ...model, isSingleRoom: !deps.hasHallway, account: deps.initialAccount ?? null }
  if (initialSeat) {
    attempt(sitDown(initialSeat), ({ message }) => onQuit(1, message))
  } else performOne({ do: 'check-sign-in' })

  return {
    model: () => model,
    subscribe: (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    dispatch,
    close: () => {
      isClosed = true
      clearInterval(clock)
      clearTimeout(pending)
      clearTimeout(holding)
      machine.close()
      rooms?.close()
      seat?.close()
    },
  }
}

/** Hands on a seat's states, at most ten a second and none that would look the same, and its events in words. */
const watchSeat = (line: SeatLine, shown: () => SeatState | null, dispatch: (happening: Happening) => void) => {
  let latest: SeatState | undefined
  let timer: NodeJS.Timeout | undefined
  let isClosed = false
  const show = () => {
    timer = undefined
    const seat = latest
    latest = undefined
    const now = shown()
    if (isClosed || !seat || (now && looksSame(now, seat))) return
    timer = setTimeout(show, pictureMs)
    dispatch({ type: 'seat', seat })
  }
  line.onState((state) => {
    latest = state
    if (!timer) show()
  })
  line.onEvent((event, stateThen) => {
    if (isClosed || event.type === 'speaking' || event.type === 'heard') return
    const state = stateThen ?? line.state() ?? shown()
    const before = shown()
    if (state && before) dispatch({ type: 'seat-event', event, text: describe(event, state, before) })
  })
  line.onClosed((reason) => {
    clearTimeout(timer)
    show()
    if (!isClosed) dispatch({ type: 'seat-closed', reason })
  })
  const release = (): SeatLine => {
    isClosed = true
    clearTimeout(timer)
    return line
  }
  return { line, release, close: () => release().close() }
}

/** A seat that was opened for somebody who has gone on: out of the room again. */
const giveUp = async (line: SeatLine) => {
  await within(leaveWithinMs, line.request({ verb: 'leave' })).catch(() => undefined)
  line.close()
}

type Failure = { message: string; code: string; field?: string }

const attempt = (work: Promise<unknown>, onFailure: (failure: Failure) => void): void => {
  work.catch((error: unknown) => onFailure(failureOf(error)))
}

const failureOf = (error: unknown): Failure => {
  const { code, field } = (error ?? {}) as { code?: unknown; field?: unknown }
  return {
    message: error instanceof Error ? error.message : String(error),
    code: typeof code === 'string' ? code : 'internal',
    ...(typeof field === 'string' ? { field } : {}),
  }
}

const within = async (ms: number, work: Promise<unknown> | undefined): Promise<void> => {
  let timer: NodeJS.Timeout | undefined
  const limit = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms)
  })
  try {
    await Promise.race([work, limit])
  } finally {
    clearTimeout(timer)
  }
}
