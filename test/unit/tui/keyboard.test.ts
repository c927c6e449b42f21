import { describe, expect, it } from 'vitest'
import { openKeyboard, type Typed } from '../../../src/tui/keyboard.ts'

const read = (...chunks: (string | Buffer)[]): Typed[] => {
  const keyboard = openKeyboard()
  return chunks.flatMap((chunk) => keyboard.push(chunk))
}
const keys = (...chunks: string[]) => read(...chunks).map((typed) => (typed.type === 'key' ? typed.key : typed.type))

describe('what a terminal sends', () => {
  it('is read as keys by name, several in one chunk too', () => {
    expect(keys('aB?/: \r\t\u007f\u0003')).toEqual([
      'a',
      'B',
      '?',
      '/',
      ':',
      'space',
      'enter',
      'tab',
      'backspace',
      'ctrl+c',
    ])
    expect(keys('\u001b[A\u001bOB\u001b[5~\u001b[F\u001bOP\u001b[15~\u001b[Z\u001b[1;5C')).toEqual([
      'up',
      'down',
      'pageup',
      'end',
      'f1',
      'f5',
      'shift+tab',
      'ctrl+right',
    ])
  })

  it('may come in pieces, even within a character', () => {
    expect(keys('\u001b', '[', 'A')).toEqual(['up'])
    const [first, second] = [Buffer.from('ž').subarray(0, 1), Buffer.from('ž').subarray(1)]
    expect(read(first, second)).toEqual([{ type: 'key', key: 'ž' }])
  })

  it('is an escape alone when nothing follows', () => {
    const keyboard = openKeyboard()
    expect(keyboard.push('\u001b')).toEqual([])
    expect(keyboard.isWaiting()).toBe(true)
    expect(keyboard.giveUp()).toEqual([{ type: 'key', key: 'escape' }])
  })

  it('is one text when it was pasted, whatever is in it and however it is cut', () => {
    expect(keys('\u001b[200~q\u001b[Ay\n\u001b[201~x')).toEqual(['paste:q\u001b[Ay\n', 'x'])
    expect(keys('\u001b[200~a', 'b\u001b[2', '01~')).toEqual(['paste:ab'])
  })

  it('is cut short when megabytes are pasted, in time that a hand does not notice', () => {
    const megabytes = 'y'.repeat(4_000_000)
    const begunMs = performance.now()
    const marked = keys(`\u001b[200~${megabytes}`, `${megabytes}\u001b[201~`, 'x')
    const unmarked = keys(megabytes)
    expect(performance.now() - begunMs).toBeLessThan(2000)
    expect(marked.map((key) => key.length)).toEqual(['paste:'.length + 10_000, 1])
    expect(unmarked.map((key) => key.length)).toEqual(['paste:'.length + 10_000])
  })

  it('is ignored where it is garbage, and what follows counts again', () => {
    const garbage = [
      '\u001b[999;999;999Z\u001b[?1;2c\u001b[I',
      '\u001b]52;c;cm0gLXJm\u0007',
      '\u001bPq~~\u001b\\',
      '\u001b[<0;10;10M\u001b[<0;10;10m',
      '\u001b[57441;2u',
      '\u001b[1114112u\u001b[0u\u001b[-1u',
      '\u001b[12\u0001',
    ]
    for (const bytes of garbage) {
      const seen = keys(bytes, 'x')
      expect(seen.at(-1), JSON.stringify(bytes)).toBe('x')
      expect(seen.filter((key) => key.length === 1 && key !== 'x')).toEqual([])
    }
    const random = Buffer.from(Array.from({ length: 50_000 }, (_, index) => (index * 7919 + (index >> 3) * 31) % 256))
    expect(() => read(random, '\u0007\u001b\\')).not.toThrow()
    expect(keys(`\u001b]${'a'.repeat(5000)}`, 'x')).toEqual(['x'])
  })

  it("tells presses, repeats and releases of kitty's protocol apart", () => {
    expect(read('\u001b[32;1:1;32u\u001b[32;1:2;32u\u001b[32;1:3u')).toEqual([
      { type: 'key', key: 'space' },
      { type: 'key', key: 'space', isRepeat: true },
      { type: 'released', key: 'space' },
    ])
    expect(keys('\u001b[?31u')).toEqual(['kitty'])
    expect(keys('\u001b[97;;97u\u001b[97:65;2;65u\u001b[99;5u\u001b[27u\u001b[1;1:1A\u001b[57:47;2;47u')).toEqual([
      'a',
      'A',
      'ctrl+c',
      'escape',
      'up',
      '/',
    ])
  })

  it('names the Latin key of the same place on other layouts, told by the terminal or by the letter', () => {
    expect(read('\u001b[1088::104;;1088u')).toEqual([{ type: 'key', key: 'р', base: 'h' }])
    expect(read('р')).toEqual([{ type: 'key', key: 'р', base: 'h' }])
    expect(read('Д')).toEqual([{ type: 'key', key: 'Д', base: 'L' }])
    expect(read('η')).toEqual([{ type: 'key', key: 'η', base: 'h' }])
    expect(read('ｈ')).toEqual([{ type: 'key', key: 'ｈ', base: 'h' }])
    expect(read('ß')).toEqual([{ type: 'key', key: 'ß' }])
  })

  it('tells the background, and that the window lost the keyboard', () => {
    expect(read('\u001b]11;rgb:ffff/ffff/ffff\u001b\\')).toEqual([{ type: 'background', lightness: 1 }])
    expect(read('\u001b]11;rgb:00/00/00\u0007')).toEqual([{ type: 'background', lightness: 0 }])
    expect(read('\u001b[O')).toEqual([{ type: 'blurred' }])
  })
})
