import type { LineDeps } from './deps.ts'
import { isPulled, isTold, kindHelp, type NewsKind, newsKinds, switchTold } from './kinds.ts'
import type { News } from './news.ts'
import type { Talk } from './talk.ts'

export type Told = {
  isTold: (kind: News['kind']) => boolean
  /** Switches a kind, or `pull`, and remembers it. */
  set: (word: NewsKind | 'pull', isOn: boolean) => Promise<void>
  /** Every kind and whether it is on, one a line. */
  describe: () => string
}

/** Which kinds of news are said by themselves. */
export const createTold = ({ told }: Pick<LineDeps, 'told'>, talk: Talk): Told => {
  let setting = told.get()
  talk.setPull(isPulled(setting))
  return {
    isTold: (kind) => isTold(setting, kind),
    set: async (word, isOn) => {
      setting = switchTold(setting, word, isOn)
      talk.setPull(isPulled(setting))
      await told.set(setting)
    },
    describe: () =>
      [
        'Said by itself:',
        ...newsKinds.map((kind) => `  ${kind} ${isTold(setting, kind) ? 'on' : 'off'}: ${kindHelp[kind]}`),
        `  pull ${isPulled(setting) ? 'on' : 'off'}: lines wait until you press Enter`,
      ].join('\n'),
  }
}
