import { type Model, type Step, step } from './model.ts'

/** Before a held key repeats itself a keyboard waits, up to a second; then it repeats at least ten times a second. */
const firstRepeatMs = 1000
const repeatMs = 300

/**
 * Push-to-talk: open while the key is held. Where the terminal tells of releases that is exact; elsewhere a key counts as
 * held as long as its repetitions come.
 */
export const beginTalking = (model: Model, key: string): Step => {
  const begun: Model = { ...model, talking: { key } }
  const talk = { do: 'command', command: { verb: 'talk', on: true } } as const
  return model.tellsReleases ? step(begun, talk) : step(begun, talk, { do: 'let-go-after', ms: firstRepeatMs })
}

/** The held key once more. */
export const holdOn = (model: Model): Step => {
  if (!model.talking || model.tellsReleases) return step(model)
  return step(model, { do: 'let-go-after', ms: repeatMs })
}

export const endTalking = (model: Model): Step =>
  model.talking === null
    ? step(model)
    : step({ ...model, talking: null }, { do: 'command', command: { verb: 'talk', on: false } })
