import type { Plan } from '../bot/program/contract.ts'
import { prepare } from '../bot/program/prepare.ts'
import type { SessionScript } from '../bot/script/script.ts'
import { createSounds, type Sounds, type SoundsOptions } from '../bot/sound/sounds.ts'
import { soundCacheOf } from './bot-folders.ts'
import type { Context } from './context.ts'
import { entryOf } from './entries.ts'
import { refusalOf } from './script-file.ts'

/** Where a script's sound comes from, on this machine. */
export const soundsFor = (context: Context, { speech }: SessionScript, more: Partial<SoundsOptions> = {}): Sounds =>
  createSounds({
    cacheFolder: soundCacheOf(context),
    speech,
    proxy: context.proxy(),
    entries: { speech: entryOf('speech'), measure: entryOf('measure') },
    ...more,
  })

/** Finds out all that a program needs; throws `bad-input` with the first problem, and notes the others. */
export const planOrRefuse = async (context: Context, script: SessionScript, sounds: Sounds): Promise<Plan> => {
  const { plan, problems, notes } = await prepare(script, sounds, script.name)
  for (const note of notes) context.output.note(note)
  if (problems.length > 0) throw refusalOf(context, problems)
  return plan
}
