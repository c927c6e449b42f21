import type { SeatOrder, SeatReport } from './seat-wire.ts'

// The doorstep of a seat's process. It loads the seat itself only when it is told to: what the parent says, and that the
// parent has died, must not find nobody listening.

const parent = new AbortController()
let hasBegun = false

const begin = async (order: SeatOrder) => {
  hasBegun = true
  const { runSeat } = await import('./seat-run.ts')
  await runSeat(order, { abandoned: parent.signal, report }).catch((error: Error & { code?: string }) =>
    report({ ok: false, error: { code: error.code ?? 'internal', message: error.message } }),
  )
  exit()
}

const report = (message: SeatReport): Promise<void> =>
  new Promise((resolve) => {
    // From here on the parent may go: it has what it waited for.
    if ('ok' in message) process.off('disconnect', abandon)
    if (!process.connected) return resolve()
    process.send?.(message, () => resolve())
  })

const abandon = () => {
  if (hasBegun) parent.abort()
  else exit()
}

/** The one place where this process ends: left to itself, wrtc crashes when the event loop runs dry. */
const exit = () => process.exit(0)

process.once('message', begin)
process.once('disconnect', abandon)
if (!process.connected) exit()
