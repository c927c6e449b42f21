import type { Account } from '../../protocol/accounts.ts'
import type { WayOut } from './deps.ts'
import { doUsual, type Line, nextLine } from './usual.ts'
import { parseLine } from './vocabulary.ts'

/** What an input that ends says of how far it came (docs of the command line: 4 sign-in needed, 7 unreachable). */
const signInCode = 4
const unreachableCode = 7

/** Who you are: known, found, or asked for; while the server does not answer it is tried again. */
export const reachAccount = async (line: Line, known: Account | undefined): Promise<{ account: Account } | WayOut> => {
  const { deps } = line
  if (known) return { account: known }
  for (let attempts = 1, told = ''; ; ) {
    try {
      if (await deps.isSignedIn()) return { account: await deps.account() }
      return await signIn(line)
    } catch (error) {
      const { message } = error as Error
      if (codeOf(error) === 'sign-in-needed') return signIn(line)
      // Said once, not with every try.
      if (message !== told) line.talk.say(`${message} It is tried again by itself; retry tries at once, quit ends.`)
      told = message
      const way = await waitForRetry(line, Math.min(15_000, 500 * 2 ** attempts))
      if (way) return way
      attempts += 1
    }
  }
}

const waitForRetry = async (line: Line, waitMs: number): Promise<WayOut | undefined> => {
  let timer: NodeJS.Timeout | undefined
  const due = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, waitMs)
  })
  try {
    for (;;) {
      const typed = await nextLine(line, unreachableCode, due)
      if ('exitCode' in typed) return typed
      if ('until' in typed) return undefined
      const way = await wordBesideText(line, typed.line)
      if (way === 'retry') return undefined
      if (way === undefined) line.talk.note('The server does not answer yet: retry, screen or quit.')
      else if (typeof way === 'object') return way
    }
  } finally {
    clearTimeout(timer)
  }
}

type Step = 'phone' | 'name' | 'code'

const questions: Record<Step, string> = {
  phone: 'Sign in with your phone number. Type it with country code, such as +49 151 12345678.',
  name: 'How shall others call you? Type your name, or press Enter if you have an account here.',
  code: 'Type the code that was sent to you.',
}

const signIn = async (line: Line): Promise<{ account: Account } | WayOut> => {
  const { deps, talk } = line
  let step: Step = 'phone'
  let [loginId, name] = ['', '']
  talk.say(questions.phone)
  for (;;) {
    const typed = await ask(line, step)
    if (typeof typed !== 'string') {
      if (!('back' in typed)) return typed
      step = step === 'code' ? 'name' : 'phone'
      talk.say(questions[step])
      continue
    }
    try {
      if (step === 'phone') {
        const started = await deps.login.start(typed)
        loginId = started.loginId
        const code = await started.localCode?.()
        if (code !== undefined) talk.say(`No SMS gateway is set on this machine's server: the code is ${code}.`)
        step = 'name'
      } else if (step === 'name') {
        name = typed
        step = 'code'
      } else {
        const { account } = await deps.login.verify(loginId, typed, name || undefined)
        return { account }
      }
    } catch (error) {
      talk.note((error as Error).message)
      step = stepAfter(step, error)
    }
    talk.say(questions[step])
  }
}

const stepAfter = (step: Step, error: unknown): Step => {
  if ((error as { field?: unknown }).field === 'name') return 'name'
  return codeOf(error) === 'code-expired' ? 'phone' : step
}

/** The next text that is no word of line mode; only a name may stay empty. */
const ask = async (line: Line, step: Step): Promise<string | { back: true } | WayOut> => {
  for (;;) {
    const typed = await nextLine(line, signInCode)
    if ('exitCode' in typed) return typed
    const text = 'line' in typed ? typed.line.trim() : ''
    const way = await wordBesideText(line, text)
    if (way === 'back') return { back: true }
    if (typeof way === 'object') return way
    if (way !== undefined) continue
    if (step === 'code' && !/^[\d\s]+$/.test(text)) line.talk.note('A code has digits alone.')
    else if (text !== '' || step === 'name') return text
  }
}

/** The few words that count where text is asked for; undefined: it is that text. */
const wordBesideText = async (line: Line, text: string): Promise<'back' | 'retry' | 'done' | WayOut | undefined> => {
  const input = parseLine(text, 'hallway')
  if (!('does' in input) || input.does === 'join') return undefined
  if (input.does === 'quit') return { exitCode: 0 }
  if (input.does === 'back' || input.does === 'retry') return input.does
  if (input.does === 'help') {
    line.talk.say('Type what is asked for, or: back, one step back; screen, the full screen; quit, the end.')
    return 'done'
  }
  if (!besideText.includes(input.does)) return undefined
  const way = await doUsual(line, input, 'hallway')
  return typeof way === 'object' ? way : 'done'
}

const besideText = ['screen', 'suspend', 'again', 'say', 'kinds']

const codeOf = (error: unknown): unknown => (error as { code?: unknown }).code
