import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))

/**
 * For esbuild: what Ink brings along and the first picture need not wait for (50 of 200 ms). string-width compiles a pattern
 * of all emoji at the first text that is not plain ASCII; the painter's own measure takes its place, so that texts are
 * laid out as they are cut. Yoga fetches its own data: URL where there is a `fetch`, for which Node loads all of undici.
 */
export const leanInk = {
  name: 'lean-ink',
  setup: (build) => {
    build.onResolve({ filter: /^string-width$/ }, ({ path }) => ({ path, namespace: 'lean-ink' }))
    build.onLoad({ filter: /^string-width$/, namespace: 'lean-ink' }, () => ({
      contents: `export { widthOf as default } from './src/tui/width.ts'`,
      resolveDir: root,
    }))
    build.onLoad({ filter: /yoga-wasm-base64-esm\.js$/ }, async ({ path }) => ({
      contents: `const fetch = undefined\n${await readFile(path, 'utf8')}`,
    }))
  },
}
