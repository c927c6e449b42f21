import type { AudioTags } from '../../audio/files/tags.ts'
import { cleanTitle } from './title.ts'

export type Title = { title: string; artist: string | null }

/** What a stream tells while it plays. What comes before anybody listens is told when somebody does. */
export const createTold = () => {
  let onTitle: ((title: Title) => void) | undefined
  let onWarning: ((message: string) => void) | undefined
  let title: Title | undefined
  let warning: string | undefined
  return {
    title: (tags: AudioTags) => {
      const name = cleanTitle(tags.title)
      if (name === null) return
      const artist = cleanTitle(tags.artist)
      if (title?.title === name && title.artist === artist) return
      title = { title: name, artist }
      onTitle?.(title)
    },
    warn: (message: string) => {
      if (onWarning) onWarning(message)
      else warning = message
    },
    onTitle: (listener: (title: Title) => void) => {
      onTitle = listener
      if (title) listener(title)
    },
    onWarning: (listener: (message: string) => void) => {
      onWarning = listener
      if (warning) listener(warning)
      warning = undefined
    },
  }
}
export type Told = ReturnType<typeof createTold>
