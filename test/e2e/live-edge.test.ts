import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { createFrame } from '../../src/audio/frame.ts'
import { createMarkerSource, findMarkers } from '../../src/audio/markers.ts'
import { wholeSamples } from '../../src/audio/pcm-bytes.ts'
import { eventually } from '../support/eventually.ts'
import { type House, openHouse } from '../support/house.ts'
import { median } from '../support/marker-delay.ts'
import { wavBytes } from '../support/wav-bytes.ts'

// Two listeners of one stream: Kim from its beginning, Omar drops in later. What both hear, they hear at one time.
const IDS = 16
const EVERY_MS = 500
const SOON_MS = 5_000
const TOGETHER_MS = 400

let house: House
let file: string
beforeAll(async () => {
  house = await openHouse(['Ana', 'Omar', 'Kim'])
  file = join(house.home, 'markers.wav')
  writeFileSync(file, wavBytes(markersInTurn(60_000)))
})
afterEach(() => house.leaveAll())
afterAll(() => house?.close())

/** A marker every half a second, each id in its turn: within eight seconds a marker tells its place in the file. */
const markersInTurn = (ms: number): Buffer => {
  const samples = new Int16Array(ms * 48)
  const frame = createFrame(1)
  for (let id = 0; id < IDS; id++) {
    const source = createMarkerSource({ everyMs: IDS * EVERY_MS, id, firstMs: id * EVERY_MS })
    for (let at = 0; at + frame.length <= samples.length; at += frame.length) {
      source.read(frame)
      for (const [index, sample] of frame.entries()) samples[at + index]! += sample
    }
  }
  return Buffer.from(samples.buffer)
}

/** What comes out of a seat's speaker, with the time by the clock of this process. */
const startEar = (profile: string, room: { id: string }) => {
  const startedAt = performance.now()
  const seat = house.start(['join', room.id, '--profile', profile, '--microphone', 'none', '--speaker', 'stdout'])
  const pieces: Int16Array[] = []
  let count = 0
  // Pieces come late, never early: the least lag of all is the one that holds.
  let firstMs = Number.POSITIVE_INFINITY
  const take = wholeSamples((samples) => {
    pieces.push(samples)
    count += samples.length
    firstMs = Math.min(firstMs, performance.now() - count / 48)
  })
  seat.child.stdout!.on('data', take)
  const markers = () => {
    const all = new Int16Array(count)
    let at = 0
    for (const piece of pieces) {
      all.set(piece, at)
      at += piece.length
    }
    return findMarkers(all).map(({ id, atMs }) => ({ id, atMs: firstMs + atMs }))
  }
  /** Waits for so many markers. */
  const hears = (atLeast: number, withinMs: number) =>
    eventually(
      () => {
        const found = markers()
        if (found.length < atLeast)
          throw new Error(`${JSON.stringify(found)} markers in ${firstMs} ${count / 48} ms ${seat.stderr()}`)
        return found
      },
      { withinMs, everyMs: 500, what: `${atLeast} markers heard by ${profile}` },
    )
  return { startedAt, hears, markers, heardUntil: () => firstMs + count / 48 }
}

const measured: string[] = []
afterAll(() => console.log(measured.join('\n')))

/** Lets Omar drop in to what Kim has heard for a while. */
const dropIn = async (what: string, room: { id: string }, kim: ReturnType<typeof startEar>) => {
  // Five seconds of it are old before anybody comes.
  await kim.hears(10, 20_000)
  const omar = startEar('omar', room)
  const late = await omar.hears(6, 15_000)
  const soonMs = late[0]!.atMs - omar.startedAt
  const until = late.at(-1)!.atMs + 1_000
  await eventually(() => kim.heardUntil() > until, { withinMs: 10_000, what: 'Kim has heard as much' })
  const early = kim.markers()
  const apartMs = late.map(({ id, atMs }) => {
    const same = early.filter((marker) => marker.id === id).map((marker) => Math.abs(marker.atMs - atMs))
    return Math.min(...same)
  })
  measured.push(
    `${what}: first heard ${Math.round(soonMs)} ms after the command, ` +
      `apart by ${apartMs.map((ms) => Math.round(ms)).join(' ')} ms`,
  )
  // A marker that one of them got torn or stretched is read as another or not at all: that is no lateness.
  expect(median(apartMs), `${what}: apart in ms`).toBeLessThan(TOGETHER_MS)
  expect(soonMs, `${what}: from the command to the first sound`).toBeLessThan(SOON_MS)
}

it('a late joiner hears what a person speaks now, at the same time as everybody, and soon', async () => {
  const room = await house.createRoom('File')
  const kim = startEar('kim', room)
  await house.join('ana', room, '--microphone', `file:${file}`, '--speaker', 'none')
  await dropIn('file', room, kim)
})

it('a late joiner hears what a bot plays now, at the same time as everybody, and soon', async () => {
  const room = await house.createRoom('Bot')
  await house.join('ana', room, '--microphone', 'none', '--speaker', 'none')
  const kim = startEar('kim', room)
  house.start(['bot', 'play', file, '--room', room.id, '--profile', 'ana', '--jsonl'])
  await dropIn('bot', room, kim)
})
