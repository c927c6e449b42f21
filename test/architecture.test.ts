import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))

/** What each part of src may import of ours besides itself. */
const directions: Record<string, string[]> = {
  protocol: [],
  schedule: [],
  audio: [],
  sfu: [],
  yaml: ['protocol'],
  server: ['protocol', 'schedule'],
  client: ['protocol', 'audio'],
  bot: ['protocol', 'schedule', 'audio', 'yaml', 'client'],
  check: ['protocol', 'audio', 'yaml', 'client'],
  tui: ['protocol', 'client'],
  cli: ['protocol', 'schedule', 'audio', 'yaml', 'sfu', 'server', 'client', 'bot', 'check', 'tui'],
}

/** The one door of each package: no other file may import it. */
const doors: [pkg: RegExp, files: RegExp][] = [
  [/^undici$/, /^src\/client\/api/],
  [/^livekit-client$/, /^src\/client\/media\.ts$/],
  [/^@roamhq\/wrtc$/, /^src\/client\/webrtc\.ts$/],
  [/^node-datachannel(\/|$)/, /^src\/(sfu\/media|client\/packets-peer)\.ts$/],
  [/^naudiodon$/, /^src\/audio\/portaudio-child\.ts$/],
  [/^(@discordjs\/opus|opusscript)$/, /^src\/audio\/opus\.ts$/],
  [/^@echogarden\/rnnoise-wasm$/, /^src\/audio\/rnnoise\.ts$/],
  [/^conf$/, /^src\/cli\/settings\.ts$/],
  [/^(ink|react)(\/|$)/, /^src\/tui\//],
  [/^commander$/, /^src\/cli\//],
  [/^fastify$/, /^src\/server\//],
  [/^prom-client$/, /^src\/(server|bot\/watch)\/metrics/],
  [/^(kysely|pg|@electric-sql\/pglite)(\/|$)/, /^src\/server\//],
]

type Import = { file: string; specifier: string; line: number }

const sourceFiles = (folder: string): string[] =>
  readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}/${entry.name}`
    if (entry.isDirectory()) return sourceFiles(path)
    return /\.tsx?$/.test(entry.name) ? [path] : []
  })

const importsOf = (file: string): Import[] =>
  readFileSync(join(root, file), 'utf8')
    .split('\n')
    .flatMap((text, index) => {
      if (/^\s*(\/\/|\*|\/\*)/.test(text)) return []
      const found = text.matchAll(/(?:\bfrom\s+|\bimport\s*\(\s*|\brequire\s*\(\s*|^\s*import\s+)['"]([^'"]+)['"]/g)
      return [...found].map((match) => ({ file, specifier: match[1]!, line: index + 1 }))
    })

const files = sourceFiles('src')
const imports = files.flatMap(importsOf)
const place = (found: Import) => `${found.file}:${found.line} imports ${found.specifier}`

/** The part of src that a relative import reaches; undefined for a package, or for what lies outside src. */
const reachedPart = ({ file, specifier }: Import): string | undefined => {
  if (!specifier.startsWith('.')) return undefined
  const part = relative(join(root, 'src'), resolve(root, dirname(file), specifier)).split('/')[0]
  return part === '..' ? undefined : part
}

describe('architecture', () => {
  it('reads a house that is not empty', () => {
    expect(files.length).toBeGreaterThan(20)
    expect(imports.length).toBeGreaterThan(files.length)
  })

  it('knows every part of src', () => {
    const parts = new Set(files.map((file) => file.split('/')[1]!))
    expect([...parts].filter((part) => !(part in directions))).toEqual([])
  })

  it('imports only in the allowed directions', () => {
    const wrong = imports.filter((found) => {
      const from = found.file.split('/')[1]!
      const to = reachedPart(found)
      return to !== undefined && to !== from && !directions[from]?.includes(to)
    })
    expect(wrong.map(place)).toEqual([])
  })

  it('reaches each package through its one door', () => {
    const wrong = imports.filter((found) =>
      doors.some(([pkg, door]) => pkg.test(found.specifier) && !door.test(found.file)),
    )
    expect(wrong.map(place)).toEqual([])
  })

  it('reads environment and arguments only in cli', () => {
    const wrong = files
      .filter((file) => !file.startsWith('src/cli/'))
      .flatMap((file) =>
        readFileSync(join(root, file), 'utf8')
          .split('\n')
          .map((text, index) => ({ text, place: `${file}:${index + 1}` }))
          .filter(({ text }) => /process\.(argv|env)\b/.test(text) && !/^\s*(\/\/|\*|\/\*)/.test(text))
          .map(({ place }) => place),
      )
    expect(wrong).toEqual([])
  })

  it('has no drawer for what has no home', () => {
    expect(files.filter((file) => /\b(utils?|common|shared|helpers?|misc)(\/|\.tsx?$)/.test(file))).toEqual([])
    expect(files.filter((file) => /\/index\.tsx?$/.test(file))).toEqual([])
  })

  it('gives no default exports and no enums', () => {
    const wrong = files.filter((file) =>
      /^export default\b|^(export )?(const )?enum\b/m.test(readFileSync(join(root, file), 'utf8')),
    )
    expect(wrong).toEqual([])
  })
})
