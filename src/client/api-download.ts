import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { request } from 'undici'
import { type ApiOptions, describeCause, openDispatcher } from './api.ts'

export type Download = {
  /** Where it came from after all redirections. */
  url: string
  status: number
  header(name: string): string | undefined
  /** Once. Ending the loop early, or the signal, closes the connection. */
  body: AsyncIterable<Uint8Array>
  close(): void
}

export type DownloadOptions = {
  headers?: Record<string, string>
  proxy?: ApiOptions['proxy']
  /** Until the answer begins. */
  withinMs: number
  signal: AbortSignal
}

const MAX_REDIRECTIONS = 5
const MAX_HEAD_BYTES = 16_384

/**
 * Gets whatever an http or https address answers, as a stream without an end to its time; redirections are followed.
 * Throws an Error with code `unreachable` where nothing answers, `bad-input` for an address that is none.
 */
export const download = async (address: string, options: DownloadOptions): Promise<Download> => {
  let url = parseAddress(address)
  for (let hops = 0; hops <= MAX_REDIRECTIONS; hops++) {
    const answer = await get(url, options)
    const location = answer.header('location')
    if (![301, 302, 303, 307, 308].includes(answer.status) || !location) return answer
    answer.close()
    url = parseAddress(location, url)
  }
  throw unreachable(address, 'it redirects without end')
}

const parseAddress = (address: string, base?: URL): URL => {
  const url = URL.canParse(address, base?.href) ? new URL(address, base) : undefined
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return url
  throw Object.assign(new Error(`${address} is not an http or https address.`), { code: 'bad-input' })
}

const get = async (url: URL, options: DownloadOptions): Promise<Download> => {
  const { headers, proxy, withinMs, signal } = options
  const dispatcher = openDispatcher(proxy)
  try {
    const {
      statusCode,
      headers: answered,
      body,
    } = await request(url, {
      dispatcher,
      headers: { 'user-agent': 'roomtone', ...headers },
      signal,
      headersTimeout: withinMs,
      bodyTimeout: 0,
    })
    // What breaks it is told to whoever reads it.
    body.on('error', () => {})
    return {
      url: url.href,
      status: statusCode,
      header: (name) => [answered[name]].flat()[0],
      body,
      close: () => void dispatcher.destroy().catch(() => {}),
    }
  } catch (error) {
    void dispatcher.destroy().catch(() => {})
    signal.throwIfAborted()
    if (isNoHttp(error) && !proxy?.http && !proxy?.https) return getShoutcast(url, options)
    throw unreachable(url.href, describeCause(error as Error))
  }
}

/** The first servers of internet radio begin their answer with `ICY 200 OK`, which no parser of HTTP takes. */
const isNoHttp = (error: unknown) => (error as Error).name === 'HTTPParserError'

const getShoutcast = async (url: URL, { headers, withinMs, signal }: DownloadOptions): Promise<Download> => {
  const isTls = url.protocol === 'https:'
  const [host, port] = [url.hostname.replace(/^\[|\]$/g, ''), Number(url.port) || (isTls ? 443 : 80)]
  const socket: Socket = isTls ? connectTls({ host, port, servername: host }) : connect({ host, port })
  socket.on('error', () => {})
  const close = () => socket.destroy()
  signal.addEventListener('abort', close)
  socket.once('close', () => signal.removeEventListener('abort', close))
  const timer = setTimeout(close, withinMs)
  try {
    const asked = Object.entries({ host: url.host, 'user-agent': 'roomtone', ...headers })
    socket.write(
      `GET ${url.pathname}${url.search} HTTP/1.0\r\n${asked.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`,
    )
    const { head, rest } = await readHead(socket)
    const [first = '', ...lines] = head.split(/\r?\n/)
    const status = Number(/^ICY (\d{3})/.exec(first)?.[1])
    if (!status) throw new Error('it does not speak HTTP')
    const answered = new Map(
      lines.map(
        (line) => [line.split(':')[0]!.trim().toLowerCase(), line.slice(line.indexOf(':') + 1).trim()] as const,
      ),
    )
    socket.unshift(rest)
    return { url: url.href, status, header: (name) => answered.get(name), body: socket, close }
  } catch (error) {
    close()
    signal.throwIfAborted()
    throw unreachable(url.href, describeCause(error as Error))
  } finally {
    clearTimeout(timer)
  }
}

const readHead = async (socket: Socket): Promise<{ head: string; rest: Buffer }> => {
  let bytes = Buffer.alloc(0)
  const over = once(socket, 'close').then(() => Promise.reject(new Error('it closed the connection')))
  over.catch(() => {})
  while (bytes.length < MAX_HEAD_BYTES) {
    const chunk: Buffer | null = socket.read()
    if (!chunk) {
      await Promise.race([once(socket, 'readable'), over])
      if (socket.readableEnded) await over
      continue
    }
    bytes = Buffer.concat([bytes, chunk])
    const end = /\r?\n\r?\n/.exec(bytes.toString('latin1'))
    if (end) return { head: bytes.toString('latin1', 0, end.index), rest: bytes.subarray(end.index + end[0].length) }
  }
  throw new Error('its answer has no end')
}

const unreachable = (address: string, cause: string) =>
  Object.assign(new Error(`Nothing answers at ${address}: ${cause}.`), { code: 'unreachable' })
