import type { Playing } from '../../protocol/program.ts'

/** Why an item ended before its time, or `end`. */
export type RunCause = 'end' | 'skip' | 'goto' | 'failed' | 'stop' | 'interrupted'

/**
 * The lines of a session's as-run log, appended as things happen; `at` is ISO 8601 UTC, `id` the sound's in its plan,
 * `sentMs` what really went to the encoder. `title`: a stream's new title, `sentMs` into the stream.
 */
export type RunLine = { at: string; session: string; occurrence: string; id: string } & (
  | {
      type: 'begun'
      cue: string
      kind: Playing['kind']
      title: string | null
      artist: string | null
      listeners: number
    }
  | { type: 'title'; title: string; artist: string | null; sentMs: number; listeners: number }
  | { type: 'over'; sentMs: number; cause: RunCause; message: string | null }
)

/** One thing that was on air. `reason` is null where it ran to its end, `on air` while it sounds. */
export type RunRow = {
  session: string
  occurrence: string
  cue: string
  kind: Playing['kind']
  /** UTC. */
  startedAt: string
  seconds: number
  title: string | null
  artist: string | null
  listeners: number
  reason: Exclude<RunCause, 'end'> | 'on air' | null
  message: string | null
}

/** An item that is under way, as the journal knows it. */
export type OpenItem = { id: string; sentMs: number }

type Open = RunRow & { beforeMs: number; titleFromMs: number; isOver: boolean }

/**
 * The rows of a log. An item that the end of a host cut and that was taken up again is one row; what had begun and was not over
 * when its host died has the seconds of `open`, the journal's last word.
 */
export const runRows = (
  lines: Iterable<RunLine>,
  open: readonly (OpenItem & { occurrence: string })[] = [],
): RunRow[] => {
  const rows: Open[] = []
  const latest = new Map<string, Open>()
  const keyOf = ({ occurrence, id }: { occurrence: string; id: string }) => `${occurrence} ${id}`
  const setSent = (row: Open, sentMs: number) => {
    row.seconds = seconds(row.beforeMs + Math.max(0, sentMs - row.titleFromMs))
  }
  const begin = (key: string, row: Open) => {
    rows.push(row)
    latest.set(key, row)
  }
  for (const line of lines) {
    const key = keyOf(line)
    const row = latest.get(key)
    if (line.type === 'begun') {
      const isTakenUp = row && (!row.isOver || row.reason === 'interrupted')
      if (isTakenUp)
        Object.assign(row, { beforeMs: row.seconds * 1000, titleFromMs: 0, isOver: false, reason: 'on air' })
      else begin(key, openRow(line))
    } else if (!row) continue
    else if (line.type === 'title') {
      if (row.seconds === 0 && line.sentMs < 1000 && row.beforeMs === 0) {
        Object.assign(row, { title: line.title, artist: line.artist })
        continue
      }
      setSent(row, line.sentMs)
      Object.assign(row, { isOver: true, reason: null })
      const { at, title, artist, listeners } = line
      begin(key, { ...row, startedAt: at, title, artist, listeners, ...fresh, titleFromMs: line.sentMs })
    } else {
      setSent(row, line.sentMs)
      Object.assign(row, { isOver: true, reason: line.cause === 'end' ? null : line.cause, message: line.message })
    }
  }
  for (const item of open) {
    const row = latest.get(keyOf(item))
    if (row && !row.isOver) setSent(row, item.sentMs)
  }
  return rows.map(({ beforeMs, titleFromMs, isOver, ...row }) => row)
}

const fresh = { seconds: 0, beforeMs: 0, titleFromMs: 0, isOver: false, reason: 'on air' as const, message: null }

const openRow = ({
  at,
  session,
  occurrence,
  cue,
  kind,
  title,
  artist,
  listeners,
}: RunLine & { type: 'begun' }): Open => ({
  ...{ session, occurrence, cue, kind, startedAt: at, title, artist, listeners },
  ...fresh,
})

const seconds = (ms: number) => Math.round(ms) / 1000
