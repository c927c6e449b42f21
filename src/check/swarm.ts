import { fork } from 'node:child_process'
import { onProcessEnd } from '../client/process-end.ts'
import type { DoorKey } from './swarm-door.ts'
import type { SwarmEvidence } from './swarm-evidence.ts'
import type { SwarmPlan } from './swarm-plan.ts'
import type { SwarmProgress } from './swarm-run.ts'

export type SwarmOrder = { order: 'run'; plan: SwarmPlan; door: DoorKey } | { order: 'stop' }

export type SwarmAnswer =
  | { answer: 'progress'; progress: SwarmProgress }
  | { answer: 'evidence'; evidence: SwarmEvidence }
  | { answer: 'error'; code: string; message: string }

export type Swarm = {
  /** Rejects with what kept the first participant out, or with code `runner-crashed`. */
  readonly evidence: Promise<SwarmEvidence>
  /** Judges what there is, and leaves. */
  stop(): void
  /** Resolves when all have left. */
  close(): Promise<void>
}

const LEAVE_WITHIN_MS = 15_000

/** Runs a plan in a process of its own; `entry` is the built src/check/swarm-child.ts. */
export const startSwarm = ({
  plan,
  door,
  entry,
  onProgress,
}: {
  plan: SwarmPlan
  door: DoorKey
  entry: string
  onProgress(progress: SwarmProgress): void
}): Swarm => {
  const child = fork(entry, { stdio: ['ignore', 'ignore', 'ignore', 'ipc'] })
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const evidence = new Promise<SwarmEvidence>((resolve, reject) => {
    child.on('message', (answer: SwarmAnswer) => {
      if (answer.answer === 'progress') onProgress(answer.progress)
      else if (answer.answer === 'evidence') resolve(answer.evidence)
      else reject(Object.assign(new Error(answer.message), { code: answer.code }))
    })
    child.once('error', ({ message }) => reject(crashed(message)))
    onProcessEnd(child, (how) => reject(crashed(how)))
  })
  evidence.catch(() => {})
  const send = (order: SwarmOrder): void => {
    // One that has ended is told of by its exit.
    if (child.connected) child.send(order, () => {})
  }
  send({ order: 'run', plan, door })
  return {
    evidence,
    stop: () => send({ order: 'stop' }),
    close: async () => {
      send({ order: 'stop' })
      const last = setTimeout(() => child.kill('SIGKILL'), LEAVE_WITHIN_MS)
      await exited
      clearTimeout(last)
    },
  }
}

const crashed = (how: string): Error =>
  Object.assign(new Error(`The process that held the participants ended by itself (${how}): nothing is judged.`), {
    code: 'runner-crashed',
  })
