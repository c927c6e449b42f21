import type { z } from 'zod'
import type { Account } from '../protocol/accounts.ts'
import type { RouteName, routes } from '../protocol/routes.ts'

/** Who calls: a person by a session, or a bot by its access token (then `ownerId` is its maker). */
export type Caller = {
  account: Account
  sessionId: string | null
  /** Of a bot: its account id is its token's id. */
  tokenId: string | null
  ownerId: string | null
}

type ParamNames<Path extends string> = Path extends `${string}:${infer Name}/${infer Rest}`
  ? Name | ParamNames<`/${Rest}`>
  : Path extends `${string}:${infer Name}`
    ? Name
    : never
type Output<R, Key extends string> = R extends { [K in Key]: infer Schema extends z.ZodType }
  ? z.output<Schema>
  : undefined
type Answer<R> = R extends { answer: infer Schema extends z.ZodType } ? z.output<Schema> : unknown

/** One checked request. `address` is the peer's IP. */
export type Call<N extends RouteName> = {
  params: Record<ParamNames<(typeof routes)[N]['path']>, string>
  query: Output<(typeof routes)[N], 'query'>
  body: Output<(typeof routes)[N], 'body'>
  caller: (typeof routes)[N]['auth'] extends 'none' ? null : Caller
  address: string
}
export type Handlers = { [N in RouteName]: (call: Call<N>) => Promise<Answer<(typeof routes)[N]>> }
export type Handler = (call: never) => Promise<unknown>
