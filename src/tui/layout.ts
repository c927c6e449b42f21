import type { SeatState } from '../protocol/seat.ts'
import { helpLines } from './bindings.ts'
import type { Model } from './model.ts'
import { isModerator } from './people.ts'
import { fitting, widthOf } from './width.ts'

export type PageLayout = { hasHeader: boolean; hasRules: boolean; newsRows: number; bodyRows: number }

/** What all screens share: header, body, news, keys. On a few rows the rules go first, then the header. */
export const pageLayout = (model: Model, logRows: number, hasFixedLine: boolean): PageLayout => {
  const height = Math.max(1, model.rows)
  const hasRules = height >= 18
  const hasHeader = height >= 5
  const needsNews = logRows > 0 || model.notice !== null || ['prompt', 'confirm'].includes(model.overlay?.kind ?? '')
  const newsRows = needsNews && height >= 4 ? messageRows(model, hasRules ? logRows : Math.min(1, logRows)) : 0
  const rules = hasRules ? 2 + (newsRows > 0 && hasFixedLine ? 1 : 0) : hasHeader ? 1 : 0
  const fixed = (hasHeader ? 1 : 0) + newsRows + (hasFixedLine ? 1 : 0) + (height >= 2 ? 1 : 0) + rules
  return { hasHeader, hasRules, newsRows, bodyRows: Math.max(0, height - fixed) }
}

/** Rows that the place for questions and news takes. */
const messageRows = ({ overlay, columns }: Model, logRows: number): number => {
  if (overlay?.kind === 'confirm') return Math.max(logRows, 1 + (columns < 70 ? overlay.choices.length : 0))
  return Math.max(1, logRows)
}

export type HelpLayout = { lines: HelpLine[]; across: number; keyColumns: number; perColumn: number; pages: number }
type HelpLine = { keys: string; help: string }

/** The keys of the screen below: in two columns where these fit whole and one is not enough, in pages where it takes more. */
export const helpLayout = (model: Model): HelpLayout => {
  const { keyTable, screen, columns } = model
  const inRoom = screen === 'room'
  const rows = Math.max(1, pageLayout(model, inRoom ? roomLogRows(model) : 0, inRoom).bodyRows - 1)
  const keyColumns = columns < 60 ? 10 : 20
  const lines = helpLines(keyTable, screen).map(({ keys, help }) => ({
    keys: fitting(keys, keyColumns, 1, (key) => key).join(' '),
    help,
  }))
  const wanted = keyColumns + 2 + Math.max(...lines.map(({ help }) => widthOf(help)))
  const across = lines.length > rows && columns >= 2 * wanted + 4 ? 2 : 1
  const pages = Math.ceil(lines.length / (rows * across))
  return { lines, across, keyColumns, perColumn: pages === 1 ? Math.ceil(lines.length / across) : rows, pages }
}

export const roomLogRows = ({ rows }: Model): number => (rows >= 34 ? 3 : 1)

/** Columns of a name in the audience, with the gap behind it. */
export const nameColumns = 14

/**
 * Where the parts of a room stand. The side holds hands, menu or the chosen person's card; in a wide room the audience has
 * the whole width below, else the column of the stage.
 */
export type RoomLayout = {
  isWide: boolean
  /** 0: there is no side; hands then stand between stage and audience. */
  sideColumns: number
  sideRows: number
  stageColumns: number
  stageRows: number
  handRows: number
  audienceColumns: number
  /** With its heading. */
  audienceRows: number
  /** Names to a line, and to a page. */
  perLine: number
  perPage: number
}

export const roomLayout = (model: Model, seat: SeatState): RoomLayout => {
  const { columns } = model
  const { bodyRows: rows } = pageLayout(model, roomLogRows(model), true)
  const isWide = columns >= 100 && rows >= 16
  const hasMenu = model.overlay?.kind === 'menu'
  const hasSide = columns >= 64 && (hasMenu || isModerator(seat) || (columns >= 100 && model.focus !== null))
  const sideColumns = hasSide ? Math.min(56, Math.floor(columns * 0.42)) : 0
  const stageColumns = columns - sideColumns
  const parts = isWide ? wideRows(seat, rows) : narrowRows(seat, rows, hasSide)
  const audienceColumns = isWide ? columns : stageColumns
  const perLine = Math.max(1, Math.floor((audienceColumns - 3) / nameColumns))
  const perPage = Math.max(1, perLine * (parts.audienceRows - 1))
  return { isWide, sideColumns, stageColumns, audienceColumns, ...parts, perLine, perPage }
}

type Rows = Pick<RoomLayout, 'sideRows' | 'stageRows' | 'handRows' | 'audienceRows'>

/** The upper half is for those on stage and the side, as far as they need it; the audience has the rest. */
const wideRows = ({ hands, counts }: SeatState, rows: number): Rows => {
  const wanted = Math.max(counts.speakers + 2, hands.length + 9, 12)
  const upper = Math.min(wanted, Math.max(Math.floor(rows / 2), rows - Math.ceil(counts.listeners / 6) - 1))
  return { sideRows: upper, stageRows: upper, handRows: 0, audienceRows: rows - upper }
}

const narrowRows = ({ hands, counts }: SeatState, rows: number, hasSide: boolean): Rows => {
  // The stage has the first claim, the count of the audience the last row.
  const stageWants = Math.min(Math.max(1, counts.speakers) + 1, rows - 1)
  const handSpace = Math.min(hands.length + 1, 4, rows - stageWants - 1)
  const handRows = !hasSide && hands.length > 0 && handSpace >= 2 ? handSpace : 0
  const audienceRows = audienceHeight(rows, counts, handRows)
  return { sideRows: rows, stageRows: Math.max(1, rows - handRows - audienceRows), handRows, audienceRows }
}

/** Rows for the audience: what the stage leaves, at least a third of a tall body, at least the count in any. */
const audienceHeight = (rows: number, { speakers, listeners }: SeatState['counts'], takenRows: number): number => {
  const space = rows - takenRows
  // A row of air between stage and audience, where there is one to spare.
  const left = space - (Math.max(1, speakers) + 1) - (rows >= 12 ? 1 : 0)
  const least = rows >= 12 ? Math.min(Math.floor(rows / 3), listeners + 1) : 1
  return Math.min(Math.max(0, space - 2), Math.max(least, left))
}
