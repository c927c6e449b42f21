import { expect } from 'vitest'
import type { HeardBetween } from './ears.ts'
import { eventually } from './eventually.ts'
import type { FaultSeat } from './fault-seat.ts'

const TOLD_WITHIN_MS = 7_000
const UNHEARD_WITHIN_MS = 4_000

/** Waits until so many seconds of a tone at -20 dBFS have been heard since then. */
export const hears = (seat: FaultSeat, hz: number, sinceMs: number, seconds: number) =>
  eventually(
    () => {
      // To look for the frequency ten times a second would keep the machine from making sound.
      if (seat.ears.secondsSince(sinceMs) < seconds) throw new Error(JSON.stringify(seat.see().connection))
      const heard = seat.ears.between(sinceMs)
      const isIt = Math.abs(heard.hz - hz) <= 2 && Math.abs(heard.levelDb + 20) <= 2
      if (heard.seconds >= seconds && isIt) return heard
      throw new Error(`${JSON.stringify(heard)} ${JSON.stringify(seat.see().connection)}`)
    },
    { withinMs: 30_000, what: `${seconds} s of ${hz} Hz`, everyMs: 100 },
  )

/** The second in the queue is still the second, with the question, to the moderator and to themselves. */
export const keepsQueue = (moderator: FaultSeat, second: FaultSeat) =>
  eventually(
    () => {
      const places = moderator.see().hands.map(({ name, position, question }) => [name, position, question])
      expect(places).toEqual([
        ['Noor', 1, null],
        ['Omar', 2, 'Still there?'],
      ])
      expect(second.see().you).toMatchObject({
        microphone: 'hand-raised',
        hand: { position: 2, question: 'Still there?' },
      })
      return true
    },
    { withinMs: 10_000, what: 'the queue is as it was' },
  )

/**
 * What a seat said of itself and of others while nothing could come or go: soon nobody is shown as speaking who is not
 * heard; then it is told, with the seconds since the beginning, without figures of a line that is not there, and with no
 * open microphone. With `gone` the seat is one that was not cut, and only those of that name are looked at.
 */
export const expectTruth = (seat: FaultSeat, cutMs: number, mendedMs: number, gone?: string[]) => {
  const during = (fromMs: number) => seat.diary.filter(({ atMs }) => atMs > cutMs + fromMs && atMs < mendedMs)
  for (const { atMs, state } of during(UNHEARD_WITHIN_MS)) {
    const speaking = state.participants.filter(({ isSpeaking, isYou }) => isSpeaking && !isYou)
    const names = speaking.map(({ name }) => name).filter((name) => !gone || gone.includes(name))
    expect(names, `${Math.round(atMs - cutMs)} ms into the cut`).toEqual([])
  }
  if (gone) return
  for (const { atMs, wallMs, state } of during(TOLD_WITHIN_MS)) {
    const { connection, network, you } = state
    const when = `${Math.round(atMs - cutMs)} ms into the cut`
    expect(connection.status, when).toBe('reconnecting')
    if (connection.status !== 'reconnecting') continue
    const saidMs = wallMs - Date.parse(connection.since)
    expect(Math.abs(saidMs - (atMs - cutMs)), `${when}: said ${saidMs} ms`).toBeLessThan(4_000)
    expect(network, when).toMatchObject({ roundTripMs: null, lossPercent: null })
    expect(you.microphone, when).not.toBe('open')
  }
}

const rows: string[] = []

/** A row of the table: two seconds before, the longest time without, and from the first sound after on. */
export const noteHeard = (
  fault: string,
  who: string,
  { ears }: FaultSeat,
  cutMs: number,
  mendedMs: number,
  {
    before = ears.between(cutMs - 2_000, cutMs),
    untilMs = performance.now(),
  }: { before?: HeardBetween; untilMs?: number } = {},
) => {
  const after = ears.between(mendedMs, untilMs)
  const { longestGapMs } = ears.between(cutMs - 500, untilMs)
  const say = ({ hz, levelDb }: HeardBetween) => `${hz.toFixed(1)} Hz ${levelDb.toFixed(1)} dBFS`
  rows.push(`| ${fault} | ${who} | ${say(before)} | ${(longestGapMs / 1000).toFixed(1)} s | ${say(after)} |`)
}

/** Prints what docs/faults.md holds. */
export const keepFaultTable = () =>
  console.log(['| fault | who | before | longest gap | after |', '|---|---|---|---|---|', ...rows.sort()].join('\n'))
