import { type CueKind, cueKinds } from '../protocol/cues.ts'

/** Reads `all`, `none` or kinds with commas between; unknown ones are left out: see `checkCues`. */
export const readCues = (setting: string): CueKind[] => {
  const words = split(setting)
  return cueKinds.filter((kind) => words.includes('all') || words.includes(kind))
}

/** What is wrong with such a text; undefined when nothing is. */
export const checkCues = (setting: string): string | undefined => {
  const words = split(setting)
  const isAlone = words.length === 1 && ['all', 'none'].includes(words[0]!)
  const isFitting = isAlone || words.every((word) => cueKinds.some((kind) => kind === word))
  return isFitting ? undefined : `must be all, none, or some of ${cueKinds.join(',')}`
}

/** The setting after one kind was switched. */
export const switchCue = (setting: string, kind: CueKind, isOn: boolean): string => {
  const on = new Set(readCues(setting))
  if (isOn) on.add(kind)
  else on.delete(kind)
  if (on.size === 0) return 'none'
  return on.size === cueKinds.length ? 'all' : cueKinds.filter((each) => on.has(each)).join(',')
}

const split = (setting: string): string[] => setting.split(',').map((word) => word.trim())
