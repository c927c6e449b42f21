import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { expand, listEntries } from '../../../../src/bot/sound/lists.ts'
import { wavBytes } from '../../../support/wav-bytes.ts'

const folder = mkdtempSync(join(tmpdir(), 'roomtone-lists-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const save = (name: string, bytes: string | Buffer = ''): string => {
  const path = join(folder, name)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, bytes)
  return path
}
const namesOf = (items: unknown[]) =>
  items.map((item) => {
    const { path, url } = item as { path?: string; url?: string }
    return url ?? path!.slice(folder.length + 1)
  })

describe('a folder', () => {
  it('gives its audio in the order people count, what lies below too, and says what it leaves out', async () => {
    for (const name of ['10 close.mp3', '2 settle.ogg', '1 open.flac', 'b/1.opus', '.hidden.mp3', '.git/x.mp3'])
      save(`guide/${name}`)
    save('guide/cover.jpg', Buffer.alloc(3000, 7))
    save('guide/no-ending', wavBytes(Buffer.alloc(9600)))
    symlinkSync(join(folder, 'guide'), join(folder, 'guide', 'b', 'loop'))
    const { items, notes } = await expand({ kind: 'folder', path: join(folder, 'guide') })
    expect(namesOf(items)).toEqual([
      'guide/1 open.flac',
      'guide/2 settle.ogg',
      'guide/10 close.mp3',
      'guide/b/1.opus',
      'guide/no-ending',
    ])
    expect(notes).toEqual([`${join(folder, 'guide/cover.jpg')} is left out: it is not audio that can be played.`])
  })

  it('is asked anew each time', async () => {
    save('grows/a.mp3')
    const item = { kind: 'folder', path: join(folder, 'grows') } as const
    expect((await expand(item)).items).toHaveLength(1)
    save('grows/b.mp3')
    expect((await expand(item)).items).toHaveLength(2)
  })

  it.each([
    ['is not there', 'nowhere', 'not-found', /^There is no folder .*nowhere\.$/],
    ['is a file', 'file.mp3', 'not-found', /is not a folder\.$/],
    ['holds no audio', 'empty', 'not-audio', /holds no audio file/],
  ])('that %s is refused', async (_, name, code, message) => {
    save('file.mp3')
    mkdirSync(join(folder, 'empty'), { recursive: true })
    await expect(expand({ kind: 'folder', path: join(folder, name) })).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
    })
  })
})

describe('a list', () => {
  it('M3U: comments, a mark of the encoding, both ends of line, addresses, lists in lists', async () => {
    save('inner.m3u', 'deep/x.ogg\n')
    const path = save(
      'outer.m3u8',
      '\ufeff#EXTM3U\r\n#EXTINF:12,Somebody - Something\r\nfirst.mp3\r\n\r\n/abs/second.opus\nhttps://radio.example/live\ninner.m3u\nrtsp://nobody/x\n',
    )
    const { items, notes } = await expand({ kind: 'list', path })
    expect(items).toEqual([
      { kind: 'file', path: join(folder, 'first.mp3') },
      { kind: 'file', path: '/abs/second.opus' },
      { kind: 'url', url: 'https://radio.example/live' },
      { kind: 'file', path: join(folder, 'deep/x.ogg') },
    ])
    expect(notes).toEqual([expect.stringContaining('rtsp://nobody/x, which is neither a file nor an http address')])
  })

  it('PLS goes by its numbers, and old encodings are read', async () => {
    const path = save(
      'old.pls',
      Buffer.from('[playlist]\nFile2=caf\xe9.mp3\nTitle2=x\nFile1=a b.mp3\nVersion=2\n', 'latin1'),
    )
    expect(namesOf((await expand({ kind: 'list', path })).items)).toEqual(['a b.mp3', 'café.mp3'])
  })

  it('that contains itself, is empty or missing is refused in one sentence', async () => {
    save('a.m3u', 'b.m3u')
    save('b.m3u', 'a.m3u')
    save('none.m3u', '# nothing\n')
    for (const [name, code] of [
      ['a.m3u', 'bad-input'],
      ['none.m3u', 'not-audio'],
      ['missing.m3u', 'not-found'],
    ]) {
      const item = { kind: 'list', path: join(folder, name!) } as const
      await expect(expand(item)).rejects.toMatchObject({ code, message: expect.stringMatching(/^[^\n]+\.$/) })
    }
  })

  it('whatever it holds is read without harm', () => {
    let seed = 3
    const random = () => {
      seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0
      return seed / 2 ** 32
    }
    for (let round = 0; round < 300; round++) {
      const text = String.fromCharCode(...Array.from({ length: 200 }, () => Math.floor(random() * 300)))
      for (const start of ['', '[playlist]\n']) expect(Array.isArray(listEntries(start + text))).toBe(true)
    }
  })
})
