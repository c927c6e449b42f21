import { beforeAll, describe, expect, it } from 'vitest'
import type { Evidence, Expectation, HeardTrack, Plan, Verdict } from '../../../src/check/contract.ts'
import { judge } from '../../../src/check/judge/judge.ts'
import { type CheckRoom, checkRoom, hears, MUTED_MS } from '../../support/check-room.ts'

const rooms = {} as { good: CheckRoom; torn: CheckRoom }

beforeAll(async () => {
  rooms.good = await checkRoom({ seed: 11, fault: 'none' })
  rooms.torn = await checkRoom({ seed: 11, fault: 'drops' })
})

const verdictsOf = (
  { plan, evidence }: CheckRoom,
  expectations: Expectation[],
  change: Partial<Evidence> = {},
  planned: Partial<Plan> = {},
): Verdict[] => judge({ ...plan, ...planned, expectations }, { ...evidence, ...change })

const told = (verdicts: Verdict[]) => verdicts.map(({ what, outcome, code }) => [what, outcome, code])

const at = { place: { file: 'a.check.yaml', line: 1, column: 1 }, index: 0, text: 'so' }
const GAP = [hears('ana', { longestGapMs: 100 })]

const actors = (evidence: Evidence, name: string, change: Partial<Evidence['actors'][number]>) =>
  evidence.actors.map((actor) => (actor.name === name ? { ...actor, ...change } : actor))

const packets = (changes: Partial<Extract<HeardTrack['sound'], { kind: 'packets' }>>): HeardTrack => ({
  trackId: 'ana-1',
  fromMs: 900,
  untilMs: null,
  isEncrypted: false,
  sound: {
    ...{ kind: 'packets', packets: 200, lost: 0, duplicates: 0, firstAtMs: 1060, lastAtMs: 5000, gaps: [] },
    delayMs: { count: 200, medianMs: 20, p95Ms: 30, p99Ms: 42 },
    ...changes,
  },
})

const lightly = (tracks: HeardTrack[]): Partial<Evidence> => ({
  hearings: [{ listener: 'cy', speaker: 'ana', isStranger: false, tracks, muted: [] }],
})

describe('a slow runner', () => {
  it('takes the blame for what it may have torn', () => {
    const gap = told(verdictsOf(rooms.torn, GAP)).find(([what]) => what === 'longest-gap')
    expect(gap).toEqual(['longest-gap', 'fail', null])
    const { at: place } = verdictsOf(rooms.torn, GAP).find(({ what }) => what === 'longest-gap')!
    const stalls = [{ atMs: place!.fromMs, ms: 600 }]
    const health = { ...rooms.torn.evidence.health, stalls, longestStallMs: 600 }
    expect(told(verdictsOf(rooms.torn, GAP, { health }))).toContainEqual(['longest-gap', 'inconclusive', 'runner'])
    const elsewhere = { ...health, stalls: [{ atMs: 7_500, ms: 600 }] }
    expect(told(verdictsOf(rooms.torn, GAP, { health: elsewhere }))).toContainEqual(['longest-gap', 'fail', null])
  })

  it('that others starved of the processor fails nobody by time', () => {
    const health = { ...rooms.torn.evidence.health, starvedShare: 0.5 }
    expect(told(verdictsOf(rooms.torn, GAP, { health }))).toContainEqual(['longest-gap', 'inconclusive', 'runner'])
  })
})

describe('without evidence', () => {
  it('nothing passes that rests on who never came, said nothing, or broke off', () => {
    const { evidence } = rooms.good
    const heard = [hears('ana', { within: { ms: 2000, of: null } }, 0)]
    const codes = (change: Partial<Evidence>) => verdictsOf(rooms.good, heard, change).map(({ code }) => code)
    expect(codes({ actors: actors(evidence, 'cy', { stays: [] }) })).toContain('never-there')
    expect(codes({ spoken: [] })).toContain('not-spoken')
    const error = { atMs: 2_000, code: 'crashed', message: 'the process of cy ended by SIGSEGV' }
    expect(codes({ actors: actors(evidence, 'cy', { error }) })).toContain('crashed')
    const late = { ...error, atMs: evidence.durationMs + 200 }
    expect(codes({ actors: actors(evidence, 'cy', { error: late }) })).toEqual([null, null])
  })

  it('nothing passes in a run that was cut short', () => {
    const verdicts = verdictsOf(rooms.good, GAP, { cutShort: 'interrupted' })
    expect(verdicts.every(({ outcome, code }) => outcome === 'inconclusive' && code === 'cut-short')).toBe(true)
  })

  it('silence of somebody whose listener had gone is no silence', () => {
    const gone = actors(rooms.good.evidence, 'cy', { stays: [{ fromMs: 300, untilMs: MUTED_MS }] })
    const never = [hears('bob', { neverAfter: { step: 1, offsetMs: 500 } })]
    expect(told(verdictsOf(rooms.good, never))).toEqual([['never-after', 'pass', null]])
    expect(told(verdictsOf(rooms.good, never, { actors: gone }))).toEqual([
      ['never-after', 'inconclusive', 'never-there'],
    ])
  })

  it('an encrypted track and a network that was not as asked are refused', () => {
    const { evidence } = rooms.good
    const hearings = evidence.hearings.map((one) => ({
      ...one,
      tracks: one.tracks.map((track) => ({ ...track, isEncrypted: true })),
    }))
    expect(told(verdictsOf(rooms.good, GAP, { hearings }))).toContainEqual(['longest-gap', 'refused', 'encrypted'])
    const asked = { lossShare: 0.05, delayMs: 0, jitterMs: 0 }
    const network = (droppedPackets: number, isUsed = true) => ({
      actors: actors(evidence, 'cy', { network: { asked, soundPackets: 1000, droppedPackets, isUsed } }),
    })
    expect(told(verdictsOf(rooms.good, GAP, network(0)))).toContainEqual(['longest-gap', 'refused', 'impairment'])
    expect(told(verdictsOf(rooms.good, GAP, network(50, false)))).toContainEqual([
      'longest-gap',
      'refused',
      'impairment',
    ])
    expect(told(verdictsOf(rooms.good, GAP, network(55)))).toContainEqual(['longest-gap', 'pass', null])
  })
})

describe('a light listener', () => {
  const limits = [
    hears('ana', { longestGapMs: 60, gapShare: 0.02, delay: { p50Ms: 50, p95Ms: 50, p99Ms: 50 }, copies: 1 }),
  ]
  const failed = (tracks: HeardTrack[]) =>
    verdictsOf(rooms.good, limits, lightly(tracks))
      .filter(({ outcome }) => outcome !== 'pass')
      .map(({ what }) => what)

  it('tells gaps, loss, delay and copies by packets, each alone', () => {
    expect(failed([packets({})])).toEqual([])
    expect(failed([packets({ gaps: [{ atMs: 3000, ms: 80 }] })])).toEqual(['longest-gap'])
    expect(failed([packets({ lost: 20 })])).toEqual(['gap-share'])
    expect(failed([packets({ delayMs: { count: 200, medianMs: 20, p95Ms: 60, p99Ms: 90 } })])).toEqual(['delay'])
    expect(failed([packets({ duplicates: 190 })])).toEqual(['copies'])
    expect(failed([packets({}), { ...packets({}), trackId: 'ana-2' }])).toEqual(['copies'])
  })

  it('knows no level', () => {
    const level = [hears('ana', { level: { db: -20, toleranceDb: 3 } })]
    expect(told(verdictsOf(rooms.good, level, lightly([packets({})])))).toContainEqual([
      'level',
      'inconclusive',
      'not-decoded',
    ])
  })
})

describe('what was heard', () => {
  it('is told to be a second copy within the same track', () => {
    const { evidence } = rooms.good
    const hearings = evidence.hearings.map((hearing) => ({
      ...hearing,
      tracks: hearing.tracks.map((track) => {
        if (track.sound.kind !== 'decoded') return track
        const later = track.sound.pieces.map(({ atMs, samples }) => ({
          atMs: atMs + 180,
          samples: samples.map((sample) => sample * 0.8),
        }))
        return { ...track, sound: { ...track.sound, pieces: [...track.sound.pieces, ...later] } }
      }),
    }))
    const once = [hears('bob', { copies: 1 })]
    expect(told(verdictsOf(rooms.good, once))).toContainEqual(['copies', 'pass', null])
    expect(told(verdictsOf(rooms.good, once, { hearings }))).toContainEqual(['copies', 'fail', null])
  })

  it('is told to be the own voice that comes back', () => {
    const { evidence } = rooms.good
    const echo: Expectation = { ...at, kind: 'no-echo', listeners: ['bob'] }
    const [ana, bob] = evidence.hearings
    const hearing = (tracks: HeardTrack[]) => ({ hearings: [{ ...ana!, listener: 'bob', tracks }] })
    expect(told(verdictsOf(rooms.good, [echo], hearing(ana!.tracks)))).toEqual([['no-echo', 'pass', null]])
    const back = bob!.tracks.flatMap(({ sound }) => (sound.kind === 'decoded' ? sound.pieces : []))
    const mixed = ana!.tracks.map((track) =>
      track.sound.kind === 'decoded'
        ? { ...track, sound: { ...track.sound, pieces: [...track.sound.pieces, ...back] } }
        : track,
    )
    expect(told(verdictsOf(rooms.good, [echo], hearing(mixed)))).toEqual([['no-echo', 'fail', null]])
  })

  it('is in order, or not', () => {
    const order = (speakers: string[]): Expectation => ({ ...at, kind: 'order', listeners: ['cy'], speakers })
    expect(told(verdictsOf(rooms.good, [order(['ana', 'bob']), order(['bob', 'ana'])]))).toEqual([
      ['order', 'pass', null],
      ['order', 'fail', null],
    ])
  })
})

describe('the room', () => {
  const person = (name: string, role: 'listener' | 'speaker' | 'moderator', hasHandUp = false) => ({
    ...{
      name,
      role,
      hasHandUp,
      isStranger: false,
      isMuted: role === 'listener',
      isMutedByModerator: false,
      isSpeaking: false,
    },
  })
  const people = [person('ana', 'moderator'), person('bob', 'speaker'), person('cy', 'listener', true)]
  const view = (actor: string, atMs: number, seen = people) => ({
    actor,
    atMs,
    status: 'live' as const,
    people: seen,
    isEnded: false,
  })
  const room = (limits: object): Expectation => ({
    ...at,
    ...{
      kind: 'room' as const,
      at: null,
      roster: null,
      moderators: null,
      speakers: null,
      listeners: null,
      hands: null,
    },
    ...{ muted: null, unmuted: null, reconnects: null, ended: null },
    ...limits,
  })

  it('is what all who were there saw', () => {
    const views = [view('ana', 900), view('cy', 950)]
    const limits = {
      roster: ['ana', 'bob', 'cy'],
      speakers: ['bob', 'ana'],
      hands: ['cy'],
      muted: ['cy'],
      reconnects: 0,
      ended: false,
    }
    expect(verdictsOf(rooms.good, [room(limits)], { views }).map(({ outcome }) => outcome)).toEqual(
      Array(6).fill('pass'),
    )
    const other = [...views, view('cy', 2000, people.slice(0, 2))]
    expect(told(verdictsOf(rooms.good, [room({ roster: ['ana', 'bob', 'cy'] })], { views: other }))).toEqual([
      ['roster', 'fail', null],
    ])
    expect(told(verdictsOf(rooms.good, [room({ hands: [] })], { views }))).toEqual([['hands', 'fail', null]])
    expect(told(verdictsOf(rooms.good, [room({ hands: [] })], { views: [] }))).toEqual([
      ['hands', 'inconclusive', 'no-view'],
    ])
  })

  it('counts connections that were away', () => {
    const cut = actors(rooms.good.evidence, 'bob', { cuts: [{ fromMs: 3000, untilMs: 4000 }] })
    expect(told(verdictsOf(rooms.good, [room({ reconnects: 1 })], { actors: cut }))).toEqual([
      ['reconnects', 'pass', null],
    ])
    expect(told(verdictsOf(rooms.good, [room({ reconnects: 0 })], { actors: cut }))).toEqual([
      ['reconnects', 'fail', null],
    ])
  })
})
