import { rm } from 'node:fs/promises'
import { z } from 'zod'
import type { Account } from '../protocol/accounts.ts'
import { isApiError } from '../protocol/errors.ts'
import type { Context, ServerChoice } from './context.ts'
import { failure } from './failure.ts'
import { localCode } from './outbox.ts'
import { readPrivateFile, writePrivateFile } from './private-file.ts'
import { ask } from './prompt.ts'

const pendingSchema = z.object({ loginId: z.uuid(), phone: z.string(), expiresAt: z.string() })

/** Has a code sent and remembers what it is for, so that a later call can finish. Returns the code where no gateway is set. */
export const beginLogin = async (context: Context, phone: string | undefined): Promise<string | undefined> => {
  if (phone === undefined) throw failure('bad-input', 'say which number: --phone +4915112345678')
  const server = await context.server()
  const api = await context.api(server)
  // The server's clock is this machine's where the code is shown; a second of slack for rounding.
  const startedMs = Date.now() - 1000
  const { loginId, expiresAt } = await api.call('startLogin', { body: { phone } })
  await writePrivateFile(await pendingFile(context, server), { loginId, phone, expiresAt })
  const code = await localCode(server, phone, startedMs)
  if (code !== undefined) context.output.note(`No SMS gateway is set on this machine's server: the code is ${code}`)
  return code
}

/** Proves the code of the login that is pending and keeps the sign-in. */
export const finishLogin = async (
  context: Context,
  code: string,
  options: { phone?: string; name?: string },
): Promise<Account> => {
  const server = await context.server()
  const file = await pendingFile(context, server)
  const pending = await readPrivateFile(file, pendingSchema)
  if (!pending || (options.phone !== undefined && digits(options.phone) !== digits(pending.phone)))
    throw failure('code-expired', 'no code is pending for this number: ask for one with login --phone')
  const api = await context.api(server)
  try {
    const signIn = await api.call('verifyLogin', {
      params: { loginId: pending.loginId },
      body: {
        code: code.replace(/\s/g, ''),
        name: options.name,
        client: `roomtone ${context.version} on ${process.platform}`,
      },
    })
    await (await context.credentials(server)).save(signIn)
    await rm(file, { force: true })
    return signIn.account
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

const pendingFile = async (context: Context, server: ServerChoice): Promise<string> =>
  (await context.credentialsFile(server)).replace(/\.json$/, '.pending.json')

const digits = (phone: string): string => phone.replace(/[^\d+]/g, '')
