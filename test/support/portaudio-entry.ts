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

export type PortAudioEntry = {
  /** For the `entry` option of devices. */
  entry: string
  /** Bundles a script that imports from `src/...`; returns a file for `node`. */
  script: (name: string, code: string) => Promise<string>
  close: () => void
}

/** Bundles the PortAudio child from the sources at hand, so that a test never runs a stale dist/. */
export const buildPortAudioEntry = async (): Promise<PortAudioEntry> => {
  const root = fileURLToPath(new URL('../..', import.meta.url))
  const folder = mkdtempSync(join(tmpdir(), 'roomtone-portaudio-'))
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}\n')
  const script = async (name: string, code: string) => {
    const outfile = join(folder, `${name}.js`)
    const stdin = { contents: code, resolveDir: root, loader: 'ts' as const }
    await build({ stdin, outfile, bundle: true, format: 'esm', platform: 'node', external: ['naudiodon'] })
    return outfile
  }
  const entry = await script('portaudio', `import './src/audio/portaudio-child.ts'`)
  return { entry, script, close: () => rmSync(folder, { recursive: true, force: true }) }
}
