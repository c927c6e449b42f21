import { access, mkdir, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { SeatState } from '../protocol/seat.ts'

export type HeadphonesHintOptions = {
  /** Is there once the hint was given. */
  file: string
  /** Both are devices: what a file says echoes nowhere. */
  isBetweenDevices(devices: SeatState['devices']): boolean
  /** What the system calls the speaker. */
  speakerName(name: string): Promise<string>
  onHint(sentence: string): void
}

export const headphonesHint =
  'If you listen on a loudspeaker, others hear themselves in your open microphone, as roomtone cancels no echo: ' +
  'use headphones, or lower the others while you speak: roomtone config set ducking 20. This is said once.'

/** Advises headphones, once for good, when the microphone opens beside what may be a loudspeaker. */
export const createHeadphonesHint = ({ file, isBetweenDevices, speakerName, onHint }: HeadphonesHintOptions) => {
  let isLookedAt = false
  const advise = async (speaker: string) => {
    if (await wasGiven(file)) return
    if (looksLikeHeadphones(await speakerName(speaker))) return
    await mkdir(dirname(file), { recursive: true, mode: 0o700 })
    // Of two seats the one that makes the file says it.
    await writeFile(file, '', { flag: 'wx', mode: 0o600 })
    onHint(headphonesHint)
  }
  return {
    /** Resolves when it was said, or is not to be. */
    look: async ({ you, devices }: SeatState): Promise<void> => {
      if (isLookedAt || you.microphone !== 'open' || devices.speaker.status !== 'ok') return
      isLookedAt = true
      // What cannot be remembered would be said each time: rather not at all.
      if (isBetweenDevices(devices)) await advise(devices.speaker.name).catch(() => {})
    },
  }
}

const wasGiven = (file: string): Promise<boolean> =>
  access(file).then(
    () => true,
    () => false,
  )

/** By its name, in the words that makers and systems use. */
export const looksLikeHeadphones = (name: string): boolean =>
  /head ?-?(phone|set)|ear ?-?(phone|bud|pod|piece)|air ?pods|\bbuds|hands-?free|kopfhörer|casque|écouteur|auricular|cuffi|fone|наушник|耳机|ヘッドホン|イヤホン/iu.test(
    name,
  )
