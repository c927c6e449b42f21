import type { SeatOrder, SeatReport, SeatTaken } from './seat-wire.ts'

// The doorstep of a seat's process. It loads the seat itself only when it is told to: what the parent says, and that the
// parent has died, must not find nobody listening.

const abandoned = new AbortController()
let hasBegun = false
let take = () => {}
const taken = new Promise<void>((resolve) => {
  take = resolve
})

const hear = (message: SeatOrder | SeatTaken) => {
  if (!('taken' in message)) return void begin(message)
  process.off('disconnect', onParentGone)
  take()
}

const begin = async (order: SeatOrder) => {
  hasBegun = true
  const { runSeat } = await import('./seat-run.ts')
  await runSeat(order, { abandoned: abandoned.signal, taken, report }).catch((error: Error & { code?: string }) =>
    report({ ok: false, error: { code: error.code ?? 'internal', message: error.message } }),
  )
  exit()
}

const report = (message: SeatReport): Promise<void> =>
  new Promise((resolve) => {
    if (!process.connected) return resolve()
    process.send?.(message, () => resolve())
  })

/** What was reported may never have been read: only a parent that took the seat may go and leave it. */
const onParentGone = () => {
  if (!hasBegun) exit()
  else abandoned.abort()
}

/** The one place where this process ends: left to itself, wrtc crashes when the event loop runs dry. */
const exit = () => process.exit(0)

process.on('message', hear)
process.once('disconnect', onParentGone)
if (!process.connected) exit()
