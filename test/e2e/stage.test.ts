import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { type SoundWatch, watchSound } from '../support/heard-sound.ts'
import { type House, type HouseSeat, openHouse } from '../support/house.ts'

// Ana moderates in silence, Omar would speak a tone, and Kim's speaker is a pipe into this test: whatever sounds there is Omar.
const FOLLOWS_WITHIN_MS = 1000

let house: House
let room: { id: string }
let ana: HouseSeat
beforeAll(async () => {
  house = await openHouse(['Ana', 'Omar', 'Kim'])
})
beforeEach(async () => {
  room = await house.createRoom('Stage')
  ana = await house.join('ana', room, '--microphone', 'none', '--speaker', 'none')
})
afterEach(async () => {
  await house.leaveAll()
  await house.run('room', 'end', room.id, '--profile', 'ana')
})
afterAll(() => house?.close())

const omarJoins = () => house.join('omar', room, '--microphone', 'tone:880', '--speaker', 'none')

const kimListens = async (): Promise<SoundWatch> => {
  const watch = watchSound()
  const kim = house.start(['join', room.id, '--profile', 'kim', '--microphone', 'none', '--speaker', 'stdout'])
  kim.child.stdout!.on('data', watch.push)
  await ana.tells('participant-joined', { where: ({ handle }) => handle === 'kim' })
  return watch
}

/** A verb that must work; the moment when it was done. */
const done = async (seat: HouseSeat, ...verb: string[]): Promise<number> => {
  const ran = await seat.verb(...verb)
  expect(ran, verb.join(' ')).toMatchObject({ code: 0 })
  return performance.now()
}

const measured: string[] = []
afterAll(() => console.log(`after the verb was done: ${measured.join(', ')}`))

const soundFollows = async (watch: SoundWatch, what: string, act: () => Promise<number>) => {
  const startedAt = performance.now()
  const doneAt = await act()
  const afterMs = await eventually(() => (watch.soundAfter(startedAt) ?? -1) + 1, {
    withinMs: 5000,
    what: `sound after ${what}`,
  })
  report(what, 'sound', afterMs - 1 - (doneAt - startedAt))
  await eventually(() => Math.abs(watch.hzSince(startedAt) - 880) < 2, { withinMs: 3000, what: 'the tone of Omar' })
}

const silenceFollows = async (watch: SoundWatch, what: string, act: () => Promise<number>) => {
  const startedAt = performance.now()
  const doneAt = await act()
  const afterMs = await eventually(() => (watch.silenceAfter(startedAt) ?? -1) + 1, {
    withinMs: 5000,
    what: `silence after ${what}`,
  })
  report(what, 'silence', afterMs - 1 - (doneAt - startedAt))
}

const report = (what: string, change: string, afterMs: number) => {
  measured.push(`${what} ${Math.round(afterMs)} ms`)
  expect(afterMs, `${change} after ${what}`).toBeLessThan(FOLLOWS_WITHIN_MS)
}

const staysSilent = async (watch: SoundWatch, fromMs: number, what: string) => {
  await eventually(() => performance.now() - fromMs > 1500, { withinMs: 5000, what: 'a while of listening' })
  expect(watch.soundAfter(fromMs), what).toBeUndefined()
}

describe('the stage', () => {
  it('is heard: hand, invitation, mute, unmute, the moderator muting and allowing, demotion', async () => {
    const omar = await omarJoins()
    const kim = await kimListens()
    await done(omar, 'hand', 'May', 'I?')
    expect(await ana.tells('hand-raised')).toMatchObject({ handle: 'omar', question: 'May I?', position: 1 })
    const invitedAt = await done(ana, 'stage', 'invite', '@omar')
    expect(await omar.tells('invited-to-speak')).toMatchObject({ by: 'Ana', isYou: true })
    await staysSilent(kim, invitedAt, 'invited is not yet on stage')

    // A tone is open as soon as one may speak.
    expect(omar.told('unmuted')).toEqual([])
    await soundFollows(kim, 'accept', () => done(omar, 'accept'))
    expect(await omar.tells('unmuted')).toMatchObject({ isYou: true, byModerator: false })
    await silenceFollows(kim, 'mute', () => done(omar, 'mute'))
    await soundFollows(kim, 'unmute', () => done(omar, 'unmute'))
    await silenceFollows(kim, 'stage mute', () => done(ana, 'stage', 'mute', '@omar'))
    await omar.tells('muted', { where: ({ isYou, byModerator }) => isYou && byModerator })
    expect((await omar.verb('unmute')).code).toBe(5)
    const allowedAt = await done(ana, 'stage', 'allow', '@omar')
    await staysSilent(kim, allowedAt, 'allowed is still muted')
    await soundFollows(kim, 'unmute after allow', () => done(omar, 'unmute'))
    await silenceFollows(kim, 'stage demote', () => done(ana, 'stage', 'demote', '@omar'))
    await omar.tells('role-changed', { where: ({ isYou, role }) => isYou && role === 'listener' })
    expect((await omar.verb('unmute')).code).toBe(5)
  })

  it('is not entered by a lowered hand or a declined invitation; a hand that is admitted enters it', async () => {
    const omar = await omarJoins()
    const kim = await kimListens()
    await done(omar, 'hand', 'First?')
    await done(omar, 'lower')
    await ana.tells('hand-lowered')
    await done(omar, 'hand', 'Second?')
    await done(ana, 'stage', 'lower', '@omar')
    await omar.tells('hand-lowered', { where: ({ isYou }) => isYou })
    expect((await ana.verb('stage', 'admit', '@omar')).code).toBe(5)
    await done(ana, 'stage', 'invite', '@omar')
    await omar.tells('invited-to-speak')
    const declinedAt = await done(omar, 'decline')
    await ana.tells('invitation-closed', { where: ({ outcome }) => outcome === 'declined' })
    expect((await omar.verb('accept')).code).not.toBe(0)
    await staysSilent(kim, declinedAt, 'declined')
    expect(omar.told('role-changed')).toEqual([])

    await done(omar, 'hand', 'Third?')
    await soundFollows(kim, 'stage admit', () => done(ana, 'stage', 'admit', '@omar'))
  })
})

describe('a seat that is taken away ends with 8', () => {
  it('when kicked, with its sound', async () => {
    const omar = await omarJoins()
    const kim = await kimListens()
    await done(ana, 'stage', 'invite', '@omar')
    await omar.tells('invited-to-speak')
    await soundFollows(kim, 'accept before the kick', () => done(omar, 'accept'))
    await silenceFollows(kim, 'stage kick', () => done(ana, 'stage', 'kick', '@omar'))
    expect((await omar.ended).code).toBe(8)
    expect(omar.told('left')).toMatchObject([{ reason: 'kicked', by: 'Ana' }])
    expect((await house.run('join', room.id, '--profile', 'omar', '--speaker', 'none')).code).toBe(5)
  })

  it('when another device of the same account takes it, which keeps hand and role', async () => {
    const first = await omarJoins()
    await done(first, 'hand', 'Still mine?')
    const second = await omarJoins()
    expect((await first.ended).code).toBe(8)
    expect(first.told('left')).toMatchObject([{ reason: 'replaced' }])
    expect((await second.state()).you.hand).toMatchObject({ position: 1, question: 'Still mine?' })
    expect(second.child.exitCode).toBeNull()
  })

  it('when the room ends, for everybody', async () => {
    const omar = await omarJoins()
    await house.must('room', 'end', room.id, '--profile', 'ana')
    expect((await omar.ended).code).toBe(8)
    expect((await ana.ended).code).toBe(8)
    expect(omar.told('left')).toMatchObject([{ reason: 'room-ended', by: 'Ana' }])
    expect((await house.run('join', room.id, '--profile', 'omar', '--speaker', 'none')).code).toBe(8)
  })
})
