import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Alert, AlertKind } from '../script/script.ts'
import { runAlertCommand } from './alert-command.ts'

/** What a command reads on stdin and a webhook gets: one JSON object. Times are ISO 8601 UTC. */
export type AlertMessage = {
  /** Names this message for good: a receiver that gets it twice can tell. */
  id: string
  at: string
  kind: AlertKind
  /** Once `began`, once `over`. */
  state: 'began' | 'over'
  since: string
  session: string
  title: string
  /** Start of the sitting that it is about; null where there is none. */
  sitting: string | null
  message: string
}

export type AlertsOptions = {
  /** Posts JSON; rejects where it was not taken. */
  post(url: string, message: AlertMessage, signal: AbortSignal): Promise<void>
  /** All that a command finds in its environment. */
  env: Record<string, string | undefined>
  /** An alert could not be delivered: a sentence, without what a webhook's address may keep secret. */
  onProblem(message: string): void
  /** A command that takes longer is ended with all that it started. */
  commandMs?: number
  /** Before each further try of a webhook. */
  backoffMs?: readonly number[]
}

export type Alerts = {
  /** To all of `alerts` that are for this kind. Returns at once: nothing that sounds waits for an alert. */
  tell(alerts: readonly Alert[], message: Omit<AlertMessage, 'id'>): void
  /** Waits a little for what is under way, then ends it. */
  close(): Promise<void>
}

const BACKOFF_MS = [1_000, 5_000, 30_000, 120_000, 600_000]
const COMMAND_MS = 10_000
const POST_MS = 10_000
const LAST_WORDS_MS = 2_000
/** Of one receiver; more than that it has been deaf for too long to be told all. */
const MAX_WAITING = 50

/**
 * Delivers alerts: to each receiver in order, one after the other, so that `over` never comes before `began`. A command
 * is run once, a webhook is tried six times within thirteen minutes.
 */
export const createAlerts = (options: AlertsOptions): Alerts => {
  const { post, env, onProblem, commandMs = COMMAND_MS, backoffMs = BACKOFF_MS } = options
  const closing = new AbortController()
  const receivers = new Map<string, { waiting: number; last: Promise<void> }>()

  const postPatiently = async (url: string, message: AlertMessage) => {
    for (let tries = 0; ; tries++) {
      try {
        return await post(url, message, AbortSignal.any([closing.signal, AbortSignal.timeout(POST_MS)]))
      } catch (error) {
        const pauseMs = backoffMs[tries]
        if (closing.signal.aborted || pauseMs === undefined) throw error
        await sleep(pauseMs, undefined, { signal: closing.signal })
      }
    }
  }

  const deliver = async (alert: Alert, message: AlertMessage) => {
    try {
      if ('webhook' in alert) await postPatiently(alert.webhook, message)
      else await runAlertCommand(alert.command, message, { env, withinMs: commandMs, signal: closing.signal })
    } catch (error) {
      onProblem(`The alert "${message.kind}" (${message.state}) did not reach ${nameOf(alert)}: ${whyOf(error)}.`)
    }
  }

  return {
    tell: (alerts, told) => {
      const message = { id: randomUUID(), ...told }
      for (const alert of alerts) {
        if (alert.kinds.length > 0 && !alert.kinds.includes(told.kind)) continue
        const key = JSON.stringify('webhook' in alert ? alert.webhook : alert.command)
        const receiver = receivers.get(key) ?? { waiting: 0, last: Promise.resolve() }
        receivers.set(key, receiver)
        if (receiver.waiting >= MAX_WAITING) continue
        receiver.waiting++
        receiver.last = receiver.last.then(() => deliver(alert, message)).finally(() => receiver.waiting--)
      }
    },
    close: async () => {
      const all = Promise.all([...receivers.values()].map(({ last }) => last))
      await Promise.race([all, sleep(LAST_WORDS_MS, undefined, { ref: false })])
      closing.abort()
      await all
    },
  }
}

/** A webhook's path is often its secret. */
const nameOf = (alert: Alert): string => ('webhook' in alert ? new URL(alert.webhook).origin : alert.command[0]!)

const whyOf = (error: unknown): string => {
  const { name, message } = error as Error
  return name === 'TimeoutError' ? 'no answer in time' : name === 'AbortError' ? 'the bot ended first' : message
}
