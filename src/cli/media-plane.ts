import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { z } from 'zod'
import { probeMediaServer } from '../server/media-service.ts'
import { failure } from './failure.ts'
import { readPrivateFile, writePrivateFile } from './private-file.ts'

/**
 * Keys of the media plane; with `url` a LiveKit server elsewhere, else the embedded one. `notice`: one sentence on what
 * may not be as it was meant, or does not work now.
 */
export type MediaPlaneChoice = { url?: string; apiKey: string; apiSecret: string; notice?: string }

/**
 * All three LIVEKIT_ variables name a LiveKit server; key and secret alone are the embedded one's; with none of them
 * key and secret are random and kept (0600) in the data folder. Error code `bad-input`.
 */
export const mediaPlane = async (env: NodeJS.ProcessEnv, dataDir: string): Promise<MediaPlaneChoice> => {
  const { LIVEKIT_URL: url, LIVEKIT_API_KEY: apiKey, LIVEKIT_API_SECRET: apiSecret } = env
  if (apiKey && apiSecret) {
    if (url && !(URL.canParse(url) && /^(wss?|https?):$/.test(new URL(url).protocol)))
      throw failure('bad-input', `LIVEKIT_URL must be a URL such as wss://livekit.example.org, not "${url}"`)
    if (!url) return { apiKey, apiSecret, notice: withoutUrl }
    // Down is no mistake, it may come back; a server of another kind will never be one.
    const problem = await probeMediaServer({ url, apiKey, apiSecret })
    if (problem?.code === 'not-livekit') throw failure('bad-input', `LIVEKIT_URL: ${problem.message}`)
    return { url, apiKey, apiSecret, notice: problem?.message }
  }
  const missing = [!apiKey && 'LIVEKIT_API_KEY', !apiSecret && 'LIVEKIT_API_SECRET'].filter(Boolean).join(' and ')
  if (url || apiKey || apiSecret)
    throw failure('bad-input', `${missing} missing: set LIVEKIT_URL with key and secret, key and secret alone, or none`)
  return keptKeys(join(dataDir, 'media-keys.json'))
}

const withoutUrl = 'LIVEKIT_URL is not set, so the embedded media server runs, with this API key and secret.'

const keysSchema = z.object({ apiKey: z.string().min(1), apiSecret: z.string().min(32) })

const keptKeys = async (file: string): Promise<MediaPlaneChoice> => {
  const kept = await readPrivateFile(file, keysSchema)
  if (kept) return kept
  const keys = { apiKey: `RT${randomBytes(6).toString('hex')}`, apiSecret: randomBytes(32).toString('base64url') }
  await writePrivateFile(file, keys)
  return keys
}
