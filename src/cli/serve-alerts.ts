import { type AlertMessage, type Alerts, createAlerts } from '../bot/watch/alerts.ts'
import type { UnhostedAlert } from '../server/unhosted.ts'
import { failure } from './failure.ts'

type Receiver = Parameters<Alerts['tell']>[0][number]

/** `webhook:URL` or `command:PROGRAM ARGUMENT…`, as `serve --alert` takes it. */
export const alertReceiver = (text: string): Receiver => {
  const [, kind, rest = ''] = /^(webhook|command):(.+)$/s.exec(text) ?? []
  if (kind === 'command' && rest.trim() !== '') return { kinds: [], command: rest.trim().split(/\s+/) }
  if (kind === 'webhook' && /^https?:\/\//.test(rest) && URL.canParse(rest)) return { kinds: [], webhook: rest }
  throw failure('bad-input', `--alert is webhook:URL or command:PROGRAM, not "${text}"`)
}

/** Tells each receiver once of a scheduled session that nobody opened, and once when somebody has. */
export const createServeAlerts = (
  receivers: Receiver[],
  { env, onProblem }: { env: NodeJS.ProcessEnv; onProblem(message: string): void },
): { onUnhosted(alert: UnhostedAlert): void; close(): Promise<void> } => {
  const alerts = createAlerts({ post, env, onProblem })
  return {
    onUnhosted: (alert) => alerts.tell(receivers, messageOf(alert)),
    close: alerts.close,
  }
}

const messageOf = ({ state, at, startsAt, name, title }: UnhostedAlert): Omit<AlertMessage, 'id'> => ({
  at,
  kind: 'unhosted',
  state,
  since: startsAt,
  session: name,
  title,
  sitting: startsAt,
  message:
    state === 'began'
      ? `Nobody has opened "${title}", which began at ${startsAt}.`
      : `"${title}", which began at ${startsAt}, has been opened.`,
})

const post = async (url: string, message: AlertMessage, signal: AbortSignal): Promise<void> => {
  const answer = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'idempotency-key': message.id },
    body: JSON.stringify(message),
    redirect: 'error',
    signal,
  })
  await answer.body?.cancel()
  if (!answer.ok) throw new Error(`it answered ${answer.status}`)
}
