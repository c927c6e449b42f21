/** The value that `fraction` of all do not exceed (nearest rank); throws where there are none. */
export const percentileOf = (values: number[], fraction: number): number => {
  if (values.length === 0) throw new Error('nothing was measured')
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(sorted.length * fraction) - 1)]!
}

export const medianOf = (values: number[]): number => percentileOf(values, 0.5)

/** Takes each in turn, `rounds` times, so that what the machine does besides meets all alike. */
export const inTurn = async <Name extends string>(
  rounds: number,
  takes: Record<Name, (round: number) => Promise<number>>,
): Promise<Record<Name, number[]>> => {
  const names = Object.keys(takes) as Name[]
  const taken = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<Name, number[]>
  for (let round = 0; round < rounds; round += 1) for (const name of names) taken[name].push(await takes[name](round))
  return taken
}
