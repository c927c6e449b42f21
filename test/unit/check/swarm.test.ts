import { describe, expect, it } from 'vitest'
import { mosOf } from '../../../src/check/mos.ts'
import type { SwarmEvidence } from '../../../src/check/swarm-evidence.ts'
import { figuresOf } from '../../../src/check/swarm-figures.ts'
import { judgeSwarm } from '../../../src/check/swarm-judge.ts'
import { participantMinutes, planSwarm, type SwarmWish } from '../../../src/check/swarm-plan.ts'
import { exitCodeOfVerdicts } from '../../../src/check/swarm-report.ts'
import { parseThreshold } from '../../../src/check/thresholds.ts'

const wish: SwarmWish = {
  rooms: ['a', 'b', 'c'],
  bots: 10,
  talk: { kind: 'one' },
  rampPerS: 10,
  forMs: 60_000,
  churnPerMin: 0,
  decoding: 1,
  runId: 'abcd',
}
const half = () => 0.5

describe('who comes when', () => {
  it('is spread over the rooms, speakers first', () => {
    const { bots, endMs } = planSwarm(wish, half)
    expect([0, 1, 2].map((room) => bots.filter((bot) => bot.room === room).length)).toEqual([4, 3, 3])
    expect(bots.map(({ voice }) => voice !== null)).toEqual([...Array(3).fill(true), ...Array(7).fill(false)])
    expect(bots.filter(({ decodes }) => decodes).map(({ room }) => room)).toEqual([0, 1, 2])
    expect(bots.map(({ joinAtMs }) => joinAtMs)).toEqual([0, 100, 200, 300, 400, 500, 600, 700, 800, 900])
    expect(endMs).toBe(60_900)
    expect(new Set(bots.map(({ identity }) => identity)).size).toBe(10)
  })

  it('follows the pattern of talk, whatever the size of a room', () => {
    const speakers = (talk: SwarmWish['talk']) =>
      planSwarm({ ...wish, talk }, half).bots.filter(({ voice }) => voice !== null).length
    expect(speakers({ kind: 'none' })).toBe(0)
    expect(speakers({ kind: 'panel', speakers: 2 })).toBe(6)
    expect(speakers({ kind: 'panel', speakers: 9 })).toBe(10)
    expect(speakers({ kind: 'everyone' })).toBe(10)
  })

  it('replaces listeners who leave, each under a name of its own, and counts all in minutes', () => {
    const { bots, ...plan } = planSwarm({ ...wish, churnPerMin: 20 }, half)
    const gone = bots.filter(({ leaveAtMs }) => leaveAtMs < plan.endMs)
    const come = bots.slice(10)
    expect(gone.length).toBe(19)
    expect(come.length).toBe(19)
    expect(gone.every(({ voice, decodes }) => voice === null && !decodes)).toBe(true)
    expect(gone.map(({ leaveAtMs }) => leaveAtMs).toSorted()).toEqual(come.map(({ joinAtMs }) => joinAtMs).toSorted())
    expect(new Set(bots.map(({ identity }) => identity)).size).toBe(29)
    expect(participantMinutes({ bots, ...plan })).toBe(11)
  })
})

describe('the estimated opinion', () => {
  it('falls with delay and loss as the E-model says', () => {
    // R = 93.2 - 8.6: G.107's equation B-4.
    expect(mosOf({ delayMs: 80, lossShare: 0 })).toBeCloseTo(4.19, 2)
    // Ie,eff = 8.6 + 86.4 * 5 / 15 = 37.4.
    expect(mosOf({ delayMs: 80, lossShare: 0.05 })).toBeCloseTo(2.88, 1)
    // Idd at 400 ms is 25 (65^(1/6) - 3 (1 + (2/3)^6)^(1/6) + 2) = 24.1.
    expect(mosOf({ delayMs: 400, lossShare: 0 })).toBeCloseTo(3.12, 1)
    expect(mosOf({ delayMs: 2000, lossShare: 1 })).toBe(1)
  })
})

describe('a threshold', () => {
  it('is read with its units', () => {
    expect(parseThreshold('delay: p(95)<300')).toMatchObject({ metric: 'delay', aggregate: 'p95', limit: 300 })
    expect(parseThreshold('first-audio:max<=2s')).toMatchObject({ operator: '<=', limit: 2000 })
    expect(parseThreshold('loss:rate<1%')).toMatchObject({ aggregate: 'rate', limit: 0.01 })
    expect(parseThreshold('mos:min>3.5')).toMatchObject({ aggregate: 'min', limit: 3.5 })
  })

  it.each([
    ['delay', 'is not like'],
    ['latency:p(95)<1', 'names no metric: there are join, first-audio, delay'],
    ['delay:p(90)<1', 'wants one of min, max, med'],
    ['delay:constructor<1', 'wants one of'],
    ['delay:rate<1', 'wants a rate, which only'],
    ['loss:rate<5ms', 'wants a share'],
    ['delay:max<5%', 'cannot be in %'],
    ['mos:min>4s', 'cannot be in s'],
  ])('%s is refused', (text, why) => {
    expect(() => parseThreshold(text)).toThrow(
      expect.objectContaining({ code: 'bad-input', message: expect.stringContaining(why) }),
    )
  })
})

/** A room in which one of three speaks for ten seconds and all is well. */
const evidence = (change: (evidence: SwarmEvidence) => void = () => {}): SwarmEvidence => {
  const bot = (identity: string, voice: number | null) => ({
    ...{ identity, room: 0, voice, startedMs: 0, joinedMs: 80, error: null, ended: null },
    ...(voice ? { sent: 500, due: 500, firstSentMs: 100 } : { sent: 0, due: 0, firstSentMs: null }),
  })
  const pair = (listener: string) => ({
    ...{ listener, room: 0, speaker: 's', voice: 1, isEncrypted: false, wasMuted: false, fromMs: 100, untilMs: 10_100 },
    ...{ firstMs: 120, firstSoundMs: 120, lastMs: 10_090, packets: 500, lost: 0, duplicates: 0, reordered: 0, late: 0 },
    ...{ voices: [1], jitterMs: 1, longestPauseMs: 25, medianDelayMs: 2 },
  })
  const delay = { count: 1000, minMs: 1, medianMs: 2, p95Ms: 5, p99Ms: 8, maxMs: 20 }
  const told: SwarmEvidence = {
    ...{ runId: 'abcd', rooms: ['a'], cutShort: null, durationMs: 10_100 },
    bots: [bot('s', 1), bot('l1', null), bot('l2', null)],
    pairs: [pair('l1'), pair('l2')],
    heard: [
      {
        ...{ listener: 'l1', room: 0, speaker: 's', voice: 1, seconds: 1, levelDb: -20, frequencyHz: 900 },
        ...{ longestGapMs: 0, markers: { 1: 9, 5: 1 } },
      },
    ],
    delays: [delay, delay],
    health: { stalls: [], longestStallMs: 5, cpuShare: 0.1, starvedShare: 0.02 },
    unreadDatagrams: 0,
  }
  change(told)
  return told
}

const thresholds = ['delay:p(95)<100', 'loss:rate<1%', 'pause:max<100ms', 'mos:min>4'].map(parseThreshold)
const judge = (told: SwarmEvidence) => judgeSwarm(told, figuresOf(told), { audio: true, thresholds })
const unlucky = (told: SwarmEvidence) =>
  judge(told)
    .filter(({ outcome }) => outcome !== 'pass')
    .map(({ what, outcome, code }) => (code === null ? `${what} ${outcome}` : `${what} ${outcome} ${code}`))

describe('a verdict', () => {
  it('passes where all is well, and says on what it rests', () => {
    const verdicts = judge(evidence())
    expect(verdicts.map(({ what }) => what)).toEqual([
      'joins',
      'audio',
      'decoded',
      ...thresholds.map(({ text }) => text),
    ])
    expect(unlucky(evidence())).toEqual([])
    expect(exitCodeOfVerdicts(verdicts)).toBe(0)
  })

  const faults: [string, (told: SwarmEvidence) => void, string[]][] = [
    ['a join that fails', ({ bots }) => (bots[2]!.error = { code: 'x', message: 'no' }), ['joins fail']],
    ['one who falls out', ({ bots }) => (bots[2]!.ended = 'the connection was lost'), ['stays fail']],
    [
      'silence',
      ({ pairs }) => Object.assign(pairs[1]!, { firstSoundMs: null, firstMs: null, packets: 0 }),
      ['audio fail'],
    ],
    ['a voice that stops', ({ pairs }) => (pairs[1]!.longestPauseMs = 3000), ['audio fail', 'pause:max<100ms fail']],
    ['another voice', ({ pairs }) => (pairs[0]!.voices = [1, 2]), ['voices fail']],
    ['another voice, decoded', ({ heard }) => (heard[0]!.markers = { 5: 9, 1: 1 }), ['decoded fail']],
    ['decoded silence', ({ heard }) => (heard[0]!.seconds = 0), ['decoded fail']],
    ['loss', ({ pairs }) => (pairs[0]!.lost = 40), ['loss:rate<1% fail', 'mos:min>4 fail']],
    ['delay', ({ delays }) => (delays[0]!.p95Ms = 150), ['delay:p(95)<100 fail']],
    [
      'a room in which nobody sends sound',
      (told) => {
        Object.assign(told, { pairs: [], heard: [], delays: [null, null] })
        told.bots[0]!.voice = null
      },
      ['audio fail', ...thresholds.map(({ text }) => `${text} inconclusive no-data`)],
    ],
    [
      'stays too short to hear anything',
      (told) => Object.assign(told, { pairs: [], heard: [], delays: [null, null] }),
      ['audio', ...thresholds.map(({ text }) => text)].map((what) => `${what} inconclusive no-data`),
    ],
    ['encryption', ({ pairs }) => (pairs[0]!.isEncrypted = true), ['audio refused encrypted']],
    ['a quota', (told) => (told.cutShort = { code: 'quota', message: 'HTTP 429' }), ['joins refused quota']],
    ['a sender too slow', ({ bots }) => (bots[0]!.sent = 400), ['senders inconclusive runner']],
    // What a slow runner can have done is not held against the server.
    [
      'a stall as long as the pause',
      (told) => {
        told.health = { ...told.health, longestStallMs: 120, stalls: [{ atMs: 5000, ms: 120 }] }
        told.pairs[0]!.longestPauseMs = 140
      },
      ['pause:max<100ms inconclusive runner'],
    ],
    [
      'a stall shorter than the pause',
      (told) => {
        told.health = { ...told.health, longestStallMs: 60, stalls: [{ atMs: 5000, ms: 60 }] }
        told.pairs[0]!.longestPauseMs = 240
      },
      ['pause:max<100ms fail'],
    ],
    [
      'no core for long, and delay',
      (told) => {
        told.health.starvedShare = 0.6
        told.delays[0]!.p95Ms = 150
      },
      ['delay:p(95)<100 inconclusive runner'],
    ],
    [
      'datagrams that this machine dropped',
      (told) => {
        told.unreadDatagrams = 40
        told.pairs[0]!.lost = 40
      },
      ['loss:rate<1% inconclusive runner', 'mos:min>4 inconclusive runner'],
    ],
  ]
  it.each(faults)('finds %s, and that alone', (_name, change, wanted) => {
    expect(unlucky(evidence(change))).toEqual(wanted)
  })

  it('of a failure beats one of missing evidence', () => {
    const told = evidence(({ bots, pairs }) => {
      bots[0]!.sent = 400
      pairs[0]!.voices = [7]
    })
    expect(exitCodeOfVerdicts(judge(told))).toBe(1)
    expect(exitCodeOfVerdicts(judge(evidence(({ bots }) => (bots[0]!.sent = 400))))).toBe(3)
    expect(exitCodeOfVerdicts(judge(evidence(({ pairs }) => (pairs[0]!.isEncrypted = true))))).toBe(2)
    expect(exitCodeOfVerdicts(judge(evidence((one) => (one.cutShort = { code: 'quota', message: '' }))))).toBe(7)
  })
})
