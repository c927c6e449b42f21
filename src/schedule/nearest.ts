/** The name that was perhaps meant: the one with the fewest letters wrong, if they are few. */
export const nearest = (typed: string, names: readonly string[]): string | undefined => {
  const wrong = names.map((name) => editsBetween(typed.toLowerCase(), name.toLowerCase()))
  const fewest = Math.min(...wrong)
  return fewest <= Math.max(1, Math.floor(typed.length / 4)) ? names[wrong.indexOf(fewest)] : undefined
}

/** Insertions, deletions, replacements and swaps of neighbours (optimal string alignment). */
const editsBetween = (a: string, b: string): number => {
  const rows = [Array.from({ length: b.length + 1 }, (_, index) => index)]
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const above = rows[i - 1] as number[]
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      const swap = isSwap ? (rows[i - 2] as number[])[j - 2]! + 1 : Number.POSITIVE_INFINITY
      row.push(Math.min(above[j]! + 1, row[j - 1]! + 1, above[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1), swap))
    }
    rows.push(row)
  }
  return rows[a.length]![b.length]!
}
