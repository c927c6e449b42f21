import type { AudioTags } from '../../audio/files/tags.ts'
import { decodeText } from './lists.ts'

/**
 * Takes the titles out of a stream in the way of SHOUTcast (`icy-metaint`: after so many bytes of sound stand a length
 * in units of 16 bytes and a text `StreamTitle='…';`) and gives the sound alone. A title is told before the sound that
 * follows it is given.
 */
export async function* withoutTitles(
  stream: AsyncIterable<Uint8Array>,
  everyBytes: number,
  onTitle: (tags: AudioTags) => void,
): AsyncGenerator<Uint8Array> {
  let soundLeft = everyBytes
  let textLeft = -1
  let text: Uint8Array[] = []
  for await (const chunk of stream) {
    for (let at = 0; at < chunk.length; ) {
      if (soundLeft > 0) {
        const piece = chunk.subarray(at, at + soundLeft)
        yield piece
        at += piece.length
        soundLeft -= piece.length
        continue
      }
      if (textLeft < 0) textLeft = chunk[at++]! * 16
      const piece = chunk.subarray(at, at + textLeft)
      text.push(piece)
      at += piece.length
      textLeft -= piece.length
      if (textLeft > 0) continue
      const tags = parseIcyTitle(decodeText(Buffer.concat(text)))
      if (tags) onTitle(tags)
      text = []
      textLeft = -1
      soundLeft = everyBytes
    }
  }
}

/** `StreamTitle='Artist - Title';`, in which there may be quotes; undefined where it tells no title. */
const parseIcyTitle = (text: string): AudioTags | undefined => {
  const title = /StreamTitle='(.*?)'(?:;\s*(?:Stream\w+=|\0|$)|\s*\0|$)/s.exec(text)?.[1]?.trim()
  if (!title) return undefined
  const [, artist, name] = /^(.+?) - (.+)$/s.exec(title) ?? []
  return artist && name ? { artist, title: name } : { title }
}
