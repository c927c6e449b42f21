import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import type { Evidence, Report, Verdict } from '../../../src/check/contract.ts'
import { junitOf } from '../../../src/check/report/junit.ts'
import { hidingSecrets, withoutSecrets } from '../../../src/check/report/secrets.ts'
import { checkAudioFolder, checkReportPaths, writeAudio, writeReports } from '../../../src/check/report/write.ts'

const folder = mkdtempSync(join(tmpdir(), 'roomtone-report-'))
afterAll(() => rmSync(folder, { recursive: true }))

const verdict = (outcome: Verdict['outcome'], changes: Partial<Verdict> = {}): Report['verdicts'][number] => ({
  expectation: 0,
  what: 'longest-gap',
  listener: 'cy',
  speaker: 'bob',
  outcome,
  code: outcome === 'inconclusive' ? 'runner' : null,
  measured: '420 ms',
  wanted: 'at most 60 ms',
  evidence: ['The longest silence was 420 ms at 3.20 s.'],
  at: { fromMs: 3200, untilMs: 3620 },
  text: 'cy hears bob',
  ...changes,
})

const reportOf = (changes: Partial<Report> = {}): Report => ({
  check: 'a "hand" <raised> & heard',
  file: '/checks/hand.check.yaml',
  runId: 'k3x9',
  startedAt: '2026-11-22T06:00:00.000Z',
  durationMs: 5000,
  outcome: 'fail',
  exitCode: 1,
  isPartial: false,
  cutShort: null,
  steps: [{ index: 0, startedAtMs: 900, doneAtMs: 1000, error: null, text: 'bob unmutes', by: 'room' }],
  actors: [],
  verdicts: [verdict('pass'), verdict('fail'), verdict('inconclusive'), verdict('refused', { code: 'encrypted' })],
  health: { stalls: [], longestStallMs: 12, cpuShare: 0.2, starvedShare: 0 },
  ...changes,
})

const tone = Int16Array.from({ length: 48_000 }, (_, i) => Math.round(8000 * Math.sin(i / 16)))

const evidence: Evidence = {
  runId: 'k3x9',
  cutShort: null,
  durationMs: 5000,
  actors: [{ name: 'bob', stays: [{ fromMs: 100, untilMs: null }], cuts: [], left: null, error: null, network: null }],
  steps: [],
  spoken: [{ actor: 'bob', pieces: [{ atMs: 1000, samples: tone }], stalls: [] }],
  hearings: ['bob', '../agent'].map((speaker) => ({
    listener: 'cy',
    speaker,
    isStranger: speaker !== 'bob',
    tracks: [
      {
        trackId: speaker,
        fromMs: 900,
        untilMs: null,
        isEncrypted: false,
        sound: { kind: 'decoded', pieces: [{ atMs: 1100, samples: tone }], counters: [] },
      },
    ],
    muted: [],
  })),
  views: [],
  health: { stalls: [], longestStallMs: 12, cpuShare: 0.2, starvedShare: 0 },
  references: [],
}

describe('JUnit', () => {
  it('has a case for each verdict: a failure for what failed, an error for what is not known or was refused', () => {
    const xml = junitOf(reportOf())
    expect(xml.match(/<testcase /g)).toHaveLength(4)
    expect(xml.match(/<failure /g)).toHaveLength(1)
    expect(xml.match(/<error /g)).toHaveLength(2)
    expect(xml).toContain('tests="4" failures="1" errors="2"')
  })

  it('is well-formed whatever names hold', () => {
    const xml = junitOf(
      reportOf({ check: 'a\u0000b "<&>" \ud800 😀', verdicts: [verdict('fail', { evidence: ['</failure>]]>'] })] }),
    )
    expect(xml).toContain('name="ab &quot;&lt;&amp;&gt;&quot;  😀"')
    expect(xml).toContain('&lt;/failure&gt;]]&gt;')
  })

  it('of a run without a verdict is an error, not an empty success', () => {
    const xml = junitOf(reportOf({ verdicts: [], outcome: 'inconclusive', cutShort: 'interrupted', isPartial: true }))
    expect(xml).toContain('tests="1" failures="0" errors="1"')
    expect(xml).toContain('<error message="interrupted"')
  })
})

describe('report files', () => {
  const paths = Object.fromEntries(
    ['junit', 'json', 'html', 'md', 'prom'].map((kind) => [kind, join(folder, `out.${kind}`)]),
  )

  it('hold no secret in any form', async () => {
    const secrets = ['s3cr3t/of+LiveKit', 'APIkey4711']
    const token = 'eyJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJBUEkifQ.c2lnbmF0dXJl'
    const forms = [
      ...secrets,
      token,
      ...['', 'a', 'ab'].flatMap((before) =>
        secrets.map((one) => Buffer.from(`${before}${one}xyz`).toString('base64')),
      ),
    ]
    const told = [...forms, ...secrets.map(encodeURIComponent), `wss://host/rtc?access_token=${token}`]
    const report = withoutSecrets(
      reportOf({
        cutShort: told.join(' '),
        isPartial: true,
        verdicts: told.map((text) => verdict('fail', { evidence: [text], measured: text })),
        steps: [
          {
            index: 0,
            startedAtMs: 0,
            doneAtMs: null,
            error: { code: 'unreachable', message: told.join(' ') },
            text: told[0]!,
            by: 'room',
          },
        ],
      }),
      hidingSecrets(secrets),
    )
    await writeReports(paths, report, evidence)
    await checkAudioFolder(join(folder, 'audio'))
    await writeAudio(join(folder, 'audio'), report, evidence, { externals: [], strangers: false })
    const written = [...Object.values(paths), join(folder, 'audio', 'timeline.txt')]
      .map((path) => readFileSync(path, 'utf8'))
      .join('\n')
    for (const secret of secrets) {
      expect(written).not.toContain(secret)
      expect(written).not.toContain(encodeURIComponent(secret))
      // Nine letters in the middle are the same whatever stood before the secret.
      for (const before of ['', 'a', 'ab']) {
        const middle = Buffer.from(`${before}${secret}xyz`).toString('base64').slice(4, 13)
        expect(written).not.toContain(middle)
      }
    }
    expect(written).not.toContain(token)
    expect(written).toContain('(secret)')
  })

  it('are one page that loads nothing, a summary with a table, and gauges', async () => {
    await writeReports(paths, reportOf(), evidence)
    const [html, markdown, metrics] = ['html', 'md', 'prom'].map((kind) => readFileSync(paths[kind]!, 'utf8'))
    expect(html).toContain('cy hears bob: longest-gap')
    expect(html).toMatch(/<path d="M0 /)
    expect(html).not.toMatch(/(src|href)=|https?:/)
    expect(html).not.toContain('<raised>')
    expect(markdown).toContain('| **fail** | cy hears bob: longest-gap | 420 ms | at most 60 ms |')
    expect(metrics).toContain(
      'roomtone_check_verdicts{check="a \\"hand\\" <raised> & heard",limit="longest-gap",outcome="fail"} 1',
    )
    expect(JSON.parse(readFileSync(paths.json!, 'utf8'))).toEqual(reportOf())
  })

  it('keep the sound of who was not started by the run only when asked, and never outside the folder', async () => {
    const [kept, all] = [join(folder, 'kept'), join(folder, 'all')]
    for (const path of [kept, all]) await checkAudioFolder(path)
    await writeAudio(kept, reportOf(), evidence, { externals: [], strangers: false })
    await writeAudio(all, reportOf(), evidence, { externals: [], strangers: true })
    expect(readdirSync(kept).sort()).toEqual(['bob-says.wav', 'cy-hears-bob.wav', 'timeline.txt'])
    expect(readdirSync(all).sort()).toEqual([
      'bob-says.wav',
      'cy-hears-___agent.wav',
      'cy-hears-bob.wav',
      'timeline.txt',
    ])
    const wav = readFileSync(join(kept, 'cy-hears-bob.wav'))
    expect(wav.length).toBe(44 + 5 * 96_000)
    expect(wav.readInt16LE(44 + 2 * (1100 * 48 + 100))).toBe(tone[100])
  })

  it('are refused before anything is judged where they cannot be written', async () => {
    await expect(checkReportPaths({ junit: join(folder, 'nowhere', 'out.xml') })).rejects.toMatchObject({
      code: 'bad-input',
    })
    await expect(checkReportPaths({ html: folder })).rejects.toMatchObject({ code: 'bad-input' })
    await expect(checkAudioFolder(join(folder, 'out.md', 'audio'))).rejects.toMatchObject({ code: 'bad-input' })
    await expect(checkReportPaths({ md: join(folder, 'out.md') })).resolves.toBeUndefined()
  })
})
