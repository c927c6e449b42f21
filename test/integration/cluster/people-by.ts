import { createApi } from '../../../src/client/api.ts'
import { tokenCredentials } from '../../../src/client/credentials.ts'
import { eventually } from '../../support/eventually.ts'
import type { Person, Stay } from '../client/people.ts'

/** The same account, by another address. */
export const by = (url: string, person: Person): Person => ({
  ...person,
  api: createApi({ server: url, credentials: tokenCredentials(person.accessToken) }),
})

/** Waits until the word that one may speak again has come. */
export const mayUnmute = ({ session }: Stay): Promise<unknown> => {
  const you = () => session.state().participants.find(({ id }) => id === session.state().you.id)
  return eventually(() => you()?.mutedByModerator === false, { withinMs: 5_000, what: 'allowed to speak again' })
}
