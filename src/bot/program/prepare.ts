import type { Place, SessionScript, SoundItem } from '../script/script.ts'
import type { SoundFacts } from '../sound/facts.ts'
import type { Sounds } from '../sound/sounds.ts'
import type { PlannedSound } from './contract.ts'
import { type Planned, type PlanProblem, planOf } from './plan.ts'

/** `problems`: why it cannot be played as it stands, each with its place. `notes`: what was left out, and the like. */
export type Prepared = Planned & { notes: string[] }

type Source = PlannedSound['source']
/** So many files are measured, and texts rendered, at once. */
const AT_ONCE = 4

/**
 * Finds out all that a script's program needs to know before its start: folders and lists are read, files measured, texts
 * rendered (once; then from the cache). `seed` orders what is shuffled, see `planOf`.
 */
export const prepare = async (script: SessionScript, sounds: Sounds, seed: string): Promise<Prepared> => {
  const problems: PlanProblem[] = []
  const notes: string[] = []
  const items = new Map<string, readonly SoundItem[]>()
  const facts = new Map<string, SoundFacts>()
  const failed = (place: Place, error: Error) => problems.push({ place, message: error.message })

  const given = itemsOf(script)
  await each(
    uniqueBy(given, ({ item }) => keyOf(item)),
    async ({ item, place }) => {
      try {
        const found = await sounds.expand(item)
        items.set(keyOf(item), found.items)
        notes.push(...found.notes)
      } catch (error) {
        items.set(keyOf(item), [])
        failed(place, error as Error)
      }
    },
  )
  const sources = given.flatMap(({ item, place }) =>
    items.get(keyOf(item))!.map((one): Sourced => ({ source: { kind: 'item', item: one }, place })),
  )
  await each(
    uniqueBy([...sources, ...ownSourcesOf(script)], ({ source }) => keyOf(source)),
    async ({ source, place }) => {
      try {
        const found = await sounds.factsOf(source)
        facts.set(keyOf(source), found)
        if (found.warning) notes.push(found.warning)
      } catch (error) {
        failed(place, error as Error)
      }
    },
  )

  const planned = planOf(
    script,
    { sound: (source) => facts.get(keyOf(source)), items: (item) => items.get(keyOf(item)) ?? [item] },
    seed,
  )
  return { plan: planned.plan, problems: [...problems, ...planned.problems], notes }
}

type Sourced = { source: Source; place: Place }

const itemsOf = ({ cues, beds }: SessionScript): { item: SoundItem; place: Place }[] => [
  ...cues.flatMap(({ action }) => (action.kind === 'play' ? action.items : [])),
  ...Object.values(beds),
]

const ownSourcesOf = ({ cues }: SessionScript): Sourced[] => [
  { source: { kind: 'shipped-bell' }, place: cues[0]?.place ?? { file: '', line: 1, column: 1 } },
  ...cues.flatMap(({ action, place }): Sourced[] => {
    if (action.kind === 'say') return [{ source: { kind: 'speech', text: action.text, voice: action.voice }, place }]
    if (action.kind !== 'bell' || action.path === null) return []
    return [{ source: { kind: 'item', item: { kind: 'file', path: action.path } }, place }]
  }),
]

const keyOf = (value: Source | SoundItem): string => JSON.stringify(value, parts)
// In this order, whoever made the value.
const parts = ['kind', 'item', 'path', 'url', 'text', 'voice']

const uniqueBy = <T>(all: readonly T[], key: (one: T) => string): T[] => [
  ...new Map(all.map((one) => [key(one), one])).values(),
]

const each = async <T>(all: readonly T[], work: (one: T) => Promise<void>): Promise<void> => {
  const queue = [...all]
  const worker = async () => {
    for (let one = queue.shift(); one !== undefined; one = queue.shift()) await work(one)
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
}
