import type { Credentials, LoginStarted } from '../../src/protocol/accounts.ts'
import { checkContract } from './contract.ts'
import type { TestServer } from './server.ts'

export type Answer<T = unknown> = { status: number; headers: Headers; body: T }
export type Fetch = <T = unknown>(method: string, path: string, body?: unknown) => Promise<Answer<T>>
export type Phone = {
  account: Credentials['account']
  credentials: Credentials
  /** Calls the API as this account. */
  fetch: Fetch
}

/** One call of the API; `token` signs it in. Throws when the answer breaks the contract of its route. */
export const call = async <T = unknown>(
  server: Pick<TestServer, 'url'>,
  method: string,
  path: string,
  body?: unknown,
  token?: string,
): Promise<Answer<T>> => {
  const response = await fetch(server.url + path, {
    method,
    headers: {
      ...(token && { authorization: `Bearer ${token}` }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  const answer = text ? JSON.parse(text) : undefined
  checkContract(method, path, response.status, answer)
  return { status: response.status, headers: response.headers, body: answer as T }
}

/** The code last sent to a number. */
export const lastCode = (server: TestServer, phone: string): string => {
  const message = server.outbox().findLast(({ to }) => to === phone)
  const code = message?.text.match(/\b\d{6}\b/)?.[0]
  if (!code) throw new Error(`no code was sent to ${phone}`)
  return code
}

/** Signs a number in by the code in the outbox. `phone` is E.164 without spaces. */
export const signIn = async (server: TestServer, phone: string, name?: string): Promise<Phone> => {
  const started = await call<LoginStarted>(server, 'POST', '/api/logins', { phone })
  if (started.status !== 202) throw new Error(`login refused: ${JSON.stringify(started.body)}`)
  const verified = await call<Credentials>(server, 'POST', `/api/logins/${started.body.loginId}/verify`, {
    code: lastCode(server, phone),
    name,
  })
  if (verified.status !== 200) throw new Error(`code refused: ${JSON.stringify(verified.body)}`)
  const credentials = verified.body
  return {
    account: credentials.account,
    credentials,
    fetch: (method, path, body) => call(server, method, path, body, credentials.accessToken),
  }
}
