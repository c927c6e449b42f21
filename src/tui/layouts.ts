/**
 * Keyboards without Latin letters, key by key in the order of `latin`: so that `h` is the same key under every layout.
 * Terminals with kitty's protocol tell the key themselves; all others only the character.
 */
const latin = 'qwertyuiopasdfghjklzxcvbnm'
const layouts = [
  // Russian, and where it differs Ukrainian
  'йцукенгшщзфывапролдячсмить',
  'йцукенгшщзфівапролдячсмить',
  // Greek
  ';ςερτυθιοπασδφγηξκλζχψωβνμ',
  // Hebrew
  "/'קראטוןםפשדגכעיחלךזסבהנמצ",
  // Arabic
  'ضصثقفغعهخحشسيبلاتنمئءؤرﻻىة',
]

const places = new Map<string, string>()
for (const letters of layouts)
  for (const [index, letter] of [...letters].entries()) {
    const key = latin[index]!
    if (letter <= '\u007f' || places.has(letter)) continue
    places.set(letter, key)
    const capital = letter.toUpperCase()
    if (capital !== letter) places.set(capital, key.toUpperCase())
  }

/** The Latin letter or sign at the place of a character, or the plain form of a full-width one; undefined when it has none. */
export const latinKey = (character: string): string | undefined => {
  if (character.length !== 1 || character <= '\u007f') return undefined
  return places.get(character) ?? (/[\uff01-\uff5e]/.test(character) ? character.normalize('NFKC') : undefined)
}
