/** The name that was perhaps meant: the one with the fewest letters wrong, if they are few. */
export const nearest = (typed: string, names: readonly string[]): string | undefined => {
  const wrong = names.map((name) => editsBetween(typed.toLowerCase(), name.toLowerCase()))
  const fewest = Math.min(...wrong)
  return fewest <= Math.max(1, Math.floor(typed.length / 4)) ? names[wrong.indexOf(fewest)] : undefined
}

/** Levenshtein's distance. */
const editsBetween = (a: string, b: string): number => {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (const [i, letter] of [...a].entries()) {
    const next = [i + 1]
    for (let j = 0; j < b.length; j++)
      next.push(Math.min(row[j + 1]! + 1, next[j]! + 1, row[j]! + (letter === b[j] ? 0 : 1)))
    row = next
  }
  return row.at(-1) as number
}
