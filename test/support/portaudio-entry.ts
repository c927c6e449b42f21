import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

/** Why PortAudio tests cannot run on this machine, or undefined when they can. Looks without loading the native part. */
export const portAudioMissing: string | undefined = (() => {
  try {
    createRequire(import.meta.url).resolve('naudiodon/build/Release/naudiodon.node')
    return undefined
  } catch {
    return 'needs naudiodon, compiled at npm install (python3, make, g++)'
  }
})()

/** Bundles the PortAudio child from the sources at hand, so that a test never runs a stale dist/. */
export const buildPortAudioEntry = async (): Promise<{ entry: string; close: () => void }> => {
  const root = fileURLToPath(new URL('../..', import.meta.url))
  const folder = mkdtempSync(join(tmpdir(), 'roomtone-portaudio-'))
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}\n')
  const entry = join(folder, 'portaudio.js')
  await build({
    entryPoints: [join(root, 'src/audio/portaudio-child.ts')],
    outfile: entry,
    bundle: true,
    format: 'esm',
    platform: 'node',
    external: ['naudiodon'],
  })
  return { entry, close: () => rmSync(folder, { recursive: true, force: true }) }
}
