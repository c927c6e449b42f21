// Makes dist/pglite.tar.gz, an empty database: unpacking it is several times faster than initdb at a first start.
import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const packages = fileURLToPath(new URL('../node_modules', import.meta.url))

/** Writes `outdir/pglite.tar.gz`; made once for each version of PGlite and kept in node_modules/.cache. */
export const writeDataTemplate = async (outdir) => {
  const { version } = JSON.parse(readFileSync(`${packages}/@electric-sql/pglite/package.json`, 'utf8'))
  const cache = `${packages}/.cache/roomtone`
  const kept = `${cache}/pglite-${version}.tar.gz`
  if (!existsSync(kept)) {
    mkdirSync(cache, { recursive: true })
    const { PGlite } = await import('@electric-sql/pglite')
    const database = await PGlite.create()
    const template = await database.dumpDataDir('gzip')
    await database.close()
    // Renamed when whole: builds of one checkout may run side by side.
    const draft = `${kept}.${process.pid}`
    writeFileSync(draft, Buffer.from(await template.arrayBuffer()))
    renameSync(draft, kept)
  }
  copyFileSync(kept, `${outdir}/pglite.tar.gz`)
}
