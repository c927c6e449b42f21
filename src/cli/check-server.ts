import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { RoomServer } from '../check/run/place.ts'
import type { Context } from './context.ts'
import { runningServer, stopServer } from './local-server.ts'
import { signInAt, visitor } from './visitor.ts'

/** A roomtone server in a home of its own, for one check; both are gone when the command is over. */
export const openCheckServer = async (context: Context): Promise<RoomServer> => {
  const home = await mkdtemp(join(tmpdir(), 'roomtone-check-'))
  const owner = visitor(context, home, 'default')
  const visitors: { close(): Promise<void> }[] = [owner]
  context.onClose(async () => {
    for (const one of visitors) await one.close()
    const server = await runningServer(owner.context.folders)
    if (server) await stopServer(server)
    await rm(home, { recursive: true, force: true })
  })
  const { url } = await owner.context.server()
  return {
    url,
    signUp: async (name) => {
      const number = visitors.length
      const person = visitor(context, home, `actor-${number}`)
      visitors.push(person)
      await signInAt(person.context, phoneOf(number), name)
      return person.context.credentialsFile(await person.context.server())
    },
  }
}

/** Numbers set aside for fiction (NANPA 555-0100 to 555-0199), in as many areas as it takes. */
const phoneOf = (number: number): string =>
  `+1${202 + Math.floor(number / 100)}55501${String(number % 100).padStart(2, '0')}`
