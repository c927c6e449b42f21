import { randomBytes, randomInt } from 'node:crypto'
import { startSwarm } from '../check/swarm.ts'
import type { SwarmEvidence } from '../check/swarm-evidence.ts'
import { figuresOf } from '../check/swarm-figures.ts'
import { judgeSwarm, type SwarmVerdict, type SwarmWants } from '../check/swarm-judge.ts'
import { participantMinutes, planSwarm, type SwarmPlan, type TalkPattern } from '../check/swarm-plan.ts'
import { exitCodeOfVerdicts, figureLabels, figureRows, outcomeOf, type SwarmReport } from '../check/swarm-report.ts'
import { parseThreshold } from '../check/thresholds.ts'
import { type CheckTarget, checkTarget } from './check-target.ts'
import type { CheckRoomOptions } from './commands/check-room.ts'
import type { Context } from './context.ts'
import { parseDurationMs } from './duration.ts'
import { entryOf } from './entries.ts'
import { failure } from './failure.ts'

const FREE_MINUTES = 500

/** Sends light participants into rooms and judges what they got. */
export const checkRoom = async (
  context: Context,
  room: string | undefined,
  options: CheckRoomOptions,
): Promise<void> => {
  const wish = readWish(room, options)
  const wants: SwarmWants = {
    audio: options.expectAudio === true,
    thresholds: (options.threshold ?? []).map(parseThreshold),
  }
  const target = await checkTarget(context, room, options)
  if (target.door.kind === 'room') refuseForRoom(wish)
  const runId = randomBytes(4).toString('hex')
  const rooms = roomNames(target, wish.rooms, runId)
  const plan = planSwarm({ ...wish, rooms, runId }, () => randomInt(2 ** 32) / 2 ** 32)
  announce(context, target, plan, wish.bots, maxMinutes(options, target))
  await runCheck(context, { name: `room ${room ?? rooms[0]}`, target, plan, wants, json: options.json === true })
}

type CheckRun = { name: string; target: CheckTarget; plan: SwarmPlan; wants: SwarmWants; json: boolean }

/** Runs, tells, and sets the exit code. */
export const runCheck = async (context: Context, { name, target, plan, wants, json }: CheckRun): Promise<void> => {
  const startedAt = new Date().toISOString()
  const evidence = await gather(context, target, plan)
  const figures = figuresOf(evidence)
  const verdicts = judgeSwarm(evidence, figures, wants)
  const isInterrupted = evidence.cutShort?.code === 'interrupted'
  const report: SwarmReport = {
    check: name,
    server: target.server,
    runId: plan.runId,
    startedAt,
    durationMs: evidence.durationMs,
    outcome: isInterrupted && outcomeOf(verdicts) === 'pass' ? 'inconclusive' : outcomeOf(verdicts),
    exitCode: isInterrupted ? 130 : exitCodeOfVerdicts(verdicts),
    isPartial: evidence.cutShort !== null,
    cutShort: evidence.cutShort,
    participants: evidence.bots.length,
    participantMinutes: participantMinutes(plan),
    verdicts,
    figures,
    health: evidence.health,
  }
  if (json) context.output.json(report)
  else print(context, report)
  context.exitWith(report.exitCode)
}

const gather = async (context: Context, { door }: CheckTarget, plan: SwarmPlan): Promise<SwarmEvidence> => {
  let toldMs = 0
  const swarm = startSwarm({
    plan,
    door,
    entry: entryOf('swarm'),
    onProgress: ({ atMs, endMs, inside, failed, arriving }) => {
      if (atMs - toldMs < PROGRESS_MS) return
      toldMs = atMs
      const rest = [`${inside} inside`, arriving > 0 && `${arriving} arriving`, failed > 0 && `${failed} failed`]
      context.output.note(
        `${(atMs / 1000).toFixed(0)} of ${(endMs / 1000).toFixed(0)} s: ${rest.filter(Boolean).join(', ')}`,
      )
    },
  })
  context.onClose(swarm.close)
  context.onInterrupt(() => swarm.stop())
  context.onOutputClosed(() => swarm.stop())
  return swarm.evidence
}

const PROGRESS_MS = 5_000

type Wish = Omit<Parameters<typeof planSwarm>[0], 'rooms' | 'runId'> & { rooms: number }

const readWish = (room: string | undefined, options: CheckRoomOptions): Wish => {
  const bots = whole(options.bots, '--bots', 1, 4000)
  const rooms = whole(options.rooms ?? '1', '--rooms', 1, 1000)
  if (rooms > bots) throw failure('bad-input', `--rooms ${rooms} are more than --bots ${bots}`)
  const forMs = parseDurationMs(options.for, '--for')
  if (forMs < 3000) throw failure('bad-input', '--for wants at least 3s: less proves nothing')
  return {
    bots,
    rooms,
    forMs,
    // Whoever names one room tests what others send there.
    talk: talkOf(options.talk ?? (room === undefined || rooms > 1 ? 'one' : 'none')),
    rampPerS: whole(options.ramp ?? '20', '--ramp', 1, 1000),
    churnPerMin: whole(options.churn ?? '0', '--churn', 0, 6000),
    decoding: whole(options.decode ?? '1', '--decode', 0, 100),
  }
}

const talkOf = (text: string): TalkPattern => {
  if (text === 'none' || text === 'one' || text === 'everyone') return { kind: text }
  const speakers = /^panel:(\d{1,3})$/.exec(text)?.[1]
  if (speakers === undefined || Number(speakers) === 0)
    throw failure('bad-input', `--talk is none, one, everyone or panel:N (N of each room speak), not "${text}"`)
  return { kind: 'panel', speakers: Number(speakers) }
}

/** Of a roomtone server's room, whose stage has rules: bots come to hear. */
const refuseForRoom = ({ rooms, talk }: Wish): void => {
  if (rooms > 1)
    throw failure('bad-input', '--rooms makes rooms of its own, at a LiveKit server: leave out ROOM, or say --url')
  if (talk.kind !== 'none')
    throw failure(
      'bad-input',
      `--talk ${talk.kind} needs a stage that is open to all: bots only listen in a roomtone room`,
    )
}

/** The very room that was named, or rooms that no other run has. */
const roomNames = ({ door, room }: CheckTarget, count: number, runId: string): string[] => {
  if (room !== undefined && (count === 1 || door.kind === 'room')) return [room]
  return Array.from({ length: count }, (_, at) => `${room ?? 'check'}-${runId}${count === 1 ? '' : `-${at + 1}`}`)
}

const maxMinutes = ({ maxParticipantMinutes: text }: CheckRoomOptions, { isLoopback }: CheckTarget): number => {
  if (text !== undefined) return whole(text, '--max-participant-minutes', 1, 10_000_000)
  return isLoopback ? Number.POSITIVE_INFINITY : FREE_MINUTES
}

const announce = (context: Context, { server }: CheckTarget, plan: SwarmPlan, bots: number, most: number): void => {
  const minutes = participantMinutes(plan)
  const places = plan.rooms.length === 1 ? `room "${plan.rooms[0]}"` : `${plan.rooms.length} rooms`
  context.output.note(
    `${bots} participants × ${(plan.endMs / 60_000).toFixed(1)} min = ${minutes} participant-minutes in ${places} of ${server}`,
  )
  if (minutes > most)
    throw failure(
      'bad-input',
      `that is more than --max-participant-minutes allows (${most}): raise it, or send fewer for less`,
    )
}

const print = (context: Context, report: SwarmReport): void => {
  const { output } = context
  const { figures, verdicts, outcome } = report
  const shown = figures.length === 2 ? figures.slice(0, 1) : figures
  output.table(figureLabels, output.isPlain ? figureRows(shown) : [figureLabels, ...figureRows(shown)])
  if (!output.isPlain) output.line('')
  output.table(
    ['outcome', 'expectation', 'measured', 'because'],
    verdicts.map((verdict) => verdictRow(context, verdict)),
  )
  if (report.isPartial) output.needed(`Cut short (${report.cutShort!.message}): this is as far as it came`)
  const color = ({ pass: 'green', fail: 'red' } as const)[outcome as 'pass'] ?? 'yellow'
  output.line(
    `${output.paint(color, outcomeWords[outcome])} ${report.check} in ${(report.durationMs / 1000).toFixed(1)} s`,
  )
}

const outcomeWords = { pass: 'passed', fail: 'FAILED', inconclusive: 'inconclusive', refused: 'refused' }

const verdictRow = ({ output }: Context, { what, outcome, measured, wanted, evidence }: SwarmVerdict): string[] => {
  const color = ({ pass: 'green', fail: 'red' } as const)[outcome as 'pass'] ?? 'yellow'
  const expectation = what === wanted ? what : `${what}: ${wanted}`
  return [
    output.paint(color, outcomeWords[outcome]),
    expectation,
    measured ?? '-',
    outcome === 'pass' ? '' : evidence.join('; '),
  ]
}

const whole = (text: string, name: string, min: number, max: number): number => {
  const number = /^\d{1,8}$/.test(text) ? Number(text) : Number.NaN
  if (number >= min && number <= max) return number
  throw failure('bad-input', `${name} wants a whole number from ${min} to ${max}, not "${text}"`)
}
