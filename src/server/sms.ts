import { createHmac } from 'node:crypto'
import { appendFile, chmod } from 'node:fs/promises'
import { BlockList, isIP } from 'node:net'
import type { Log } from './deps.ts'

export type SmsOptions =
  | { door: 'console' }
  | { door: 'outbox'; path: string }
  /** `secret` signs what is posted. */
  | { door: 'webhook'; url: string; secret: string }

/** One text message. `id` names it for good: a gateway sees each at most once. */
type SmsMessage = { id: string; to: string; text: string }
export type SmsDoor = {
  /** Never rejects: a login answers the same whether the message left or not (R12). */
  send(message: SmsMessage): Promise<void>
  /** Messages stay on this machine. */
  isLocal: boolean
  /** Waits for messages under way. */
  close(): Promise<void>
}

/**
 * Refuses doors that show codes on this machine when others can reach the server, and an outbox that cannot be written:
 * nobody could ever sign in. Error code `bad-input`.
 */
export const checkSmsDoor = async (sms: SmsOptions, host: string): Promise<void> => {
  if (sms.door !== 'webhook' && !isLoopback(host))
    throw badInput(
      `The ${sms.door} SMS door is for this machine alone; to listen on ${host} name a gateway: --sms webhook:URL.`,
    )
  if (sms.door === 'outbox') await tryOutbox(sms.path)
}

const tryOutbox = async (path: string): Promise<void> => {
  try {
    await appendFile(path, '', { mode: 0o600 })
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException
    throw badInput(`The SMS outbox ${path} cannot be written: ${outboxTroubles[code] ?? code}.`)
  }
}

const outboxTroubles: Record<string, string> = {
  ENOENT: 'its folder does not exist',
  ENOTDIR: 'its folder is a file',
  EISDIR: 'it is a folder',
  EACCES: 'the system does not allow it',
  EPERM: 'the system does not allow it',
  EROFS: 'the disk is read-only',
  ENOSPC: 'the disk is full',
}

const badInput = (message: string) => Object.assign(new Error(message), { code: 'bad-input' })

export const createSmsDoor = (
  sms: SmsOptions,
  { now, log }: { now(): number; log: Log },
  /** Told of each message whether it left. */
  onDone: (isSent: boolean) => void = () => {},
): SmsDoor => {
  const deliver = deliveries[sms.door](sms as never, now)
  const underWay = new Set<Promise<void>>()
  const attempt = async (message: SmsMessage) => {
    try {
      await deliver(message)
      onDone(true)
    } catch (error) {
      onDone(false)
      // The cause alone, without the message: neither number nor code.
      const { code, name, message: text } = error as NodeJS.ErrnoException
      log('error', 'sms-failed', { door: sms.door, id: message.id, cause: code ?? (name === 'Error' ? text : name) })
    }
  }
  return {
    isLocal: sms.door !== 'webhook',
    send: (message) => {
      const sent = attempt(message).finally(() => underWay.delete(sent))
      underWay.add(sent)
      return sent
    },
    close: async () => {
      await Promise.all(underWay)
    },
  }
}

type Delivery = (message: SmsMessage) => Promise<void>

const deliveries: {
  [Door in SmsOptions['door']]: (sms: Extract<SmsOptions, { door: Door }>, now: () => number) => Delivery
} = {
  console:
    () =>
    async ({ to, text }) => {
      process.stderr.write(`SMS to ${to}: ${text}\n`)
    },
  outbox: ({ path }, now) => {
    let last: Promise<void> = Promise.resolve()
    return ({ id, to, text }) => {
      // One line a write, in order: a reader never sees half a message of another.
      const line = `${JSON.stringify({ id, at: new Date(now()).toISOString(), to, text })}\n`
      const append = () => appendFile(path, line, { mode: 0o600 }).then(() => chmod(path, 0o600))
      last = last.then(append, append)
      return last
    }
  },
  webhook:
    ({ url, secret }, now) =>
    async (message) => {
      const at = new Date(now()).toISOString()
      const body = JSON.stringify({ id: message.id, at, to: message.to, text: message.text })
      const answer = await fetch(url, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          'idempotency-key': message.id,
          'roomtone-timestamp': at,
          'roomtone-signature': `sha256=${createHmac('sha256', secret).update(`${at}.${body}`).digest('hex')}`,
        },
        body,
        redirect: 'error',
        signal: AbortSignal.timeout(10_000),
      })
      await answer.body?.cancel()
      if (!answer.ok) throw new Error(`the gateway answered ${answer.status}`)
    },
}

const loopback = new BlockList()
loopback.addSubnet('127.0.0.0', 8)
loopback.addAddress('::1', 'ipv6')

const isLoopback = (host: string): boolean =>
  host === 'localhost' || (isIP(host) > 0 && loopback.check(host, isIP(host) === 6 ? 'ipv6' : 'ipv4'))
