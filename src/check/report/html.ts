import type { Evidence, Report, SoundPiece } from '../contract.ts'
import { nameOf } from './junit.ts'
import { happeningsOf, waveformOf } from './timeline.ts'

const COLUMNS = 600
const LANE = 36

/** One page that needs nothing else: verdicts, a timeline and the waveforms of who said and who heard what. */
export const htmlOf = (report: Report, evidence: Evidence): string => `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${text(report.check)}: ${report.outcome}</title>
<style>
:root{color-scheme:light dark}
body{font:16px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem}
table{border-collapse:collapse;width:100%}
td,th{text-align:left;vertical-align:top;padding:.3rem .8rem .3rem 0;border-bottom:1px solid #8884}
.pass{color:#157f3b}.fail{color:#c62828}.inconclusive,.refused{color:#a15c00}
svg{width:100%;height:auto}
svg text{font:11px system-ui,sans-serif;fill:currentColor}
ol{list-style:none;padding:0}
li b{display:inline-block;width:6em;font-weight:normal;font-variant-numeric:tabular-nums}
</style>
<h1>${text(report.check)}: <span class="${report.outcome}">${WORDS[report.outcome]}</span></h1>
<p>Run ${text(report.runId)}, ${text(report.startedAt)}, ${seconds(report.durationMs)}.${report.isPartial ? ` <strong>Cut short: ${text(report.cutShort ?? '')}</strong>` : ''}</p>
<table>
<thead><tr><th>verdict<th>expectation<th>measured<th>wanted<th>rests on</thead>
<tbody>
${report.verdicts.map(row).join('\n')}
</tbody>
</table>
<h2>Sound</h2>
${lanes(report, evidence)}
<h2>Timeline</h2>
<ol>
${happeningsOf(report, evidence)
  .map(
    ({ atMs, text: what, isProblem }) => `<li${isProblem ? ' class="fail"' : ''}><b>${seconds(atMs)}</b> ${text(what)}`,
  )
  .join('\n')}
</ol>
</html>
`

const WORDS = { pass: 'pass', fail: 'fail', refused: 'refused', inconclusive: 'not enough evidence' }

const row = (one: Report['verdicts'][number]): string =>
  `<tr><td class="${one.outcome}">${WORDS[one.outcome]}<td>${text(nameOf(one))}<td>${text(one.measured ?? one.code ?? '')}<td>${text(one.wanted)}<td>${one.evidence.map(text).join('<br>')}`

const lanes = ({ verdicts }: Report, { durationMs, spoken, hearings }: Evidence): string => {
  const said = spoken.map(({ actor, pieces }) => ({
    label: `${actor} says`,
    pieces,
    problems: [] as Report['verdicts'],
  }))
  const heard = hearings.map(({ listener, speaker, tracks }) => ({
    label: `${listener} hears ${speaker}`,
    pieces: tracks.flatMap(({ sound }) => (sound.kind === 'decoded' ? sound.pieces : [])),
    problems: verdicts.filter((one) => one.listener === listener && one.speaker === speaker && one.outcome !== 'pass'),
  }))
  const all = [...said, ...heard].filter(({ pieces }) => pieces.length > 0)
  if (all.length === 0) return '<p>No sound was decoded in this run.</p>'
  const height = all.length * LANE + 16
  const x = (ms: number) => ((Math.max(0, Math.min(durationMs, ms)) / durationMs) * COLUMNS).toFixed(1)
  const lane = ({ label, pieces, problems }: (typeof all)[number], index: number): string => {
    const top = index * LANE
    const marks = problems.flatMap(({ at, outcome, what }) => {
      if (!at) return []
      const width = Math.max(2, Number(x(at.untilMs ?? durationMs)) - Number(x(at.fromMs)))
      return [
        `<rect class="${outcome}" x="${x(at.fromMs)}" y="${top + 2}" width="${width.toFixed(1)}" height="${LANE - 4}" fill="currentColor" fill-opacity=".2"><title>${text(what)}</title></rect>`,
      ]
    })
    return `${marks.join('')}<path d="${wave(pieces, durationMs, top)}" stroke="currentColor" stroke-width=".8"/><text x="2" y="${top + 11}">${text(label)}</text>`
  }
  return `<svg viewBox="0 0 ${COLUMNS} ${height}" role="img" aria-label="Waveforms over time">${all.map(lane).join('')}${ticks(durationMs, all.length * LANE)}</svg>`
}

const wave = (pieces: SoundPiece[], durationMs: number, top: number): string =>
  waveformOf(pieces, durationMs, COLUMNS)
    .map((level, i) => {
      const half = Math.max(0.3, (level * (LANE - 8)) / 2)
      return `M${i} ${(top + LANE / 2 + 4 - half).toFixed(1)}v${(2 * half).toFixed(1)}`
    })
    .join('')

const ticks = (durationMs: number, top: number): string => {
  const stepMs = [500, 1000, 2000, 5000, 10_000, 30_000, 60_000, 300_000].find((ms) => durationMs / ms <= 12) ?? 600_000
  return Array.from(
    { length: Math.floor(durationMs / stepMs) + 1 },
    (_, i) =>
      `<text x="${((i * stepMs * COLUMNS) / durationMs).toFixed(1)}" y="${top + 12}">${(i * stepMs) / 1000} s</text>`,
  ).join('')
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(2)} s`

const text = (value: string): string =>
  value
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;')
