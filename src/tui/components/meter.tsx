import { Say, type Tone } from '../theme.tsx'

const cells = ['▁', '▂', '▃', '▅', '▆', '▇']
/** Softest level that shows, and the width of one step. */
const floorDb = -54
const stepDb = 8

/** Six columns that rise with the level; dots where there is none. */
export const Meter = ({ levelDb, tone = 'good' }: { levelDb: number; tone?: Tone }) => {
  const lit = litCells(levelDb)
  return <Say tone={lit === 0 ? 'dim' : tone}>{cells.map((cell, index) => (index < lit ? cell : '·')).join('')}</Say>
}

/** 0 for silence, 6 for -14 dBFS and louder. */
export const litCells = (levelDb: number): number =>
  Math.min(cells.length, Math.max(0, Math.ceil((levelDb - floorDb) / stepDb)))

export const decibels = (levelDb: number): string => `${Math.round(levelDb)} dB`
