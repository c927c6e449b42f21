import { type AlertMessage, type Alerts, createAlerts } from '../bot/watch/alerts.ts'
import { createWebhooks } from '../client/api-webhook.ts'
import type { UnhostedAlert } from '../server/unhosted.ts'
import { environmentOf } from './alert-environment.ts'
import type { Context } from './context.ts'
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
  context: Pick<Context, 'env' | 'version' | 'proxy'>,
  onProblem: (message: string) => void,
): { onUnhosted(alert: UnhostedAlert): void; close(): Promise<void> } => {
  const webhooks = createWebhooks({ client: `roomtone ${context.version}`, proxy: context.proxy() })
  const alerts = createAlerts({ post: webhooks.post, env: environmentOf(context.env), onProblem })
  return {
    onUnhosted: (alert) => alerts.tell(receivers, messageOf(alert)),
    close: async () => {
      await alerts.close()
      await webhooks.close()
    },
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
