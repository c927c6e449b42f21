import { type ChildProcess, fork } from 'node:child_process'
import { createRequire } from 'node:module'
import { onProcessEnd } from '../../client/process-end.ts'
import type { Measured } from './measure.ts'

export type MeasureAnswer = { path: string } & ({ measured: Measured } | { code: string; message: string })

/** So long it stays after its last file. */
const IDLE_MS = 5_000

type Asked = { resolve(measured: Measured): void; reject(error: Error): void }

/**
 * Measures files in a process of its own, so that neither decoding nor a decoder's crash reaches the process that makes
 * sound. It is started with the first file and ends when there are no more. `entry`: the built child, when it is not the
 * package's own.
 */
export const createMeasureProcess = (entry?: string) => {
  const asked = new Map<string, Asked[]>()
  let child: ChildProcess | undefined
  let idle: NodeJS.Timeout | undefined

  const settle = (path: string, how: (asked: Asked) => void) => {
    for (const one of asked.get(path) ?? []) how(one)
    asked.delete(path)
    if (asked.size === 0) idle = setTimeout(stop, IDLE_MS).unref()
  }

  const stop = () => {
    clearTimeout(idle)
    child?.kill()
    child = undefined
  }

  const start = () => {
    const started = fork(entry ?? createRequire(import.meta.url).resolve('roomtone/process/measure'), [], {
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    })
    started.unref()
    started.channel?.unref()
    started.on('message', (answer: MeasureAnswer) => {
      settle(answer.path, ({ resolve, reject }) =>
        'measured' in answer
          ? resolve(answer.measured)
          : reject(Object.assign(new Error(answer.message), { code: answer.code })),
      )
    })
    const end = (how: string) => {
      if (child !== started) return
      child = undefined
      for (const path of [...asked.keys()])
        settle(path, ({ reject }) => reject(measuringFailed(path, `the process that measured it ended (${how})`)))
    }
    started.on('error', (error) => end(error.message))
    onProcessEnd(started, end)
    return started
  }

  return {
    measure: (path: string): Promise<Measured> =>
      new Promise((resolve, reject) => {
        clearTimeout(idle)
        const others = asked.get(path)
        asked.set(path, [...(others ?? []), { resolve, reject }])
        if (others) return
        child ??= start()
        // While somebody waits for it, it keeps this process.
        child.channel?.ref()
        child.send({ path }, () => {})
      }),
    close: stop,
  }
}

const measuringFailed = (path: string, cause: string) =>
  Object.assign(new Error(`${path} could not be measured: ${cause}.`), { code: 'failed' })
