import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createApi } from '../../src/client/api.ts'
import { tokenCredentials } from '../../src/client/credentials.ts'
import type { Room } from '../../src/protocol/rooms.ts'
import { newPerson, type Person } from '../integration/client/people.ts'
import { startTestServer } from '../support/server.ts'
import { kill } from './kill.ts'
import { meditation } from './meditation.ts'

/**
 * `npm run soak [-- meditation|kill]`: sessions in real time, too long for the tests; what was heard is measured and told.
 * Ends with 1 where something was not as it should be.
 */
export type Scene = {
  folder: string
  /** Opened by the bot's account. */
  room: Room
  /** Who listens. */
  omar: Person
  env: Record<string, string>
  print(line: string): void
}

const scenes: Record<string, (scene: Scene) => Promise<boolean>> = { meditation, kill }

const runScene = async (name: string): Promise<boolean> => {
  const folder = mkdtempSync(join(tmpdir(), `roomtone-soak-${name}-`))
  const server = await startTestServer({ media: 'embedded' })
  const ana = await newPerson(server, 'Ana')
  const omar = await newPerson(server, 'Omar')
  const { token } = await ana.api.call('createToken', { body: { name: 'Host' } })
  const bot = createApi({ server: server.url, credentials: tokenCredentials(token) })
  try {
    const room = await bot.call('createRoom', { body: { title: name } })
    const env = { ROOMTONE_SERVER: server.url, ROOMTONE_TOKEN: token }
    return await scenes[name]!({ folder, room, omar, env, print: console.log })
  } finally {
    await Promise.all([bot, ana.api, omar.api].map((api) => api.close()))
    await server.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

const asked = process.argv.slice(2)
const unknown = asked.filter((name) => !scenes[name])
if (unknown.length > 0) {
  console.error(`There is no soak ${unknown.join(', ')}; there are ${Object.keys(scenes).join(', ')}.`)
  process.exit(2)
}
for (const name of asked.length > 0 ? asked : ['meditation']) {
  console.log(`\n## ${name}, ${new Date().toISOString().slice(0, 16)} UTC\n\n| | |\n|---|---|`)
  const isWell = await runScene(name)
  console.log(`\n${isWell ? 'As it should be.' : 'NOT as it should be.'}`)
  if (!isWell) process.exitCode = 1
}
// What a native library left behind must not keep it.
process.exit()
