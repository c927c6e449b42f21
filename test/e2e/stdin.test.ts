import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { createFrame } from '../../src/audio/frame.ts'
import { bytesOf } from '../../src/audio/pcm-bytes.ts'
import { createToneSource } from '../../src/audio/sources/tone.ts'
import { eventually } from '../support/eventually.ts'
import { type House, type HouseSeat, openHouse } from '../support/house.ts'

// Ana speaks what is piped into her `join`; Omar tells what he heard.
let house: House
beforeAll(async () => {
  house = await openHouse(['Ana', 'Omar'])
})
afterEach(() => house.leaveAll())
afterAll(() => house?.close())

const ODD_BYTES = 4801

const begin = async (title: string) => {
  const room = await house.createRoom(title)
  const ana = await house.join('ana', room, '--microphone', 'stdin', '--speaker', 'none')
  const omar = await house.join('omar', room, '--microphone', 'none', '--speaker', 'none')
  return { ana, omar }
}

const tonePcm = (hz: number, levelDb: number, ms: number): Buffer => {
  const source = createToneSource({ hz, levelDb })
  const frames = Array.from({ length: ms / 10 }, () => {
    const frame = createFrame(1)
    source.read(frame)
    return bytesOf(frame)
  })
  return Buffer.concat(frames)
}

/** In pieces that cut samples in two. */
const pipe = (seat: HouseSeat, pcm: Buffer) => {
  for (let at = 0; at < pcm.length; at += ODD_BYTES) seat.child.stdin!.write(pcm.subarray(at, at + ODD_BYTES))
}

const heardOf = (seat: HouseSeat, name: string) =>
  seat.tells('heard', { withinMs: 15_000, where: ({ who, seconds }) => who === name && seconds > 1 })

describe('sound that is piped into a seat', () => {
  it('is heard at its pitch and level, to its end; the seat stays, says so, and is done with speaking', async () => {
    const { ana, omar } = await begin('Pipe')
    // Half a sample more than there should be.
    pipe(ana, Buffer.concat([tonePcm(660, -20, 6_000), Buffer.alloc(1)]))
    await ana.tells('unmuted', { where: ({ isYou }) => isYou })
    ana.endInput()
    await ana.tells('muted', { withinMs: 15_000, where: ({ isYou, byModerator }) => isYou && !byModerator })
    omar.kill('SIGINT')
    await omar.ended
    const heard = await omar.tells('heard', { where: ({ who, isFinal }) => who === 'Ana' && isFinal })
    expect(heard.seconds).toBeGreaterThan(5.5)
    expect(heard.seconds).toBeLessThan(6.5)
    expect(Math.abs(heard.frequencyHz - 660)).toBeLessThanOrEqual(1)
    expect(Math.abs(heard.levelDb + 20)).toBeLessThanOrEqual(1)

    expect((await ana.state()).you).toMatchObject({ microphone: 'no-microphone', isMuted: true })
    const unmute = await ana.verb('unmute')
    expect(unmute).toMatchObject({ code: 5, stderr: expect.stringContaining('no microphone') })
    expect(ana.child.exitCode).toBeNull()
    expect(ana.stderr()).toBe('')
  })

  it('waits while muted, so that nothing of it is lost', async () => {
    const { ana, omar } = await begin('Wait')
    await ana.tells('unmuted')
    expect(await ana.verb('mute')).toMatchObject({ code: 0 })
    pipe(ana, tonePcm(880, -20, 3_000))
    ana.endInput()
    const mutedAt = Date.now()
    expect(await ana.verb('unmute')).toMatchObject({ code: 0 })
    await ana.tells('muted', { withinMs: 15_000, after: mutedAt, where: ({ isYou }) => isYou })
    omar.kill('SIGINT')
    await omar.ended
    const heard = await omar.tells('heard', { where: ({ who, isFinal }) => who === 'Ana' && isFinal })
    expect(heard.seconds).toBeGreaterThan(2.7)
    expect(heard.seconds).toBeLessThan(3.3)
    expect(Math.abs(heard.frequencyHz - 880)).toBeLessThanOrEqual(1)
  })

  it('may be anything: what is no sound is noise, and an input without a byte is an end', async () => {
    const { ana, omar } = await begin('Noise')
    const text = Buffer.from('{"verb":"leave"}\nleave\nquit\n'.repeat(4_000))
    pipe(ana, text.subarray(0, text.length - 1))
    expect((await heardOf(omar, 'Ana')).levelDb).toBeGreaterThan(-30)
    expect(ana.child.exitCode).toBeNull()

    const room = await house.createRoom('Nothing', '--profile', 'omar')
    const empty = house.start(['join', room.id, '--profile', 'omar', '--microphone', 'stdin', '--speaker', 'none'])
    empty.endInput()
    await eventually(() => empty.stdout().includes('has ended'), { withinMs: 15_000, what: 'the end is told' })
    expect(empty.child.exitCode).toBeNull()
    expect(empty.lines()[0]).toMatch(/Your microphone opens in a moment\.$|Your microphone is open: you are heard\.$/)
  })
})
