import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type BrowserPeer, browserMissing, joinBrowser } from '../../support/browser.ts'
import { eventually } from '../../support/eventually.ts'
import { startMediaLine } from '../../support/media-line.ts'
import { buildMediaServer, startTestMediaServer, type TestMediaServer } from '../../support/media-server.ts'
import { isTone } from '../../support/media-tone.ts'
import { joinRtcNode } from '../../support/rtc-node.ts'

/** A probe that says what the page told when it does not hold yet. */
const orPage = (browser: BrowserPeer, holds: () => boolean) => () => {
  if (!holds()) throw new Error(`the page told: ${browser.events.join(', ') || 'nothing'}`)
  return true
}

describe.skipIf(browserMissing)(`a browser${browserMissing ? ` (skipped: ${browserMissing})` : ''}`, () => {
  let server: TestMediaServer
  beforeAll(async () => {
    server = await startTestMediaServer({ entry: buildMediaServer() })
  })
  afterAll(() => server?.close())

  test('with LiveKit’s browser SDK hears and is heard, and is told when it is removed', async () => {
    const native = await joinRtcNode(server.url, await server.token('native', 'web'))
    await native.publishTone(600)
    const browser = await joinBrowser(server.url, await server.token('browser', 'web'), { hz: 440 })
    try {
      await eventually(
        orPage(browser, () => isTone(native.heardHz('browser'), 440)),
        {
          withinMs: 20_000,
          what: 'rtc-node hears the browser',
        },
      )
      await eventually(
        orPage(browser, () => Math.abs((browser.heardHz('native') ?? 0) - 600) <= 3),
        {
          withinMs: 10_000,
          what: 'the browser hears rtc-node',
        },
      )
      await server.rooms.removeParticipant('web', 'browser')
      await eventually(() => browser.events.some((event) => event.startsWith('disconnected')), {
        withinMs: 5000,
        what: 'the browser is told that it was removed',
      })
    } finally {
      await browser.close()
      await native.close()
    }
  })

  test.each([
    ['one peer connection', true, ['/rtc/v1 404', '/rtc/v1/validate 404', '/rtc 101']],
    ['two peer connections', false, ['/rtc 101']],
  ])('that asks for %s is led to two', async (_what, singlePeerConnection, requests) => {
    const line = await startMediaLine(server.url)
    const browser = await joinBrowser(line.url, await server.token('browser', 'web3'), { singlePeerConnection })
    try {
      await browser.joined()
      expect(line.requests).toEqual(requests)
    } finally {
      await browser.close()
      await line.close()
    }
  })

  test('without the right to publish is refused, and hears', async () => {
    const native = await joinRtcNode(server.url, await server.token('native', 'web2'))
    await native.publishTone(600)
    const token = await server.token('listener', 'web2', { canPublish: false })
    const browser = await joinBrowser(server.url, token, { hz: 440 })
    try {
      await eventually(
        orPage(browser, () => Math.abs((browser.heardHz('native') ?? 0) - 600) <= 3),
        {
          withinMs: 20_000,
          what: 'the browser hears',
        },
      )
      await eventually(() => browser.events.some((event) => event.startsWith('refused')), {
        withinMs: 15_000,
        what: 'the page is told that it may not publish',
      })
      expect(browser.events).not.toContain('published')
      expect(native.heardHz('listener')).toBeUndefined()
    } finally {
      await browser.close()
      await native.close()
    }
  })
})
