import { dirname, resolve } from 'node:path'
import { meant, quoted } from '../../yaml/problem.ts'
import type { HearLimits, Moment, StepPlan } from '../contract.ts'
import { durationOf, type Reading } from './words.ts'

export type MomentReading = Reading & { steps: readonly StepPlan[] }

/** `"ana mutes bob" + 500ms`, `"ana mutes bob"`, the name of a step, or a time since the run began. */
export const momentOf = (text: string, reading: MomentReading): Moment | undefined => {
  const found = /^(?:"([^"]+)"|'([^']+)'|(.*?))(?:\s*\+\s*(\d\S*))?$/.exec(text.trim())
  const said = (found?.[1] ?? found?.[2] ?? found?.[3] ?? '').trim()
  const offsetMs = found?.[4] === undefined ? 0 : durationOf(found[4], reading)
  if (offsetMs === undefined) return undefined
  if (/^\d/.test(said)) {
    const ms = durationOf(said, reading)
    return ms === undefined ? undefined : { step: null, offsetMs: ms + offsetMs }
  }
  const step = stepOf(said, reading)
  return step === undefined ? undefined : { step, offsetMs }
}

const stepOf = (said: string, { steps, refuse }: MomentReading): number | undefined => {
  const byName = steps.find(({ name }) => name === said)
  if (byName) return byName.index
  const same = steps.filter(({ text }) => text === said)
  if (same.length === 1) return same[0]!.index
  if (same.length > 1)
    return refuse(`${quoted(said)} is done ${same.length} times: give the step a name, {do: …, name: …}`)
  const known = steps.flatMap(({ name, text }) => (name === null ? [text] : [name, text]))
  return refuse(`no step is called ${quoted(said)}:${meant(said, known)}`)
}

/** `2s`, or `1s of "bob unmutes"`. */
export const withinOf = (text: string, reading: MomentReading): HearLimits['within'] | undefined => {
  const [, time = '', moment] = /^(\S+)(?:\s+of\s+(.+))?$/.exec(text.trim()) ?? []
  const ms = durationOf(time, reading)
  if (ms === undefined) return undefined
  if (moment === undefined) return { ms, of: null }
  const of = momentOf(moment, reading)
  return of && { ms, of }
}

/** `-20 +-3 dB`. */
export const levelOf = (text: string, { refuse }: Reading): HearLimits['level'] | undefined => {
  const found = /^(-?\d+(?:\.\d+)?)\s*(?:dB(?:FS)?)?\s*(?:\+-|\+\/-|±)\s*(\d+(?:\.\d+)?)\s*dB$/i.exec(text.trim())
  if (!found) return refuse(`${quoted(text)} is no level: write it as -20 +-3 dB`)
  return { db: Number(found[1]), toleranceDb: Number(found[2]) }
}

/** `phrase.wav >= 0.85`, `>= 0.85` or 0.85: like what was said. */
export const likeOf = (given: string | number, { file, refuse }: Reading): HearLimits['like'] | undefined => {
  const found = /^(?:(?:(\S.*?)\s*)?>=\s*)?(\d(?:\.\d+)?)$/.exec(String(given).trim())
  const atLeast = Number(found?.[2] ?? Number.NaN)
  if (!(atLeast >= 0 && atLeast <= 1))
    return refuse(`${quoted(given)} is no likeness: write phrase.wav >= 0.85, or a number from 0 to 1`)
  return { path: found?.[1] === undefined ? null : resolve(dirname(file), found[1]), atLeast }
}
