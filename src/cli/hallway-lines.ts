import type { Context } from './context.ts'
import { join } from './join.ts'
import { askForLogin, isSignedIn } from './login.ts'
import { ask } from './prompt.ts'
import { allRooms } from './room-argument.ts'

/** The hallway in plain lines: signs in, lists the rooms, asks which one, joins it. */
export const hallwayInLines = async (context: Context): Promise<void> => {
  const { output } = context
  if (!(await isSignedIn(context))) {
    const account = await askForLogin(context, {})
    output.line(`Signed in as ${account.name}, @${account.handle}.`)
  }
  const { rooms } = await allRooms(await context.api())
  if (rooms.length === 0) return output.line('No room is live. Open one: roomtone room create "Title"')
  for (const [index, { title, counts, host }] of rooms.entries())
    output.line(`${index + 1}. ${title}, by ${host.name}, ${counts.speakers} on stage, ${counts.listeners} listening.`)
  const answer = await ask(context, 'Which room? Its number, or Enter to quit: ')
  if (answer === '') return
  const chosen = /^\d+$/.test(answer) ? rooms[Number(answer) - 1]?.id : answer
  await join(context, chosen ?? answer, {})
}
