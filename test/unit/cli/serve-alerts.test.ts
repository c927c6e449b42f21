import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { alertReceiver, createServeAlerts } from '../../../src/cli/serve-alerts.ts'
import { eventually } from '../../support/eventually.ts'

describe('serve --alert', () => {
  it.each(['', 'mail:me', 'webhook:', 'webhook:ftp://host', 'command:', 'command: '])('refuses "%s"', (text) => {
    expect(() => alertReceiver(text)).toThrow(`--alert is webhook:URL or command:PROGRAM, not "${text}"`)
  })

  it('tells a command of a session that nobody opened, and that somebody has', async () => {
    const folder = mkdtempSync('/tmp/roomtone-alert-')
    const file = join(folder, 'alerts')
    const problems: string[] = []
    const { onUnhosted, close } = createServeAlerts(
      [alertReceiver(`command:tee -a ${file}`)],
      { env: process.env, version: '0', proxy: () => undefined },
      (message) => problems.push(message),
    )
    const session = { ownerId: 'o', eventId: 'e', name: 'sit', title: 'Morning sit', ruled: '2027-03-01T07:00:00' }
    const about = { ...session, startsAt: '2027-03-01T06:00:00.000Z' }
    onUnhosted({ ...about, state: 'began', at: '2027-03-01T06:01:00.000Z' })
    onUnhosted({ ...about, state: 'over', at: '2027-03-01T06:03:00.000Z' })
    const lines = () => readFileSync(file, 'utf8').trim().split('\n')
    await eventually(() => lines().length === 2 || problems.join(' '), { withinMs: 10_000, what: 'both are told' })
    await close()
    const messages = lines().map((line) => JSON.parse(line))
    expect(messages).toMatchObject([
      { kind: 'unhosted', state: 'began', session: 'sit', sitting: about.startsAt },
      { kind: 'unhosted', state: 'over', session: 'sit' },
    ])
    expect(messages[0].message).toBe('Nobody has opened "Morning sit", which began at 2027-03-01T06:00:00.000Z.')
    rmSync(folder, { recursive: true })
  })
})
