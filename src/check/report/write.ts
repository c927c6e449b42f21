import { access, constants, mkdir, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { bytesOf } from '../../audio/pcm-bytes.ts'
import { wavHeader } from '../../audio/sinks/file.ts'
import type { Evidence, Report, SoundPiece } from '../contract.ts'
import { htmlOf } from './html.ts'
import { junitOf } from './junit.ts'
import { type ReportKind, reportKinds } from './kinds.ts'
import { markdownOf } from './markdown.ts'
import { prometheusOf } from './prometheus.ts'
import { timelineOf } from './timeline.ts'

/** Where which report goes; paths are absolute. */
export type ReportPaths = Partial<Record<ReportKind, string>>

/** Throws an Error with code `bad-input` where a report could not be written: to be asked before anything is judged. */
export const checkReportPaths = async (paths: ReportPaths): Promise<void> => {
  for (const path of Object.values(paths)) {
    const isFolder = await stat(path).then(
      (found) => found.isDirectory(),
      () => false,
    )
    if (isFolder) throw badPath(`${path} is a folder, and a report is a file`)
    const writable = await access(dirname(path), constants.W_OK).then(
      () => true,
      () => false,
    )
    if (!writable)
      throw badPath(`no report can be written to ${path}: its folder is missing, or is not yours to write to`)
  }
}

/** The folder is made where it is missing. Throws like `checkReportPaths`. */
export const checkAudioFolder = async (folder: string): Promise<void> => {
  const isWritable = await mkdir(folder, { recursive: true })
    .then(() => access(folder, constants.W_OK))
    .then(
      () => true,
      () => false,
    )
  if (!isWritable) throw badPath(`no sound can be kept in ${folder}: it is no folder that you may write to`)
}

const badPath = (message: string) => Object.assign(new Error(message), { code: 'bad-input' })

export const writeReports = async (paths: ReportPaths, report: Report, evidence: Evidence): Promise<void> => {
  const texts: Record<ReportKind, () => string> = {
    junit: () => junitOf(report),
    json: () => `${JSON.stringify(report, null, 2)}\n`,
    html: () => htmlOf(report, evidence),
    md: () => markdownOf(report),
    prom: () => prometheusOf(report),
  }
  for (const kind of reportKinds) {
    const path = paths[kind]
    if (path !== undefined) await writeFile(path, texts[kind]())
  }
}

/**
 * What each listener heard of each speaker, and what speakers said, as WAV files of the run's length, and the timeline as
 * text. Who was not started by the run has not agreed to be kept: their sound is written only with `strangers`.
 */
export const writeAudio = async (
  folder: string,
  report: Report,
  evidence: Evidence,
  options: { externals: readonly string[]; strangers: boolean },
): Promise<void> => {
  await writeFile(join(folder, 'timeline.txt'), timelineOf(report, evidence))
  for (const { actor, pieces } of evidence.spoken)
    if (pieces.length > 0) await writeFile(join(folder, fileName(`${actor} says`)), wavOf(pieces, evidence.durationMs))
  for (const { listener, speaker, isStranger, tracks } of evidence.hearings) {
    if ((isStranger || options.externals.includes(speaker)) && !options.strangers) continue
    const pieces = tracks.flatMap(({ sound }) => (sound.kind === 'decoded' ? sound.pieces : []))
    if (pieces.length > 0)
      await writeFile(join(folder, fileName(`${listener} hears ${speaker}`)), wavOf(pieces, evidence.durationMs))
  }
}

/** Names are other people's: nothing of them leads out of the folder. */
const fileName = (name: string): string => `${name.replace(/[^\p{L}\p{N} -]/gu, '_').replaceAll(' ', '-')}.wav`

const wavOf = (pieces: readonly SoundPiece[], durationMs: number): Buffer => {
  const samples = new Int16Array(Math.ceil(durationMs * 48))
  for (const piece of pieces) {
    const at = Math.round(piece.atMs * 48)
    const part = piece.samples.subarray(Math.max(0, -at), Math.max(0, samples.length - at))
    samples.set(part, Math.max(0, at))
  }
  const bytes = bytesOf(samples)
  return Buffer.concat([wavHeader(1, bytes.length), bytes])
}
