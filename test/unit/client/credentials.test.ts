import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createApi } from '../../../src/client/api.ts'
import { fileCredentials, type SignIn } from '../../../src/client/credentials.ts'
import { apiError } from '../../../src/protocol/errors.ts'
import { mountSmallDisk } from '../../support/small-disk.ts'

let folder: string
let file: string
beforeEach(() => {
  folder = mkdtempSync('/tmp/roomtone-credentials-')
  file = join(folder, 'sign-in.json')
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const signIn = (number: number): SignIn => ({
  accessToken: `access-${number}`,
  accessExpiresAt: '2026-11-21T19:00:00.000Z',
  refreshToken: `refresh-${number}`,
  sessionId: '2f6c1a54-53c2-4a65-8f0e-6a1f0c0b7d01',
  account: { id: randomUUID(), handle: 'lena', name: 'Lena', kind: 'person', isOperator: false },
  isNew: false,
})

describe('a sign-in in a file', () => {
  it('is readable by its owner alone and leaves nothing beside it', async () => {
    const credentials = fileCredentials(file)
    expect(await credentials.token()).toBeUndefined()
    await credentials.save(signIn(1))
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(await credentials.token()).toBe('access-1')
    await credentials.clear()
    expect(await credentials.load()).toBeUndefined()
    expect(readdirSync(folder)).toEqual([])
  })

  it('is refused with a sentence, and kept, when it is damaged', async () => {
    writeFileSync(file, '{"accessToken": 1')
    await expect(fileCredentials(file).token()).rejects.toMatchObject({ code: 'bad-config', message: /damaged/ })
    expect(readFileSync(file, 'utf8')).toBe('{"accessToken": 1')
  })

  it('shows a refresh token once, however many ask at the same time', async () => {
    await fileCredentials(file).save(signIn(1))
    const shown: string[] = []
    const trade = async (refreshToken: string) => {
      shown.push(refreshToken)
      return signIn(2)
    }
    const many = Array.from({ length: 8 }, () => fileCredentials(file).refresh('access-1', trade))
    expect(new Set(await Promise.all(many))).toEqual(new Set(['access-2']))
    expect(shown).toEqual(['refresh-1'])
  })

  it('is over when the server no longer knows it, and not when the server cannot be reached', async () => {
    const credentials = fileCredentials(file)
    await credentials.save(signIn(1))
    const unreachable = async () => Promise.reject(Object.assign(new Error('no'), { code: 'unreachable' }))
    await expect(credentials.refresh('access-1', unreachable)).rejects.toMatchObject({ code: 'unreachable' })
    expect(await credentials.token()).toBe('access-1')
    const over = async () => Promise.reject(apiError('token-reused', 'used'))
    expect(await credentials.refresh('access-1', over)).toBeUndefined()
    expect(await credentials.token()).toBeUndefined()
  })

  it('asks for the same trade again when its answer was lost, also in another process, and for a new one after it', async () => {
    await fileCredentials(file).save(signIn(1))
    const trades: [string, string][] = []
    const lost = async (refreshToken: string, tradeId: string) => {
      trades.push([refreshToken, tradeId])
      throw Object.assign(new Error('no'), { code: 'unreachable' })
    }
    await expect(fileCredentials(file).refresh('access-1', lost)).rejects.toMatchObject({ code: 'unreachable' })
    const trade = (number: number) => async (refreshToken: string, tradeId: string) => {
      trades.push([refreshToken, tradeId])
      return signIn(number)
    }
    expect(await fileCredentials(file).refresh('access-1', trade(2))).toBe('access-2')
    expect(await fileCredentials(file).refresh('access-2', trade(3))).toBe('access-3')
    expect(trades.map(([token]) => token)).toEqual(['refresh-1', 'refresh-1', 'refresh-2'])
    expect(trades[1]![1]).toBe(trades[0]![1])
    expect(trades[2]![1]).not.toBe(trades[0]![1])
  })

  it('takes over the lock of a process that died', async () => {
    const credentials = fileCredentials(file)
    writeFileSync(`${file}.lock`, `${2 ** 22 + 1} dead`)
    await credentials.save(signIn(3))
    expect(await credentials.token()).toBe('access-3')
  })

  it('takes over a lock that nobody ever signed, where the disk was full', async () => {
    const credentials = fileCredentials(file)
    writeFileSync(`${file}.lock`, '')
    const longAgo = Date.now() / 1_000 - 60
    utimesSync(`${file}.lock`, longAgo, longAgo)
    await credentials.save(signIn(4))
    expect(readdirSync(folder)).toEqual(['sign-in.json'])
  })

  it('is not locked for ever by a full disk (needs the right to mount)', async ({ skip }) => {
    const disk = mountSmallDisk('64k')
    if (!disk) return skip()
    try {
      const credentials = fileCredentials(join(disk.folder, 'sign-in.json'))
      disk.fill()
      await expect(credentials.save(signIn(5))).rejects.toMatchObject({ code: 'ENOSPC' })
      rmSync(join(disk.folder, 'filling'))
      await credentials.save(signIn(5))
      expect(await credentials.token()).toBe('access-5')
    } finally {
      disk.close()
    }
  })

  it('is refreshed once between two processes, and both go on with the new token', async () => {
    await fileCredentials(file).save(signIn(1))
    const server = await startTokenServer()
    try {
      const script = await buildCaller()
      const run = () =>
        new Promise<number | null>((resolve) => {
          const child = spawn(process.execPath, [script, server.url, file], { stdio: ['ignore', 'ignore', 'inherit'] })
          child.once('exit', resolve)
        })
      expect(await Promise.all([run(), run()])).toEqual([0, 0])
      expect(server.refreshTokens).toEqual(['refresh-1'])
      const api = createApi({ server: server.url, credentials: fileCredentials(file) })
      expect((await api.call('me')).handle).toBe('lena')
      await api.close()
    } finally {
      server.close()
    }
  })
})

/** A server that knows one token pair after the first refresh, and minds a second showing. */
const startTokenServer = async () => {
  const refreshTokens: string[] = []
  const answer = (status: number, body: unknown) => ({ status, body })
  const problem = (status: number, code: string) =>
    answer(status, { type: `urn:roomtone:${code}`, title: code, status, code })
  const respond = (path: string, token: string | undefined, body: string) => {
    if (path === '/api/sessions/refresh') {
      refreshTokens.push((JSON.parse(body) as { refreshToken: string }).refreshToken)
      return refreshTokens.length > 1 ? problem(401, 'token-reused') : answer(200, signIn(2))
    }
    return token === 'Bearer access-2' ? answer(200, signIn(2).account) : problem(401, 'token-expired')
  }
  const server: Server = createServer(async (req, res) => {
    let body = ''
    for await (const chunk of req) body += chunk
    const { status, body: value } = respond(req.url!, req.headers.authorization, body)
    res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    refreshTokens,
    close: () => {
      server.closeAllConnections()
      server.close()
    },
  }
}

const buildCaller = async (): Promise<string> => {
  const outfile = join(folder, 'caller.mjs')
  await build({
    stdin: {
      contents: `
        import { createApi } from './src/client/api.ts'
        import { fileCredentials } from './src/client/credentials.ts'
        const [server, file] = process.argv.slice(2)
        const api = createApi({ server, credentials: fileCredentials(file) })
        await api.call('me')
        await api.close()`,
      resolveDir: fileURLToPath(new URL('../../..', import.meta.url)),
    },
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    logLevel: 'silent',
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
  })
  return outfile
}
