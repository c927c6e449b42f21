import { randomBytes } from 'node:crypto'
import { startSwarm } from '../check/swarm.ts'
import type { DoorKey } from '../check/swarm-door.ts'
import type { SwarmEvidence } from '../check/swarm-evidence.ts'
import { figuresOf } from '../check/swarm-figures.ts'
import { judgeSwarm, type SwarmVerdict, type SwarmWants } from '../check/swarm-judge.ts'
import { participantMinutes, type SwarmPlan } from '../check/swarm-plan.ts'
import { exitCodeOfVerdicts, figureLabels, figureRows, outcomeOf, type SwarmReport } from '../check/swarm-report.ts'
import { parseThreshold } from '../check/thresholds.ts'
import type { CheckTarget } from './check-target.ts'
import type { Context } from './context.ts'
import { entryOf } from './entries.ts'
import { failure } from './failure.ts'

/** What all checks with light participants take. */
export type SwarmFlags = { threshold?: string[]; maxParticipantMinutes?: string; json?: boolean }

const FREE_MINUTES = 500

/** In every name of one run, so that two never meet. */
export const newRunId = (): string => randomBytes(4).toString('hex')

export const wantsOf = ({ threshold }: SwarmFlags, audio: boolean): SwarmWants => ({
  audio,
  thresholds: (threshold ?? []).map(parseThreshold),
})

type Check = { name: string; target: CheckTarget; plan: SwarmPlan; wants: SwarmWants }

/** Says what it takes, refuses where that is too much, runs, tells, and sets the exit code. */
export const checkSwarm = async (context: Context, check: Check, flags: SwarmFlags): Promise<void> => {
  const { target, plan, wants } = check
  announce(context, target, plan, flags)
  const startedAt = new Date().toISOString()
  const evidence = await gatherEvidence(context, target.door, plan)
  const figures = figuresOf(evidence)
  const verdicts = judgeSwarm(evidence, figures, wants)
  const isInterrupted = evidence.cutShort?.code === 'interrupted'
  const outcome = outcomeOf(verdicts)
  const report: SwarmReport = {
    check: check.name,
    server: target.server,
    runId: plan.runId,
    startedAt,
    durationMs: evidence.durationMs,
    outcome: isInterrupted && outcome === 'pass' ? 'inconclusive' : outcome,
    exitCode: isInterrupted ? 130 : exitCodeOfVerdicts(verdicts),
    isPartial: evidence.cutShort !== null,
    cutShort: evidence.cutShort,
    participants: evidence.bots.length,
    participantMinutes: participantMinutes(plan),
    verdicts,
    figures,
    health: evidence.health,
  }
  if (flags.json) context.output.json(report)
  else print(context, report)
  context.exitWith(report.exitCode)
}

const PROGRESS_MS = 5_000

/** Ctrl+C, or the end of what reads the result, ends the run in order: what was seen until then is judged. */
export const gatherEvidence = async (context: Context, door: DoorKey, plan: SwarmPlan): Promise<SwarmEvidence> => {
  let toldMs = 0
  const swarm = startSwarm({
    plan,
    door,
    entry: entryOf('swarm'),
    onProgress: ({ atMs, endMs, inside, failed, arriving }) => {
      if (atMs - toldMs < PROGRESS_MS) return
      toldMs = atMs
      const parts = [`${inside} inside`, arriving > 0 && `${arriving} arriving`, failed > 0 && `${failed} failed`]
      context.output.note(`${seconds(atMs)} of ${seconds(endMs)}: ${parts.filter(Boolean).join(', ')}`)
    },
  })
  context.onClose(swarm.close)
  context.onInterrupt(() => swarm.stop())
  context.onOutputClosed(() => swarm.stop())
  return swarm.evidence
}

const announce = (context: Context, target: CheckTarget, plan: SwarmPlan, flags: SwarmFlags): void => {
  const minutes = participantMinutes(plan)
  const most = maxMinutes(flags, target)
  const places = plan.rooms.length === 1 ? `room "${plan.rooms[0]}"` : `${plan.rooms.length} rooms`
  context.output.note(
    `${plan.bots.length} participants, ${seconds(plan.endMs)}: ${minutes} participant-minutes in ${places} of ${target.server}`,
  )
  if (minutes > most)
    throw failure(
      'bad-input',
      `${minutes} participant-minutes are more than --max-participant-minutes (${most}): raise it, or send fewer for less time`,
    )
}

const maxMinutes = ({ maxParticipantMinutes: text }: SwarmFlags, { isLoopback }: CheckTarget): number => {
  if (text !== undefined) return wholeNumber(text, '--max-participant-minutes', 1, 10_000_000)
  return isLoopback ? Number.POSITIVE_INFINITY : FREE_MINUTES
}

const print = (context: Context, report: SwarmReport): void => {
  const { output } = context
  const { figures, verdicts } = report
  // One room is all rooms.
  const rows = figureRows(figures.length === 2 ? figures.slice(0, 1) : figures)
  output.table(figureLabels, output.isPlain ? rows : [figureLabels, ...rows])
  output.line('')
  printVerdicts(context, verdicts)
  if (report.cutShort) output.needed(`Cut short (${report.cutShort.message}): this is as far as it came`)
  output.line(`${outcomeWord(context, report.outcome)} ${report.check} in ${seconds(report.durationMs)}`)
}

export const printVerdicts = ({ output }: Context, verdicts: SwarmVerdict[]): void =>
  output.table(
    ['outcome', 'expectation', 'measured', 'because'],
    verdicts.map(({ what, outcome, measured, wanted, evidence }) => [
      outcomeWord({ output }, outcome),
      what === wanted ? what : `${what}: ${wanted}`,
      measured ?? '-',
      evidence.join('; '),
    ]),
  )

const words = { pass: 'passed', fail: 'FAILED', inconclusive: 'inconclusive', refused: 'refused' }

export const outcomeWord = ({ output }: Pick<Context, 'output'>, outcome: SwarmVerdict['outcome']): string =>
  output.paint(outcome === 'pass' ? 'green' : outcome === 'fail' ? 'red' : 'yellow', words[outcome])

export const wholeNumber = (text: string, name: string, min: number, max: number): number => {
  const number = /^\d{1,8}$/.test(text) ? Number(text) : Number.NaN
  if (number >= min && number <= max) return number
  throw failure('bad-input', `${name} wants a whole number from ${min} to ${max}, not "${text}"`)
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(ms < 100_000 ? 1 : 0)} s`
