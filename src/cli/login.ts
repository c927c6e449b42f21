import { rm } from 'node:fs/promises'
import { z } from 'zod'
import type { Account, Credentials } from '../protocol/accounts.ts'
import { isApiError } from '../protocol/errors.ts'
import type { Context, ServerChoice } from './context.ts'
import { failure } from './failure.ts'
import { localCode } from './outbox.ts'
import { readPrivateFile, writePrivateFile } from './private-file.ts'
import { ask } from './prompt.ts'

type RequestedCode = {
  loginId: string
  expiresAt: string
  /** The code itself where the server of this machine has no SMS gateway. */
  localCode: () => Promise<string | undefined>
}

/** Has a code sent to a phone. */
export const requestCode = async (context: Context, phone: string): Promise<RequestedCode> => {
  const server = await context.server()
  const { loginId, expiresAt } = await (await context.api(server)).call('startLogin', { body: { phone } })
  return { loginId, expiresAt, localCode: () => localCode(server, loginId) }
}

/** Proves a code and keeps the sign-in. */
export const proveCode = async (
  context: Context,
  loginId: string,
  code: string,
  name: string | undefined,
): Promise<Credentials> => {
  const server = await context.server()
  const signIn = await (await context.api(server)).call('verifyLogin', {
    params: { loginId },
    body: { code: code.replace(/\s/g, ''), name, client: `roomtone ${context.version} on ${process.platform}` },
  })
  await (await context.credentials(server)).save(signIn)
  return signIn
}

/** Has a code sent and remembers what it is for, so that a later call can finish. */
export const beginLogin = async (context: Context, phone: string | undefined): Promise<void> => {
  if (phone === undefined) throw failure('bad-input', 'say which number: --phone +4915112345678')
  const { loginId, expiresAt, localCode } = await requestCode(context, phone)
  await writePrivateFile(await pendingFile(context, await context.server()), { loginId, phone, expiresAt })
  const code = await localCode()
  if (code !== undefined) context.output.needed(`No SMS gateway is set on this machine's server: the code is ${code}`)
}

/** Proves the code of the login that is pending. */
export const finishLogin = async (
  context: Context,
  code: string,
  options: { phone?: string; name?: string },
): Promise<Account> => {
  const file = await pendingFile(context, await context.server())
  const pending = await readPrivateFile(file, pendingSchema)
  if (!pending || (options.phone !== undefined && digits(options.phone) !== digits(pending.phone)))
    throw failure('code-expired', 'no code is pending for this number: ask for one with login --phone')
  try {
    const { account } = await proveCode(context, pending.loginId, code, options.name)
    await rm(file, { force: true })
    return account
  } catch (error) {
    if (isApiError(error) && error.code === 'code-expired') await rm(file, { force: true })
    throw error
  }
}

/** On a terminal: asks for what was not given; a mistyped code is asked for again. */
export const askForLogin = async (context: Context, options: { phone?: string; name?: string }): Promise<Account> => {
  const phone = options.phone ?? (await ask(context, 'Phone number with country code: '))
  await beginLogin(context, phone)
  const name = options.name ?? (await ask(context, 'Your name (Enter when you have an account here): '))
  for (;;) {
    try {
      return await finishLogin(context, await ask(context, 'Code: '), { phone, name: name || undefined })
    } catch (error) {
      if (!isApiError(error) || error.code !== 'wrong-code') throw error
      context.output.problem(error)
    }
  }
}

/** Whether a sign-in or an access token for the server is there. */
export const isSignedIn = async (context: Context): Promise<boolean> => {
  const server = await context.server()
  return (await (await context.credentials(server)).token()) !== undefined
}

const pendingSchema = z.object({ loginId: z.uuid(), phone: z.string(), expiresAt: z.string() })

const pendingFile = async (context: Context, server: ServerChoice): Promise<string> =>
  (await context.credentialsFile(server)).replace(/\.json$/, '.pending.json')

const digits = (phone: string): string => phone.replace(/[^\d+]/g, '')
