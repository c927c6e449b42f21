import { type ChildProcess, fork } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { createRequire } from 'node:module'
import { onProcessEnd } from '../../client/process-end.ts'
import type { ProgramAnswer, ProgramCommand } from '../../protocol/program.ts'
import type { SessionScript } from '../script/script.ts'
import type { Repair } from '../watch/dead-air.ts'
import type { SessionView } from '../watch/report.ts'
import type { HostEvent, HostMessage, HostOrder, HostRequest, KeptHere } from './wire.ts'

export type SuperviseOptions = {
  order: Omit<HostOrder, 'kept' | 'holder'>
  onEvent(event: HostEvent): void
  onView(view: SessionView): void
  /** The built child, when it is not the package's own. */
  entry?: string
}

export type HostProcess = {
  readonly pid: number
  /** How each session ended, by its name; those without a sitting are not there. */
  readonly done: Promise<Map<string, Extract<HostEvent, { type: 'ended' }>>>
  command(session: string, command: ProgramCommand, by: string): Promise<ProgramAnswer>
  reload(script: SessionScript): void
  repair(session: string, repair: Repair): void
  /** `isForGood`: the sittings are over; else another host may take them up. */
  stop(isForGood: boolean): void
}

const ANSWER_WITHIN_MS = 5000
/** A child that dies this soon again and again is started after a rest, that grows. */
const SOON_MS = 5000
const LONGEST_REST_MS = 5000

/** Hosts sessions in a process of its own, and starts another when that one dies: the journals say where to go on. */
export const superviseHost = (options: SuperviseOptions): HostProcess => {
  const { onEvent, onView, entry = createRequire(import.meta.url).resolve('roomtone/process/bot') } = options
  const scripts = new Map(options.order.scripts.map((script) => [script.name, script]))
  const ended = new Map<string, Extract<HostEvent, { type: 'ended' }>>()
  const holder = randomUUID()
  const kept: Record<string, KeptHere> = {}
  const answers = new Map<number, (answer: ProgramAnswer) => void>()
  let lastId = 0
  let isStopping = false
  let isOver = false
  let deaths = 0
  let child: ChildProcess
  let finish: () => void = () => {}
  const done = new Promise<typeof ended>((resolve) => {
    finish = () => resolve(ended)
  })
  const send = (request: HostRequest) => {
    // What it can take no more is of no use to it; that it ended is told elsewhere.
    if (child.connected) child.send(request, () => {})
  }
  const events = new Map<string, HostEvent>()

  const start = () => {
    const at = performance.now()
    child = fork(entry, [], { stdio: ['ignore', 'ignore', 'ignore', 'ipc'] })
    child.on('message', (message: HostMessage) => {
      if (message.type === 'over') isOver = true
      if (message.type === 'session-over') scripts.delete(message.session)
      if (message.type === 'kept') kept[message.session] = message.kept
      if (message.type === 'view') onView(message.view)
      if (message.type === 'event') take(message.event)
      if (message.type !== 'answer') return
      answers.get(message.id)?.(message.answer)
      answers.delete(message.id)
    })
    let isGone = false
    const onGone = (how: string) => {
      if (isGone) return
      isGone = true
      if (isOver || isStopping || scripts.size === 0) return finish()
      deaths = performance.now() - at < SOON_MS ? deaths + 1 : 0
      for (const session of scripts.keys()) restarted(session, how)
      setTimeout(start, Math.min(LONGEST_REST_MS, Math.max(0, deaths - 1) * 500))
    }
    onProcessEnd(child, onGone)
    // Not even started: the system has no room for it.
    child.on('error', (error) => onGone(error.message))
    send({ type: 'host', order: { ...options.order, scripts: [...scripts.values()], holder, kept } })
  }

  const take = (event: HostEvent) => {
    events.set(event.session, event)
    if (event.type === 'ended') ended.set(event.session, event)
    onEvent(event)
  }
  const restarted = (session: string, how: string) => {
    const occurrence = events.get(session)?.occurrence ?? null
    const message = `The bot's process ended unexpectedly (${how}); another takes its place.`
    onEvent({ at: new Date().toISOString(), session, occurrence, type: 'restarted', message })
  }

  start()
  return {
    get pid() {
      return child.pid!
    },
    done,
    command: (session, command, by) =>
      new Promise((resolve) => {
        const id = ++lastId
        const timer = setTimeout(() => {
          answers.delete(id)
          resolve({ ok: false, code: 'unavailable', message: 'The bot did not answer in time.' })
        }, ANSWER_WITHIN_MS)
        answers.set(id, (answer) => {
          clearTimeout(timer)
          resolve(answer)
        })
        send({ type: 'command', id, session, command, by })
      }),
    reload: (script) => {
      if (!scripts.has(script.name)) return
      scripts.set(script.name, script)
      send({ type: 'script', script })
    },
    repair: (session, repair) => {
      if (repair === 'restart') child.kill('SIGKILL')
      else send({ type: 'repair', session, repair })
    },
    stop: (isForGood) => {
      isStopping = true
      send({ type: 'stop', isForGood })
      if (!child.connected) finish()
    },
  }
}
