import type { DriftCounts } from './drift-buffer.ts'

/** One process that moves sound to or from a device. What it is (PortAudio, pacat, ...) is its maker's matter. */
export type DeviceProcess = {
  /** Sound flows. Rejects with a `code` when it cannot be started. */
  started: Promise<void>
  /** Told once, with the reason, when the process is gone. */
  ended: Promise<string>
  /** Changes as long as the device takes or gives sound. */
  progress(): number
  /** Sound on its way that we know of. */
  bufferedMs(): number
  counts(): DriftCounts
  /** What it is on, where that is known; a sound server may move it. */
  device(): string | undefined
  /** For output. Never blocks. */
  play(frame: Int16Array): void
  /** Ends; an output first plays what it holds. */
  finish(): void
  kill(): void
}

export type SupervisedDevice = {
  current(): DeviceProcess | undefined
  /** How often the device was lost so far. */
  losses(): number
  close(): Promise<void>
}

/** How it stands with a device that runs: `displaced` is where something else sounds in its place, `outdated` where a new process does better. */
export type Standing = 'fine' | 'displaced' | 'outdated'

export type SupervisorOptions = {
  spawn: () => DeviceProcess
  /** What sounds in its place while it is missing. */
  spawnSubstitute?: () => DeviceProcess
  /** It is not there, though others are. */
  isMissing?: () => Promise<boolean>
  /** Asked every three seconds. */
  look?: (current: DeviceProcess, isSubstitute: boolean) => Promise<Standing>
  onLost: (reason: string) => void
  onReplaced?: () => void
  onBack: () => void
}

const STALL_MS = 500
const TICK_MS = 100
const START_MS = 5_000
const RETRY_MS = 1_000
const FINISH_MS = 600
const LOOK_MS = 3_000
/** So often in a row a device must be missing: one that is only taken anew, or a sound server that begins, is back by then. */
const MISSING_TIMES = 2

/**
 * Keeps a device process running: one that ends, or whose device stands still for 500 ms, is killed and replaced, once a
 * second until that works, by a substitute while the device itself is missing. Rejects when the first start fails.
 */
export const superviseDevice = async (options: SupervisorOptions): Promise<SupervisedDevice> => {
  const { spawn, spawnSubstitute, isMissing, look, onLost, onReplaced, onBack } = options
  const closing = deferred<'closed'>()
  let closed = false
  let losses = 0
  let isSubstitute = false
  let current: DeviceProcess | undefined = await startedOrKilled(spawn())

  const keep = async () => {
    while (!closed && current) {
      const watched = current
      const reason = await Promise.race([lossOf(watched, closing.promise), closing.promise])
      if (closed) return
      if (watched !== current) continue
      current.kill()
      current = undefined
      losses++
      onLost(reason)
      await retry()
    }
  }

  const retry = async () => {
    let missing = 0
    while (!closed && !current) {
      const begunAt = performance.now()
      if (await take(spawn, false)) return onBack()
      missing = !closed && spawnSubstitute && (await isMissing?.()) ? missing + 1 : 0
      if (missing >= MISSING_TIMES && (await take(spawnSubstitute!, true))) return onReplaced?.()
      await pause(RETRY_MS - (performance.now() - begunAt), closing.promise)
    }
  }

  /** Goes over to a new process, once that sounds. */
  const take = async (start: () => DeviceProcess, asSubstitute: boolean): Promise<boolean> => {
    if (closed) return false
    const former = current
    const next = begun(start)
    if (!next) return false
    const outcome = await Promise.race([startedOrKilled(next).catch(() => 'failed' as const), closing.promise])
    if (outcome === 'failed') return false
    if (outcome === 'closed' || current !== former) {
      next.kill()
      return false
    }
    current = next
    isSubstitute = asSubstitute
    former?.kill()
    return true
  }

  const watch = async () => {
    while (!closed) {
      await pause(LOOK_MS, closing.promise)
      const seen = current
      if (closed || !seen) continue
      const standing = await look?.(seen, isSubstitute)
      if (closed || seen !== current) continue
      if (standing === 'displaced') {
        isSubstitute = true
        onReplaced?.()
      }
      const wasSubstitute = isSubstitute
      if (standing === 'outdated' && (await take(spawn, false)) && wasSubstitute) onBack()
    }
  }

  const kept = keep()
  if (look) void watch()
  const close = async () => {
    if (closed) return
    closed = true
    if (current) await finished(current)
    closing.resolve('closed')
    current?.kill()
    await Promise.all([kept, current?.ended])
    current = undefined
  }
  return { current: () => current, losses: () => losses, close }
}

/** Nothing where the program itself is gone, as while it is installed anew. */
const begun = (start: () => DeviceProcess): DeviceProcess | undefined => {
  try {
    return start()
  } catch {
    return undefined
  }
}

const startedOrKilled = async (device: DeviceProcess): Promise<DeviceProcess> => {
  const late = deferred<never>()
  const timer = setTimeout(() => {
    late.reject(Object.assign(new Error('the device opened but gave no sound'), { code: 'device-failed' }))
  }, START_MS)
  try {
    await Promise.race([device.started, late.promise])
    return device
  } catch (error) {
    device.kill()
    throw error
  } finally {
    clearTimeout(timer)
  }
}

/** Resolves with the reason once the process has ended or its device stands still; never after `until`. */
const lossOf = (device: DeviceProcess, until: Promise<unknown>) =>
  new Promise<string>((resolve) => {
    let seen = device.progress()
    let stillMs = 0
    let tickedAt = performance.now()
    const timer = setInterval(() => {
      const now = performance.now()
      const sinceTickMs = now - tickedAt
      tickedAt = now
      const progress = device.progress()
      // When this very process stood still, what the device did meanwhile is not known yet.
      stillMs = progress === seen && sinceTickMs < TICK_MS * 3 ? stillMs + sinceTickMs : 0
      seen = progress
      if (stillMs >= STALL_MS) settle('the device stopped taking sound')
    }, TICK_MS)
    const settle = (reason: string) => {
      clearInterval(timer)
      resolve(reason)
    }
    device.ended.then(settle)
    until.then(() => clearInterval(timer))
  })

const finished = async (device: DeviceProcess) => {
  device.finish()
  await pause(FINISH_MS, device.ended)
}

const pause = async (ms: number, unless: Promise<unknown>) => {
  let timer: NodeJS.Timeout | undefined
  const over = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, Math.max(0, ms))
  })
  await Promise.race([over, unless])
  clearTimeout(timer)
}

const deferred = <T>() => {
  let resolve!: (value: T) => void
  let reject!: (error: Error) => void
  const promise = new Promise<T>((onValue, onError) => {
    resolve = onValue
    reject = onError
  })
  return { promise, resolve, reject }
}
