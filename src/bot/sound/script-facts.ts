import type { PlannedSound } from '../program/contract.ts'
import type { PlanFacts } from '../program/plan.ts'
import type { Place, SessionScript, SoundItem } from '../script/script.ts'
import type { SoundFacts } from './facts.ts'
import type { Expanded } from './lists.ts'
import type { Sounds } from './sounds.ts'

type Said = { place: Place; message: string }

export type ScriptFacts = {
  facts: PlanFacts
  /** What cannot be played, by the place that asks for it; each one sentence. */
  problems: Said[]
  /** What can be played but is not as it should be: a truncated file, one that is left out. */
  warnings: Said[]
}

type Source = PlannedSound['source']

/**
 * All that is to be known before the start of a script: folders and lists are looked up, files measured, texts rendered,
 * stations asked. With warm caches that is a look at each file. Never throws.
 */
export const factsOfScript = async (script: SessionScript, sounds: Sounds): Promise<ScriptFacts> => {
  const problems: Said[] = []
  const warnings: Said[] = []
  const found = new Map<string, SoundFacts>()
  const expanded = new Map<string, Expanded>()
  const asked = new Map<string, Promise<void>>()

  /** Each is asked once; where it fails, the first place that asks for it is told. */
  const once = (key: string, place: Place, ask: () => Promise<void>) => {
    const running =
      asked.get(key) ?? ask().catch((error: Error) => void problems.push({ place, message: error.message }))
    asked.set(key, running)
    return running
  }
  const askSound = (source: Source, place: Place) =>
    once(`sound ${keyOf(source)}`, place, async () => {
      const facts = await sounds.factsOf(source)
      found.set(keyOf(source), facts)
      if (facts.warning) warnings.push({ place, message: facts.warning })
    })
  const askItem = async (item: SoundItem, place: Place) => {
    await once(keyOf(item), place, async () => {
      const what = await sounds.expand(item)
      expanded.set(keyOf(item), what)
      warnings.push(...what.notes.map((message) => ({ place, message })))
    })
    const { items } = expanded.get(keyOf(item)) ?? { items: [] }
    await Promise.all(items.map((one) => askSound({ kind: 'item', item: one }, place)))
  }

  await Promise.all([
    askSound({ kind: 'shipped-bell' }, startOf(script.file)),
    ...Object.values(script.beds).map(({ item, place }) => askItem(item, place)),
    ...script.cues.map(async ({ action, place }) => {
      if (action.kind === 'say') await askSound({ kind: 'speech', text: action.text, voice: action.voice }, place)
      if (action.kind === 'bell' && action.path !== null) await askItem({ kind: 'file', path: action.path }, place)
      if (action.kind === 'play') await Promise.all(action.items.map((one) => askItem(one.item, one.place)))
    }),
  ])
  return {
    facts: {
      sound: (source) => found.get(keyOf(source)),
      items: (item) => expanded.get(keyOf(item))?.items ?? [],
    },
    problems: inOrder(problems),
    warnings: inOrder(warnings),
  }
}

const keyOf = (what: Source | SoundItem): string => {
  if (what.kind === 'item') return keyOf(what.item)
  if (what.kind === 'speech') return JSON.stringify(['speech', what.text, what.voice ?? null])
  return JSON.stringify([what.kind, 'path' in what ? what.path : 'url' in what ? what.url : null])
}

const startOf = (file: string): Place => ({ file, line: 1, column: 1 })

const inOrder = (said: Said[]): Said[] =>
  said.sort(
    (a, b) =>
      a.place.file.localeCompare(b.place.file) || a.place.line - b.place.line || a.place.column - b.place.column,
  )
