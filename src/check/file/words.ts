import { dirname, resolve } from 'node:path'
import type { Place, Problem } from '../../yaml/problem.ts'
import { meant, quoted } from '../../yaml/problem.ts'
import { timeMsOf } from '../../yaml/times.ts'
import type { NetworkPlan, SoundPlan } from '../contract.ts'

/** What reading a sentence of a check needs: `refuse` adds a problem at its place, and gives undefined. */
export type Reading = {
  file: string
  actors: readonly string[]
  refuse(message: string): undefined
}

export const readingAt = (
  { file, actors, problems }: { file: string; actors: readonly string[]; problems: Problem[] },
  place: Place,
): Reading => ({
  file,
  actors,
  refuse: (message) => {
    problems.push({ place, message })
    return undefined
  },
})

/** An actor of that name, or the problem. */
export const actorOf = (word: string, { actors, refuse }: Reading): string | undefined =>
  actors.includes(word) ? word : refuse(`there is no actor ${quoted(word)}:${meant(word, actors)}`)

/** Words; what stands in double quotes is one, without them. */
export const wordsOf = (text: string): string[] =>
  [...text.matchAll(/"([^"]*)"|(\S+)/g)].map(([, inQuotes, word]) => inQuotes ?? word!)

export const durationOf = (text: string, { refuse }: Reading): number | undefined =>
  timeMsOf(text) ?? refuse(`${quoted(text)} is no time: write one such as 500ms, 3s or 1m30s`)

/** `5%` as 0.05. */
export const shareOf = (text: string): number => Number.parseFloat(text) / 100

const TONE = /^tone\s+(\d+(?:\.\d+)?)\s*Hz(?:\s+(-?\d+(?:\.\d+)?)\s*dB(?:FS)?)?$/i
const MARKERS_EVERY_MS = 1000
const MAX_MARKERS = 16

/** `tone 523Hz -20dBFS`, `markers`, or a file beside the check. */
export const soundOf = (text: string, speaker: string, reading: Reading): SoundPlan | undefined => {
  if (/^markers?$/i.test(text)) {
    const id = reading.actors.indexOf(speaker)
    if (id >= MAX_MARKERS) return reading.refuse(`markers are told apart for the first ${MAX_MARKERS} actors alone`)
    return { kind: 'markers', id, everyMs: MARKERS_EVERY_MS }
  }
  if (!/^tone\b/i.test(text)) return { kind: 'file', path: resolve(dirname(reading.file), text) }
  const found = TONE.exec(text)
  if (!found) return reading.refuse(`${quoted(text)} is no tone: write it as tone 523Hz -20dBFS`)
  const [hz, levelDb] = [Number(found[1]), Number(found[2] ?? -20)]
  if (hz < 50 || hz > 8000)
    return reading.refuse(`a tone that is to be heard through Opus has 50 to 8000 Hz, not ${hz}`)
  if (levelDb < -50 || levelDb > -3.01) return reading.refuse(`a tone has -50 to -3.01 dBFS, not ${levelDb}`)
  return { kind: 'tone', hz, levelDb }
}

/** `loss 5% jitter 30ms delay 60ms`, each of them optional. */
export const networkOf = (words: readonly string[], reading: Reading): NetworkPlan | undefined => {
  const network: NetworkPlan = { lossShare: 0, jitterMs: 0, delayMs: 0 }
  for (let at = 0; at < words.length; at += 2) {
    const [what, value = ''] = [words[at]!, words[at + 1]]
    if (what === 'loss') {
      if (!/^\d+(\.\d+)?%$/.test(value)) return reading.refuse(`loss is a percentage such as 5%, not ${quoted(value)}`)
      network.lossShare = shareOf(value)
    } else if (what === 'jitter' || what === 'delay') {
      const ms = durationOf(value, reading)
      if (ms === undefined) return undefined
      network[`${what}Ms`] = ms
    } else return reading.refuse(`${quoted(what)} is nothing a network has:${meant(what, ['loss', 'jitter', 'delay'])}`)
  }
  return checkedNetwork(network, reading)
}

export const checkedNetwork = (network: NetworkPlan, { refuse }: Reading): NetworkPlan | undefined => {
  if (network.lossShare > 1) return refuse('no more than 100% can be lost')
  if (network.delayMs + network.jitterMs > 10_000) return refuse('more than 10 s of delay is no network')
  return network
}
