import { resolve } from 'node:path'
import { loadCheck } from '../check/file/load.ts'
import { type RunOptions, runCheck } from '../check/run/run.ts'
import type { ScriptError } from '../yaml/problem.ts'
import { openCheckServer } from './check-server.ts'
import type { Context } from './context.ts'
import { entryOf } from './entries.ts'
import { refusalOf } from './script-file.ts'

export type CheckRunOptions = { url?: string; json?: boolean }

/** Runs a check file and prints the verdict. */
export const checkRun = async (context: Context, path: string, options: CheckRunOptions): Promise<void> => {
  const file = resolve(context.workingFolder, path)
  const { plan } = await loadCheck(file, { livekit: options.url }).catch((error: ScriptError) => {
    throw error.code === 'bad-script' ? refusalOf(context, error.problems) : error
  })
  const server: RunOptions['server'] = { plane: 'room', server: await openCheckServer(context) }
  const evidence = await runCheck({
    plan,
    server,
    actorEntry: entryOf('check-actor'),
    onStep: (step, record) => context.output.note(`${step.text} ${JSON.stringify(record)}`),
  })
  for (const one of evidence.hearings)
    for (const track of one.tracks)
      context.output.line(
        `${one.listener} <- ${one.speaker} ${JSON.stringify(one.muted)} ${track.fromMs} ${track.untilMs} ${track.sound.kind === 'decoded' ? JSON.stringify(track.sound.pieces.map(({ atMs, samples }) => [atMs, samples.length / 48])) : ''}`,
      )
  for (const one of evidence.spoken)
    context.output.line(
      `${one.actor} spoke ${JSON.stringify(one.pieces.map(({ atMs, samples }) => [atMs, samples.length / 48]))} ${JSON.stringify(one.stalls)}`,
    )
  context.output.line(JSON.stringify([evidence.health, evidence.actors, evidence.cutShort], null, 1))
}
