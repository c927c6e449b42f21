import { access, readdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { type RunLine, type RunRow, runRows } from '../bot/host/as-run.ts'
import { readJournal } from '../bot/host/journal.ts'
import { readRunLog } from '../bot/host/run-log.ts'
import { loadScript } from '../bot/script/load.ts'
import { sessionsFolderOf } from './bot-folders.ts'
import type { BotLogOptions } from './commands/bot-host.ts'
import type { Context } from './context.ts'
import { failure } from './failure.ts'

/** What was on air: a row for each thing, of one session or of all that were hosted here. */
export const botLog = async (context: Context, given: string | undefined, options: BotLogOptions): Promise<void> => {
  if (options.csv && options.json) throw failure('bad-input', '--csv and --json are two forms of the same: choose one')
  const fromMs = instantOf(options.from, '--from', 'start') ?? Number.NEGATIVE_INFINITY
  const toMs = instantOf(options.to, '--to', 'end') ?? Number.POSITIVE_INFINITY
  if (toMs <= fromMs) throw failure('bad-input', '--to is before --from')
  const folder = sessionsFolderOf(context)
  const names = given === undefined ? await readdir(folder).catch(() => []) : [await nameOf(context, given)]
  const rows: RunRow[] = []
  for (const name of names) rows.push(...(await rowsOf(join(folder, name))))
  if (given !== undefined && rows.length === 0 && !(await isThere(join(folder, names[0]!))))
    throw failure('not-found', `no session "${names[0]}" was hosted here`)
  const wanted = rows
    .filter(({ startedAt }) => Date.parse(startedAt) >= fromMs && Date.parse(startedAt) < toMs)
    .sort((a, b) => a.startedAt.localeCompare(b.startedAt))
  tell(context, wanted, options)
}

const nameOf = async (context: Context, given: string): Promise<string> =>
  /\.ya?ml$/.test(given) ? (await loadScript(resolve(context.workingFolder, given))).name : given

const rowsOf = async (folder: string): Promise<RunRow[]> => {
  const file = join(folder, 'as-run.jsonl')
  if (!(await isThere(file))) return []
  const lines: RunLine[] = []
  for await (const line of readRunLog(file)) lines.push(line)
  const journal = await readJournal(join(folder, 'journal.json'))
  const rows = runRows(lines, journal?.open.map((item) => ({ ...item, occurrence: journal.occurrence })) ?? [])
  const isOnAir = journal !== null && journal.phase !== 'over' && Date.now() - journal.writtenMs < FRESH_MS
  const isNow = ({ occurrence }: RunRow) => isOnAir && occurrence === journal.occurrence
  // Its host died, and none came after it.
  return rows.map((row) => (row.reason === 'on air' && !isNow(row) ? { ...row, reason: 'interrupted' } : row))
}

/** A host writes its journal every second. */
const FRESH_MS = 10_000

const isThere = (path: string) =>
  access(path).then(
    () => true,
    () => false,
  )

const tell = ({ output }: Context, rows: RunRow[], { csv, json }: BotLogOptions): void => {
  if (json) output.json({ rows })
  else if (csv)
    for (const line of [columns, ...rows.map((row) => columns.map((column) => String(row[column] ?? '')))])
      output.line(line.map(csvField).join(','))
  else if (rows.length === 0) output.note('Nothing was on air.')
  else tellTable(output, rows)
}

const tellTable = (output: Context['output'], rows: RunRow[]): void =>
  output.table(
    ['start', 'seconds', 'what', 'listeners', 'reason'],
    rows.map(({ startedAt, seconds, title, artist, cue, kind, listeners, reason }) => [
      startedAt.slice(0, 19).replace('T', ' '),
      seconds.toFixed(1),
      [artist, title ?? `${cue} (${kind})`].filter(Boolean).join(' – '),
      String(listeners),
      reason ?? '',
    ]),
  )

const columns = [
  'session',
  'occurrence',
  'startedAt',
  'seconds',
  'kind',
  'cue',
  'title',
  'artist',
  'listeners',
  'reason',
  'message',
] as const

/** RFC 4180. */
const csvField = (text: string): string => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text)

/** A day in UTC, whole where it is the end, or an instant. */
const instantOf = (text: string | undefined, option: string, edge: 'start' | 'end'): number | undefined => {
  if (text === undefined) return undefined
  const isDay = /^\d{4}-\d{2}-\d{2}$/.test(text)
  const ms = Date.parse(isDay || /([zZ]|[+-]\d\d:\d\d)$/.test(text) ? text : `${text}Z`)
  if (Number.isNaN(ms))
    throw failure(
      'bad-input',
      `${option} wants a day or a time in UTC such as 2027-03-01 or 2027-03-01T07:00, not "${text}"`,
    )
  return isDay && edge === 'end' ? ms + 86_400_000 : ms
}
