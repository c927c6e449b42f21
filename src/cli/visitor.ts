import { type Context, createContext } from './context.ts'
import { failure } from './failure.ts'
import { proveCode, requestCode } from './login.ts'

/** A person with a home that is thrown away: none of the user's own settings, sign-ins or servers count. */
export const visitor = (context: Context, home: string, profile: string) => {
  const env = Object.fromEntries(
    Object.entries(context.env).filter(([name]) => !/^(DATABASE_URL$|LIVEKIT_|ROOMTONE_)/.test(name)),
  )
  const { stdin, stdout, stderr, version, program } = context
  const control = createContext({
    stdin,
    stdout,
    stderr,
    version,
    program,
    env: { ...env, ROOMTONE_HOME: home },
    workingFolder: home,
  })
  control.setFlags({ ...context.flags(), server: undefined, profile })
  return control
}

/** Makes an account on that home's own server, and keeps its sign-in there. */
export const signInAt = async (context: Context, phone: string, name: string): Promise<void> => {
  const { loginId, localCode } = await requestCode(context, phone)
  const code = await localCode()
  if (code === undefined) throw failure('server-failed', 'the server of this machine sent no code')
  await proveCode(context, loginId, code, name)
}
