import { type RandomBytes, randomInt } from './random.ts'

/**
 * Handles to try for a name, best first, without end: the name in Latin letters, then with a number; a name in a script
 * this table lacks gets two words and a number.
 */
export function* handlesFor(name: string, randomBytes: RandomBytes): Generator<string, never> {
  const base = latin(name).slice(0, 24).replace(/_+$/, '')
  if (base.length >= 2) {
    yield base
    for (let number = 2; number <= 9; number++) yield `${base}${number}`
  }
  for (;;) {
    const stem = base.length >= 2 ? base : randomName(randomBytes).toLowerCase().replace(' ', '_')
    yield `${stem}${randomInt(90_000, randomBytes) + 10_000}`
  }
}

/** For one who gave no name, e.g. `Quiet Otter`. */
export const randomName = (randomBytes: RandomBytes): string =>
  `${pick(adjectives, randomBytes)} ${pick(animals, randomBytes)}`

const pick = (words: string[], randomBytes: RandomBytes): string =>
  words[randomInt(words.length, randomBytes)] as string

const latin = (name: string): string =>
  [
    ...name
      .normalize('NFKD')
      .replace(/\p{M}+/gu, '')
      .toLowerCase(),
  ]
    .map((letter) => letters.get(letter) ?? letter)
    .join('')
    .replace(/[^a-z0-9]+/g, '_')
    .replace(/^_+/, '')

const pairs = (from: string, to: string): [string, string][] => {
  const sounds = to.split(' ')
  return [...from].map((letter, index) => [letter, (sounds[index] as string).replace('-', '')])
}

// After NFKD and without marks: й is и, ё is е.
const letters = new Map([
  ...pairs('ßæœøłđðþı', 'ss ae oe o l d d th i'),
  ...pairs(
    'абвгдежзиклмнопрстуфхцчшщъыьэюяієґ',
    'a b v g d e zh z i k l m n o p r s t u f kh ts ch sh shch - y - e yu ya i ye g',
  ),
  ...pairs('αβγδεζηθικλμνξοπρσςτυφχψω', 'a v g d e z i th i k l m n x o p r s s t y f ch ps o'),
])

const adjectives = [
  'Quiet',
  'Bright',
  'Gentle',
  'Swift',
  'Calm',
  'Merry',
  'Brave',
  'Clever',
  'Warm',
  'Lucky',
  'Kind',
  'Bold',
]
const animals = ['Otter', 'Heron', 'Fox', 'Lynx', 'Wren', 'Badger', 'Seal', 'Robin', 'Hare', 'Crane', 'Moth', 'Finch']
