import { bindingFor } from './bindings.ts'
import { emptySignIn, type Happening, type Model, type SignIn, type Step, step } from './model.ts'
import { editText } from './text-edit.ts'

type SignInHappening = Extract<
  Happening,
  { type: 'signed-in' | 'sign-in-needed' | 'offline' | 'login-started' | 'login-code' | 'login-failed' }
>

/** Who you are, and whether there is a server to ask. */
export const reduceSignIn = (model: Model, happening: SignInHappening): Step => {
  switch (happening.type) {
    case 'signed-in':
      return step(
        { ...model, account: happening.account, screen: 'hallway', offline: null, signIn: emptySignIn, overlay: null },
        { do: 'load-rooms', search: '' },
      )
    case 'sign-in-needed':
      return step({ ...model, account: null, screen: 'sign-in', offline: null, overlay: null })
    case 'offline':
      return step(goOffline(model, happening.cause))
    case 'login-started':
      return step(signIn(model, { step: 'name', text: '', loginId: happening.loginId, isBusy: false, error: null }))
    case 'login-code':
      return step(signIn(model, { localCode: happening.code }))
    case 'login-failed':
      return step(loginFailed(model, happening))
  }
}

export const reduceSignInKey = (model: Model, key: string): Step => {
  const { signIn: now } = model
  if (now.isBusy) return step(model)
  const action = bindingFor(model, key)?.action
  if (action === 'back') {
    if (now.step === 'code') return step(signIn(model, { step: 'name', text: now.name, error: null }))
    return step(now.step === 'name' ? { ...model, signIn: { ...emptySignIn, text: now.phone } } : model)
  }
  if (action === 'submit') return submit(model)
  return step(signIn(model, { text: editText(now.text, key, 60), error: null }))
}

/** Next try after 1, 2, 4, 8, then every 15 seconds. */
export const goOffline = (model: Model, cause: string): Model => {
  const attempts = (model.offline?.attempts ?? 0) + 1
  const waitMs = Math.min(15_000, 500 * 2 ** attempts)
  const sinceMs = model.offline?.sinceMs ?? model.nowMs
  return {
    ...model,
    screen: 'offline',
    overlay: null,
    offline: { cause, sinceMs, attempts, retryAtMs: model.nowMs + waitMs },
  }
}

const signIn = (model: Model, change: Partial<SignIn>): Model => ({ ...model, signIn: { ...model.signIn, ...change } })

const submit = (model: Model): Step => {
  const { step: at, text, loginId, name } = model.signIn
  const typed = text.trim()
  if (at === 'name') return step(signIn(model, { step: 'code', name: typed, text: '', error: null }))
  if (typed === '') return step(model)
  const busy = signIn(model, { isBusy: true, error: null })
  if (at === 'phone') return step(signIn(busy, { phone: typed }), { do: 'start-login', phone: typed })
  if (loginId === null) return step({ ...model, signIn: emptySignIn })
  return step(busy, { do: 'verify-login', loginId, code: typed, ...(name ? { name } : {}) })
}

const loginFailed = (model: Model, failure: Extract<Happening, { type: 'login-failed' }>): Model => {
  const { code, field, message } = failure
  const { phone, name, text } = model.signIn
  if (field === 'name') return signIn(model, { step: 'name', text: name, isBusy: false, error: message })
  // A used-up code needs a new one, so the number stands ready to be sent again.
  if (code === 'code-expired') return { ...model, signIn: { ...emptySignIn, text: phone, error: message } }
  return signIn(model, { isBusy: false, error: message, text: code === 'wrong-code' ? '' : text })
}
