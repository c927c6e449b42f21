import { subscribe } from 'node:diagnostics_channel'

/**
 * Tells how long, in milliseconds, whoever answers 429 (RFC 6585) at `origin` wants to be left alone; null where it does
 * not say. livekit-server-sdk tells of a refusal without its headers, so they are read where Node's fetch publishes them.
 * For as long as the process runs.
 */
export const onTooManyRequests = (origin: string, tell: (retryAfterMs: number | null) => void): void =>
  subscribe('undici:request:headers', (message) => {
    const { request, response } = message as Answered
    if (response.statusCode !== 429 || request.origin !== origin) return
    const texts = response.headers.map(String)
    const at = texts.findIndex((text, index) => index % 2 === 0 && text.toLowerCase() === 'retry-after')
    tell(at < 0 ? null : retryAfterMs(texts[at + 1]!))
  })

type Answered = { request: { origin: string }; response: { statusCode: number; headers: Uint8Array[] } }

/** RFC 9110, 10.2.3: seconds, or a date. */
const retryAfterMs = (value: string): number | null => {
  if (/^\d+$/.test(value)) return Number(value) * 1_000
  const at = Date.parse(value)
  return Number.isNaN(at) ? null : Math.max(0, at - Date.now())
}
