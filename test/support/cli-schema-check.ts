import { z } from 'zod'
import { metricNames } from '../../src/check/swarm-figures.ts'
import type { FitnessReport, SwarmReport } from '../../src/check/swarm-report.ts'
import { instantSchema } from '../../src/protocol/accounts.ts'

// What the commands of a check print.

const outcome = z.enum(['pass', 'fail', 'inconclusive', 'refused'])
const figure = z.object({
  count: z.number().int(),
  min: z.number(),
  p50: z.number(),
  p95: z.number(),
  p99: z.number(),
  max: z.number(),
  rate: z.number().nullable(),
})

export const swarmReportSchema = z.object({
  check: z.string(),
  server: z.string(),
  runId: z.string(),
  startedAt: instantSchema,
  durationMs: z.number(),
  outcome,
  exitCode: z.number().int(),
  isPartial: z.boolean(),
  cutShort: z.object({ code: z.string(), message: z.string() }).nullable(),
  participants: z.number().int(),
  participantMinutes: z.number().int(),
  verdicts: z.array(
    z.object({
      what: z.string(),
      outcome,
      code: z.string().nullable(),
      measured: z.string().nullable(),
      wanted: z.string(),
      evidence: z.array(z.string()),
    }),
  ),
  figures: z.array(
    z.object({ room: z.string().nullable(), metrics: z.record(z.enum(metricNames), figure.nullable()) }),
  ),
  health: z.object({
    stalls: z.array(z.object({ atMs: z.number(), ms: z.number() })),
    longestStallMs: z.number(),
    cpuShare: z.number(),
    starvedShare: z.number().nullable(),
  }),
})

const { check, server, runId, exitCode, verdicts } = swarmReportSchema.shape
export const fitnessReportSchema = z.object({ check, server, runId, outcome, exitCode, verdicts })

type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : never) : never
export const checksAgree: [
  Same<z.output<typeof swarmReportSchema>, SwarmReport>,
  Same<z.output<typeof fitnessReportSchema>, FitnessReport>,
] = [true, true]
