import { createServer } from 'node:http'
import { isIP } from 'node:net'
import type { SignalResponse } from '@livekit/protocol'
import { AccessToken, type VideoGrant, WebhookReceiver } from 'livekit-server-sdk'
import { openSignal } from '../client/packets-signal.ts'
import type { SwarmVerdict } from './swarm-judge.ts'
import { probeTurn } from './turn-probe.ts'

/** A LiveKit server and keys to it. */
export type FitnessTarget = { url: string; apiKey: string; apiSecret: string }

export type FitnessWants = {
  /** Fails where the server offers no TURN server. */
  turn: boolean
  runId: string
}

const WITHIN_MS = 5_000
const MAX_CLOCK_S = 30
/** Candidates trickle in. */
const CANDIDATES_MS = 1_500

/**
 * Whether a LiveKit server is fit for voice, but for the sound itself, which a swarm of two tells. The first verdict is on
 * whether it answers at all, alone when it does not.
 */
export const judgeFitness = async (target: FitnessTarget, wants: FitnessWants): Promise<SwarmVerdict[]> => {
  const [reachable, clock] = await askHttp(target.url)
  if (reachable!.outcome !== 'pass') return [reachable!]
  const joined = await lookInside(target, `check-${wants.runId}`)
  return [
    reachable!,
    clock!,
    ...(await judgeTokens(target, wants.runId)),
    joined.verdict,
    ...judgeCandidates(target.url, joined),
    ...(await judgeTurn(joined, wants.turn)),
  ]
}

const askHttp = async (url: string): Promise<SwarmVerdict[]> => {
  const httpUrl = url.replace(/^ws/, 'http')
  const told = { what: 'reachable', wanted: 'an HTTP answer within 5 s' }
  const startedMs = performance.now()
  try {
    const answer = await fetch(httpUrl, { signal: AbortSignal.timeout(WITHIN_MS) })
    const tookMs = performance.now() - startedMs
    const offS = (Date.parse(answer.headers.get('date') ?? '') - Date.now()) / 1000
    const isSecure = httpUrl.startsWith('https:')
    const how = isSecure
      ? 'by TLS, with a certificate that is trusted here'
      : 'without TLS: browsers elsewhere will not'
    return [
      { ...told, ...pass, measured: `HTTP ${answer.status} in ${tookMs.toFixed(0)} ms`, evidence: [how] },
      clockVerdict(offS),
    ]
  } catch (error) {
    const { message, cause } = error as Error & { cause?: { code?: string; message?: string } }
    return [
      { ...told, ...fail, code: 'unreachable', measured: null, evidence: [cause?.code ?? cause?.message ?? message] },
    ]
  }
}

const clockVerdict = (offS: number): SwarmVerdict => {
  const told = {
    what: 'clock',
    wanted: `within ${MAX_CLOCK_S} s of this machine's: tokens are good from and until a time`,
  }
  if (Number.isNaN(offS)) return { ...told, ...unknown, measured: null, evidence: ['it does not tell its time'] }
  const measured = `${offS < 0 ? '' : '+'}${offS.toFixed(0)} s`
  return { ...told, ...(Math.abs(offS) <= MAX_CLOCK_S ? pass : fail), measured, evidence: ['the Date of its answer'] }
}

/** It must take what its keys signed, and refuse all else. */
const judgeTokens = async (target: FitnessTarget, runId: string): Promise<SwarmVerdict[]> => {
  const room = `check-${runId}-tokens`
  const grant: VideoGrant = { roomJoin: true, room }
  const cases: [name: string, token: string][] = [
    ['of another secret', await tokenOf({ ...target, apiSecret: 'x'.repeat(32) }, grant)],
    ['of an unknown key', await tokenOf({ ...target, apiKey: 'unknown' }, grant)],
    // jose takes a point in time as seconds since 1970.
    ['that has expired', await tokenOf(target, grant, '-1h')],
    ['without the right to join', await tokenOf(target, { room })],
  ]
  const answers = await Promise.all(cases.map(([, token]) => answerTo(target.url, token)))
  const named = (answer: Answer) => cases.filter((_, i) => answers[i] === answer).map(([name]) => name)
  const taken = named('taken').map((name) => `a token ${name} was taken`)
  const unclear = named('none').map((name) => `no answer to a token ${name}`)
  const told = {
    what: 'tokens',
    wanted: 'tokens that are not good are refused',
    measured: `${named('refused').length} of ${cases.length} refused`,
  }
  return [
    {
      ...told,
      ...(taken.length > 0 ? fail : unclear.length > 0 ? unknown : pass),
      evidence: [...taken, ...unclear, ...named('refused')],
    },
  ]
}

const tokenOf = async ({ apiKey, apiSecret }: FitnessTarget, grant: VideoGrant, ttl = '10m'): Promise<string> => {
  const token = new AccessToken(apiKey, apiSecret, { identity: 'check', ttl })
  token.addGrant(grant)
  return token.toJwt()
}

type Answer = 'taken' | 'refused' | 'none'

const answerTo = async (url: string, token: string): Promise<Answer> => {
  try {
    const signal = await openSignal({ ...asked(url, token), onMessage: () => {}, onEnd: () => {} })
    await signal.close()
    return 'taken'
  } catch (error) {
    return (error as { code?: string }).code === 'sign-in-needed' ? 'refused' : 'none'
  }
}

const asked = (url: string, token: string) => ({ url, token, autoSubscribe: true, timeoutMs: WITHIN_MS })

type Inside = {
  verdict: SwarmVerdict
  candidates: string[]
  turn: { url: string; username: string; credential: string }[]
}

/** Comes in by signalling alone, and listens to what a client is told. */
const lookInside = async (target: FitnessTarget, room: string): Promise<Inside> => {
  const messages: SignalResponse['message'][] = []
  const told = { what: 'signalling', wanted: 'a token of its keys is taken, and Opus is spoken' }
  const none = { candidates: [], turn: [] }
  const startedMs = performance.now()
  try {
    let onJoin: () => void = () => {}
    const isIn = new Promise<void>((resolve) => {
      onJoin = resolve
    })
    const token = await tokenOf(target, { roomJoin: true, room })
    const signal = await openSignal({
      ...asked(target.url, token),
      onMessage: (message) => {
        messages.push(message)
        if (message.case === 'join') onJoin()
      },
      onEnd: () => onJoin(),
    })
    await Promise.race([isIn, pause(WITHIN_MS)])
    const tookMs = performance.now() - startedMs
    await pause(CANDIDATES_MS)
    await signal.close()
    const join = messages.find((message) => message.case === 'join')?.value
    if (!join)
      return { ...none, verdict: { ...told, ...fail, measured: null, evidence: ['it never let the participant in'] } }
    const codecs = join.enabledPublishCodecs.map(({ mime }) => mime.toLowerCase())
    const isOpus = codecs.length === 0 || codecs.includes('audio/opus')
    const version = join.serverInfo?.version || join.serverVersion || 'of unknown version'
    return {
      verdict: {
        ...told,
        ...(isOpus ? pass : fail),
        measured: `joined in ${tookMs.toFixed(0)} ms`,
        evidence: [`server ${version}`, isOpus ? 'takes audio/opus' : `takes only ${codecs.join(', ')}`],
      },
      candidates: messages.flatMap(candidatesOf),
      turn: join.iceServers.flatMap(({ urls, username, credential }) =>
        urls.filter((url) => /^turns?:/i.test(url)).map((url) => ({ url, username, credential })),
      ),
    }
  } catch (error) {
    const { message, code } = error as Error & { code?: string }
    return { ...none, verdict: { ...told, ...fail, code: code ?? null, measured: null, evidence: [message] } }
  }
}

const candidatesOf = (message: SignalResponse['message']): string[] => {
  const text =
    message.case === 'trickle' ? message.value.candidateInit : message.case === 'offer' ? message.value.sdp : ''
  return text.match(/candidate:\S+ \d+ \S+ \d+ \S+ \d+ typ \S+/g) ?? []
}

const judgeCandidates = (url: string, { verdict, candidates }: Inside): SwarmVerdict[] => {
  if (verdict.outcome !== 'pass') return []
  const told = { what: 'ice', wanted: 'an address for sound that leads there from here' }
  const parts = candidates.map((candidate) => candidate.split(' '))
  const ways = [
    ...new Set(parts.map(([, , protocol, , address, port]) => `${protocol!.toLowerCase()} ${address} port ${port}`)),
  ]
  if (ways.length === 0) return [{ ...told, ...unknown, measured: null, evidence: ['it named no address of its own'] }]
  const { hostname } = new URL(url)
  const isPublic =
    isIP(hostname) === 0 ? hostname.includes('.') && !/\.(local|internal|test)$/.test(hostname) : !isPrivate(hostname)
  const leadsNowhere = isPublic && parts.every(([, , , , address]) => isPrivate(address!))
  const measured = `${ways.length} ${ways.length === 1 ? 'way' : 'ways'}, ${ways.some((way) => way.startsWith('udp')) ? 'UDP' : 'no UDP'}${ways.some((way) => way.startsWith('tcp')) ? ' and TCP' : ''}`
  const evidence = leadsNowhere ? ['all its addresses are private ones: set its external address', ...ways] : ways
  return [{ ...told, ...(leadsNowhere || !measured.includes(', UDP') ? fail : pass), measured, evidence }]
}

const isPrivate = (address: string): boolean =>
  /^(10\.|127\.|192\.168\.|169\.254\.|172\.(1[6-9]|2\d|3[01])\.|100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.)/.test(
    address,
  ) ||
  /^\[?(::1|f[cd]|fe80)/i.test(address) ||
  address.endsWith('.local')

const judgeTurn = async ({ verdict, turn }: Inside, isWanted: boolean): Promise<SwarmVerdict[]> => {
  if (verdict.outcome !== 'pass') return []
  const told = {
    what: 'turn',
    wanted: isWanted ? 'a TURN server that relays' : 'every TURN server that it names relays',
  }
  if (turn.length === 0) {
    const evidence = ['it names no TURN server: people behind strict firewalls may hear nothing']
    return [{ ...told, ...(isWanted ? fail : pass), measured: 'none', evidence }]
  }
  const tried = await Promise.all(
    turn.map(async (server) => {
      try {
        return { isWell: true, says: `${server.url}: a relay in ${(await probeTurn(server)).tookMs.toFixed(0)} ms` }
      } catch (error) {
        return { isWell: false, says: `${server.url}: ${(error as Error).message}` }
      }
    }),
  )
  const well = tried.filter(({ isWell }) => isWell).length
  const outcome = well === tried.length ? pass : fail
  return [
    { ...told, ...outcome, measured: `${well} of ${tried.length} relay`, evidence: tried.map(({ says }) => says) },
  ]
}

/**
 * Listens where the server's webhooks go. `verdict` waits up to 5 s for one that the keys signed and that is about
 * `rooms`. Throws what listening throws.
 */
export const listenForWebhooks = async (
  { host, port }: { host: string; port: number },
  { apiKey, apiSecret }: FitnessTarget,
) => {
  const receiver = new WebhookReceiver(apiKey, apiSecret)
  const heard: { event: string; room: string }[] = []
  const refused: string[] = []
  const http = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    try {
      const { event, room } = await receiver.receive(body, request.headers.authorization)
      heard.push({ event, room: room?.name ?? '' })
    } catch (error) {
      refused.push((error as Error).message)
    }
    response.writeHead(200).end()
  })
  await new Promise<void>((resolve, reject) => {
    http.once('error', reject)
    http.listen(port, host, resolve)
  })
  return {
    verdict: async (rooms: string[]): Promise<SwarmVerdict> => {
      const told = { what: 'webhooks', wanted: 'a signed webhook about this check within 5 s' }
      const ours = () => heard.filter(({ room }) => rooms.includes(room))
      for (const endMs = performance.now() + WITHIN_MS; performance.now() < endMs && ours().length === 0; )
        await pause(50)
      const names = [...new Set(ours().map(({ event }) => event))]
      if (names.length > 0) return { ...told, ...pass, measured: `${ours().length} came`, evidence: names }
      const why =
        refused.length > 0 ? `one came whose signature is not good: ${refused[0]}` : `none came to ${host}:${port}`
      return { ...told, ...fail, measured: null, evidence: [why] }
    },
    close: () => {
      http.closeAllConnections()
      return new Promise<void>((resolve) => http.close(() => resolve()))
    },
  }
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

const pass = { outcome: 'pass', code: null } as const
const fail = { outcome: 'fail', code: null } as const
const unknown = { outcome: 'inconclusive', code: 'no-data' } as const
