import { judgeFitness, listenForWebhooks } from '../check/fitness.ts'
import type { DoorKey } from '../check/swarm-door.ts'
import { figuresOf } from '../check/swarm-figures.ts'
import { judgeSwarm, type SwarmVerdict } from '../check/swarm-judge.ts'
import { planSwarm, type SwarmPlan } from '../check/swarm-plan.ts'
import { type FitnessReport, outcomeOf } from '../check/swarm-report.ts'
import { parseThreshold } from '../check/thresholds.ts'
import { probeMediaServer } from '../server/media-service.ts'
import { gatherEvidence, newRunId, outcomeWord, printVerdicts } from './check-swarm.ts'
import { livekitTarget } from './check-target.ts'
import type { CheckServerOptions } from './commands/check-server.ts'
import type { Context } from './context.ts'
import { failure } from './failure.ts'

/** More than this on its way makes a talk a walkie-talkie (ITU-T G.114: 400 ms mouth to ear at most). */
const SOUND_LIMITS = ['loss:rate<2%', 'delay:p(95)<300'].map(parseThreshold)
const SOUND_MS = 5_000

/** Whether a LiveKit server is fit for voice. */
export const checkServer = async (context: Context, url: string, options: CheckServerOptions): Promise<void> => {
  const { door, server } = livekitTarget(context, url)
  const runId = newRunId()
  const webhooks =
    options.webhook === undefined ? undefined : await listenForWebhooks(webhookAddress(options.webhook), door)
  if (webhooks) context.onClose(webhooks.close)
  const verdicts = await judgeFitness(door, { turn: options.expectTurn === true, runId })
  const isReachable = verdicts[0]!.outcome === 'pass'
  if (isReachable) verdicts.splice(1, 0, await judgeKeys(door))
  const room = `check-${runId}-sound`
  if (verdicts.some(({ what, outcome }) => what === 'signalling' && outcome === 'pass')) {
    const people = { bots: 2, talk: { kind: 'one' }, rampPerS: 2, churnPerMin: 0, decoding: 1 } as const
    const plan = planSwarm({ ...people, forMs: SOUND_MS, rooms: [room], runId }, () => 0)
    verdicts.push(...(await judgeSound(context, door, plan)))
    if (webhooks) verdicts.push(await webhooks.verdict([`check-${runId}`, room]))
  }
  const outcome = outcomeOf(verdicts)
  const report: FitnessReport = { check: 'server', server, runId, outcome, exitCode: exitCodeOf(verdicts), verdicts }
  if (options.json) context.output.json(report)
  else {
    printVerdicts(context, verdicts)
    context.output.line(`${outcomeWord(context, outcome)} ${server}`)
  }
  context.exitWith(report.exitCode)
}

/** What keeps a server from being looked at is told as such: not there, or other keys. */
const exitCodeOf = (verdicts: SwarmVerdict[]): number => {
  if (verdicts[0]!.outcome !== 'pass') return 7
  if (verdicts.some(({ code }) => code === 'keys-refused')) return 4
  return { pass: 0, fail: 1, inconclusive: 3, refused: 2 }[outcomeOf(verdicts)]
}

const judgeKeys = async (door: Parameters<typeof probeMediaServer>[0]): Promise<SwarmVerdict> => {
  const problem = await probeMediaServer(door)
  const told = { what: 'keys', wanted: 'the RoomService takes key and secret', measured: null }
  if (!problem) return { ...told, outcome: 'pass', code: null, evidence: ['it lists rooms'] }
  return { ...told, outcome: 'fail', code: problem.code, evidence: [problem.message] }
}

const judgeSound = async (context: Context, door: DoorKey, plan: SwarmPlan): Promise<SwarmVerdict[]> => {
  try {
    const evidence = await gatherEvidence(context, door, plan)
    return judgeSwarm(evidence, figuresOf(evidence), { audio: true, thresholds: SOUND_LIMITS })
  } catch (error) {
    const { message, code = 'failed' } = error as Error & { code?: string }
    // A crash of this program says nothing of the server.
    const outcome = code === 'runner-crashed' ? 'inconclusive' : 'fail'
    return [{ what: 'audio', outcome, code, measured: null, wanted: 'sound comes through', evidence: [message] }]
  }
}

const webhookAddress = (text: string): { host: string; port: number } => {
  const [, host, port] = /^(?:(.+):)?(\d{1,5})$/.exec(text) ?? []
  if (port === undefined || Number(port) > 65_535)
    throw failure('bad-input', `--webhook wants PORT or ADDRESS:PORT to listen on, not "${text}"`)
  return { host: host ?? '0.0.0.0', port: Number(port) }
}
