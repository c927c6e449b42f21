import { resolve } from 'node:path'
import { type Checked, type CheckedCue, type CheckedProgram, checkScript, sittingsOf } from '../bot/script/check.ts'
import { loadScript } from '../bot/script/load.ts'
import type { SessionScript } from '../bot/script/script.ts'
import { missingPrograms } from '../bot/watch/alert-programs.ts'
import type { Occurrence } from '../schedule/schedule.ts'
import { inOrder, type Problem, placeText, problemLine, type ScriptError } from '../yaml/problem.ts'
import { timeText } from '../yaml/times.ts'
import { soundsFor } from './bot-sounds.ts'
import type { BotCheckOptions } from './commands/bot-check.ts'
import type { Context } from './context.ts'

const SITTINGS = 5

type Report = {
  script: SessionScript | null
  checked: Checked[]
  next: Occurrence[]
  problems: Problem[]
  warnings: string[]
}

/** Proves a script and prints its program as it will run; exit code 2 where something is wrong with it. */
export const botCheck = async (context: Context, path: string, options: BotCheckOptions): Promise<void> => {
  const report = await reportOf(context, resolve(context.workingFolder, path), options.variant)
  if (options.json) context.output.json(documentOf(report, context.workingFolder))
  else print(report, context)
  if (report.problems.length > 0) context.exitWith(2)
}

const reportOf = async (context: Context, file: string, variant: string | undefined): Promise<Report> => {
  const problems: Problem[] = []
  const load = (name: string | undefined) =>
    loadScript(file, { variant: name }).catch((error: ScriptError) => {
      if (error.code !== 'bad-script') throw error
      problems.push(...error.problems)
    })
  const first = await load(variant)
  const others = variant === undefined && first ? first.variants.filter((name) => name !== first.variant) : []
  const scripts = [first, ...(await Promise.all(others.map(load)))].filter((script) => script !== undefined)
  const checked: Checked[] = []
  for (const script of scripts) checked.push(await check(context, script))
  if (scripts[0]) problems.push(...(await missingPrograms(scripts[0], context.env.PATH ?? '')))
  const durationMs = Math.max(0, ...checked.map(({ program }) => program.durationMs ?? 0))
  const sittings = scripts[0] && sittingsOf(scripts[0], { nowMs: Date.now(), count: SITTINGS, durationMs })
  return {
    script: scripts[0] ?? null,
    checked,
    next: sittings?.next ?? [],
    problems: inOrder([...problems, ...checked.flatMap((each) => each.problems)], file),
    warnings: [...new Set([...checked.flatMap((each) => each.warnings), ...(sittings?.warnings ?? [])])],
  }
}

const check = async (context: Context, script: SessionScript): Promise<Checked> => {
  const sounds = soundsFor(context, script)
  try {
    return await checkScript(script, sounds)
  } finally {
    await sounds.close()
  }
}

const documentOf = ({ script, checked, next, problems, warnings }: Report, folder: string) => ({
  ok: problems.length === 0,
  session: script?.name ?? null,
  file: script?.file ?? null,
  problems: problems.map(({ place, message }) => ({ ...place, message })),
  warnings,
  next: next.map(({ atMs, local }) => ({ at: new Date(atMs).toISOString(), local })),
  programs: checked.map(({ program: { cues, ...program } }) => ({
    ...program,
    cues: cues.map(({ place, ...cue }) => ({ ...cue, place: placeText(place, folder) })),
  })),
})

const print = ({ script, checked, next, problems, warnings }: Report, { output, workingFolder }: Context) => {
  for (const [index, { program }] of checked.entries()) {
    if (index > 0) output.line('')
    output.line(output.paint('bold', headOf(script!, program)))
    const rows = program.cues.map(rowOf)
    if (output.isPlain) output.table(LABELS, rows)
    else output.table(LABELS, [LABELS.map((label) => label.toUpperCase()), ...rows])
  }
  if (next.length > 0)
    output.line(`\nNext: ${next.map(({ local }) => sittingText(local)).join(', ')} (${script!.schedule!.zone})`)
  for (const warning of warnings) output.note(`warning: ${warning}`)
  for (const problem of problems) output.needed(`roomtone: ${problemLine(problem, workingFolder)}`)
  if (problems.length === 0) output.line(`\n${script!.name} is in order.`)
}

const headOf = ({ name }: SessionScript, { variant, title, channels, durationMs }: CheckedProgram) => {
  const length = durationMs === null ? 'without end' : timeText(durationMs)
  return `${name}${variant === null ? '' : ` ${variant}`}: "${title}", ${length}, ${channels === 2 ? 'stereo' : 'mono'}`
}

const LABELS = ['time', 'length', 'loudness', 'cue', 'what']
const LONGEST_WHAT = 60

const rowOf = ({ atMs, kind, lengthMs, lufs, cue, title, what }: CheckedCue): string[] => [
  atMs === null ? '-' : timeText(atMs),
  lengthMs === null ? (kind === 'bed' ? '' : '-') : timeText(lengthMs),
  lufs === null ? '' : `${lufs.toFixed(1)} LUFS`,
  cue,
  shortened(title === null ? what : `${what}: ${title}`),
]

const shortened = (text: string) => {
  const letters = [...text]
  return letters.length > LONGEST_WHAT ? `${letters.slice(0, LONGEST_WHAT - 1).join('')}…` : text
}

/** `2027-03-01 07:00`, seconds only where there are some. */
const sittingText = (local: string) => local.replace('T', ' ').replace(/:00$/, '')
