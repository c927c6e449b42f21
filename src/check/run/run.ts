import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { decodeWhole } from '../../audio/files/decode.ts'
import type { Condition, Evidence, Plan, RunnerHealth, StepPlan, StepRecord } from '../contract.ts'
import { type ActorProcess, startActorProcess } from './actor-process.ts'
import { type ProcessHealth, watchHealth } from './health.ts'
import { createLiveKitPlace, createRoomPlace, type LiveKitServer, type Place, type RoomServer } from './place.ts'
import { type ActorLog, createActorRecord } from './record.ts'
import type { ActorAction } from './wire.ts'

export type RunOptions = {
  plan: Plan
  server: { plane: 'room'; server: RoomServer } | { plane: 'livekit'; server: LiveKitServer }
  /** The built actor process. */
  actorEntry: string
  onStep?(step: StepPlan, record: StepRecord): void
  /** Ends the run early; what there is by then is told as evidence, marked as such. */
  signal?: AbortSignal
}

const SUFFIX_BYTES = 4
const LOOK_MS = 20
const SETTLE_MS = 700

/**
 * Runs a plan and gathers its evidence. Nobody of the run is in any room when it resolves. Throws an Error with a code
 * where the run cannot begin: `unreachable`, `sign-in-needed`, `quota`, or what kept somebody out of the room.
 */
export const runCheck = async (options: RunOptions): Promise<Evidence> => {
  const { plan, signal } = options
  const runId = randomBytes(SUFFIX_BYTES).toString('hex')
  const beganAtNs = process.hrtime.bigint()
  const nowMs = () => Number(process.hrtime.bigint() - beganAtNs) / 1e6
  const place = placeOf(options, runId)
  const health = watchHealth(nowMs)
  const references = await readReferences(plan)
  const logs = new Map(plan.actors.map((actor) => [actor.name, createActorRecord(actor)]))
  const processes = new Map<string, ActorProcess>()
  const steps: StepRecord[] = plan.steps.map(({ index }) => ({ index, startedAtMs: 0, doneAtMs: null, error: null }))
  let cutShort: string | null = null

  const start = async () => {
    await Promise.all(
      plan.actors.map(async (actor, index) => {
        const log = logs.get(actor.name)!
        const order = {
          ...{ name: actor.name, suffix: runId, plays: actor.plays, beganAtNs, seed: plan.seed + index },
          target: await place.targetOf(actor),
          isMutedAtFirst: plan.steps.some(({ action }) => action.kind === 'unmutes' && action.actor === actor.name),
          network: networkOf(plan, actor.name),
        }
        const started = await startActorProcess({
          entry: options.actorEntry,
          order,
          onMessage: log.take,
          onCrash: (how) => log.failed(nowMs(), 'crashed', `the process of ${actor.name} ended by ${how}`),
        })
        processes.set(actor.name, started)
      }),
    )
  }

  let roomId: string | null = null
  const act = (name: string, action: ActorAction) => processes.get(name)!.act(action, roomId)
  const enter = async (who: string[]) => {
    await Promise.all(
      who.map((name) =>
        act(name, { kind: 'joins', actor: name }).catch((error: Error & { code?: string }) => {
          logs.get(name)!.failed(nowMs(), error.code ?? 'failed', error.message)
          throw error
        }),
      ),
    )
  }
  const openRoom = async (host: string | null) => {
    roomId = await place.open(host)
    if (host !== null) await enter([host])
  }
  const others = (host: string | null) =>
    plan.actors
      .map(({ name }) => name)
      .filter(
        (name) => name !== host && !plan.steps.some(({ action }) => action.kind === 'joins' && action.actor === name),
      )

  const doStep = async ({ action }: StepPlan) => {
    switch (action.kind) {
      case 'wait':
        return void (await sleep(action.ms, undefined, { signal }))
      case 'wait-until':
        return until(holds(action.condition, logs, nowMs()), action.withinMs, signal)
      case 'starts':
        return openRoom(action.actor)
      case 'is-killed':
        await processes.get(action.actor)!.kill()
        return logs.get(action.actor)!.killed(nowMs())
      case 'stage':
        if (!(await place.act(action))) await act(action.actor, action)
        return
      case 'ends-room':
        if (!(await place.act({ kind: action.kind, actor: action.actor }))) await act(action.actor, action)
        return
      default:
        return act(action.actor, action)
    }
  }

  const runSteps = async () => {
    const starter = plan.steps.find(({ action }) => action.kind === 'starts')
    if (!starter) {
      const host = plan.actors.find(({ role }) => role === 'host')?.name ?? null
      await openRoom(host)
      await enter(others(host))
    }
    for (const step of plan.steps) {
      const record = steps[step.index]!
      record.startedAtMs = nowMs()
      options.onStep?.(step, record)
      try {
        signal?.throwIfAborted()
        await doStep(step)
        record.doneAtMs = nowMs()
      } catch (error) {
        const { code, message } = error as Error & { code?: string }
        if (signal?.aborted) throw error
        record.error = { code: code ?? 'failed', message }
      }
      options.onStep?.(step, record)
      if (record.error) {
        cutShort = `step ${step.index + 1} could not be done: ${record.error.message}`
        return
      }
      if (step === starter && step.action.kind === 'starts') await enter(others(step.action.actor))
    }
    // What was said last is still on its way.
    await sleep(SETTLE_MS, undefined, { signal })
  }

  try {
    await start()
    await runSteps()
  } catch (error) {
    if (!signal?.aborted) throw error
    cutShort = 'interrupted'
  } finally {
    await Promise.all([...processes.values()].map((one) => one.finish()))
    await place.close()
    health.close()
  }
  const durationMs = nowMs()
  const told = [health.read(), ...[...logs.values()].flatMap((log) => log.health() ?? [])]
  const runner = healthOf(told, durationMs)
  const all = [...logs.values()]
  const names = plan.actors.map(({ name }) => name)
  return {
    runId,
    cutShort,
    durationMs,
    actors: all.map((log) => log.record()),
    steps,
    spoken: all.map((log) => log.spoken(log.health()?.stalls ?? [])),
    hearings: [...logs].flatMap(([name, log]) =>
      log.hearings(
        names.filter((other) => other !== name),
        durationMs,
      ),
    ),
    views: all.flatMap((log) => log.views()),
    health: runner,
    references,
  }
}

const placeOf = ({ plan, server }: RunOptions, suffix: string): Place =>
  server.plane === 'room'
    ? createRoomPlace(server.server, { plan, suffix })
    : createLiveKitPlace(server.server, { plan, suffix })

/** Whoever a step gives a bad network goes through one from the start: a connection has one way for its life. */
const networkOf = ({ actors, steps }: Plan, name: string) => {
  const own = actors.find((actor) => actor.name === name)?.network ?? null
  const isChanged = steps.some(
    ({ action }) => /network/.test(action.kind) && 'actor' in action && action.actor === name,
  )
  return own ?? (isChanged ? { lossShare: 0, delayMs: 0, jitterMs: 0 } : null)
}

const until = async (fits: () => boolean, withinMs: number, signal?: AbortSignal): Promise<void> => {
  for (const deadlineMs = performance.now() + withinMs; performance.now() < deadlineMs; ) {
    if (fits()) return
    await sleep(LOOK_MS, undefined, { signal })
  }
  throw Object.assign(new Error(`it did not come about within ${withinMs / 1000} s`), { code: 'timeout' })
}

/** Whether it is so; sound counts that was heard since then. */
const holds = (condition: Condition, logs: ReadonlyMap<string, ActorLog>, sinceMs: number) => (): boolean => {
  if (condition.kind === 'hears') {
    const heardAtMs = logs.get(condition.listener)!.heardAtMs(condition.speaker)
    return heardAtMs !== undefined && heardAtMs >= sinceMs
  }
  const log = logs.get(condition.actor)!
  switch (condition.kind) {
    case 'in-room':
      return log.isInRoom()
    case 'gone':
      return log.isGone()
    case 'muted':
      return log.self()?.isMuted === true
    case 'unmuted':
      return log.self()?.isMuted === false
    case 'hand-up':
      return log.self()?.hasHandUp === true
    case 'invited':
      return log.isInvited()
    case 'role':
      return log.self()?.role === condition.role
  }
}

const healthOf = (told: readonly ProcessHealth[], durationMs: number): RunnerHealth => {
  const stalls = told.flatMap((one) => one.stalls).sort((a, b) => a.atMs - b.atMs)
  const waited = told.flatMap(({ waitedMs }) => waitedMs ?? [])
  return {
    stalls,
    longestStallMs: Math.max(0, ...stalls.map(({ ms }) => ms)),
    cpuShare: told.reduce((sum, { cpuMs }) => sum + cpuMs, 0) / durationMs,
    starvedShare: waited.length === 0 ? null : Math.min(1, Math.max(...waited) / durationMs),
  }
}

const readReferences = async ({ expectations }: Plan): Promise<Evidence['references']> => {
  const paths = expectations.flatMap((one) => (one.kind === 'hears' && one.like?.path ? [one.like.path] : []))
  return Promise.all(
    [...new Set(paths)].map(async (path) => ({ path, samples: await decodeWhole(path, { channels: 1 }) })),
  )
}
