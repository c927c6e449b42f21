import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { connectSeat, listSeats, type SeatClient } from '../../src/client/seat.ts'
import type { SeatState } from '../../src/protocol/seat.ts'
import { eventually } from '../support/eventually.ts'
import { type House, openHouse } from '../support/house.ts'
import { onPty } from '../support/pty.ts'

let house: House
const clients: SeatClient[] = []
beforeAll(async () => {
  house = await openHouse(['Ana', 'Omar', 'Wei'])
})
afterAll(async () => {
  for (const client of clients) client.close()
  await house?.close()
})

const folder = () => join(house.home, 'run')

/** Sees what the seat of that id sees, without a process for each look. */
const lookThrough = async (seatId: string): Promise<() => SeatState> => {
  const client = await connectSeat(folder(), seatId)
  clients.push(client)
  return () => client.state()!
}
const someoneIn = (state: SeatState, name: string) => state.participants.find((person) => person.name === name)

it('a seat whose terminal is closed closes its microphone, keeps its place, and tells who attaches what was missed', async () => {
  const room = await house.createRoom('Morning sit', '--cohost', '@omar')
  const ana = await house.join('ana', room, '--microphone', 'none', '--speaker', 'none')
  const anaSees = await lookThrough((await ana.tells('joined')).seatId)
  const omar = () => someoneIn(anaSees(), 'Omar')
  const omarIsHeard = (what: string) =>
    eventually(() => (omar()?.levelDb ?? -100) > -30, { withinMs: 15_000, what: `Omar is heard ${what}` })
  const omarIsMuted = async (what: string, since: number) => {
    await eventually(() => omar()?.isMuted, { withinMs: 5_000, what: `Omar is muted ${what}` })
    const tookMs = performance.now() - since
    expect(tookMs, what).toBeLessThan(1_000)
    return Math.round(tookMs)
  }

  const args = ['join', room.id, '--plain', '--profile', 'omar', '--microphone', 'tone:440', '--speaker', 'none']
  const terminal = onPty(args, { home: house.home })
  await omarIsHeard('from his terminal').catch((error) => {
    throw new Error(`${error.message}: ${terminal.written()}`)
  })
  const known = [(await ana.tells('joined')).seatId]
  const { seatId, pid } = (await listSeats(folder())).find((seat) => !known.includes(seat.seatId))!

  const closed = performance.now()
  terminal.hangUp()
  const mutedMs = await omarIsMuted('after his terminal was closed', closed)

  // Commands that pass by are no face: they take nothing of what he missed.
  expect((await house.must('status', '--seat', seatId)).split('\n')[0]).toContain('Morning sit')
  const wei = await house.join('wei', room, '--microphone', 'none', '--speaker', 'none')
  await wei.verb('hand', 'How long should I hold?')
  await ana.tells('hand-raised')

  const attached = house.start(['attach', '--seat', seatId])
  await eventually(() => attached.lines().length >= 3, { withinMs: 10_000, what: 'three lines' })
  const [where, who, you] = attached.lines()
  expect(where).toMatch(/^Morning sit: you are a moderator, .*3 people here, not recorded\.$/)
  expect(who).toBe('Nobody speaks; 2 on stage.')
  expect(you).toContain(
    'Your microphone is muted. You missed: Wei raised a hand, first in line: How long should I hold?',
  )
  expect(attached.lines().filter((line) => line.includes('How long'))).toHaveLength(1)

  attached.write('unmute\n')
  await omarIsHeard('from the attached one')
  const killed = performance.now()
  attached.kill('SIGKILL')
  const mutedAgainMs = await omarIsMuted('after the attached one was killed', killed)
  console.log(`muted ${mutedMs} ms after the terminal was closed, ${mutedAgainMs} ms after a kill -9 of the face`)
  expect(omar()).toMatchObject({ role: 'moderator', isAway: false })

  expect(await house.run('leave', '--seat', seatId)).toMatchObject({ code: 0 })
  await eventually(() => !house.processes().some((process) => process.pid === pid), {
    withinMs: 8_000,
    what: 'its process is gone',
  })
  await house.leaveAll()
})

it('a seat that nobody comes back to leaves after --keep', async () => {
  const room = await house.createRoom('Short')
  const ana = await house.join('ana', room, '--microphone', 'none', '--speaker', 'none')
  const wei = await house.join('wei', room, '--microphone', 'none', '--speaker', 'none', '--keep', '1500ms')
  await ana.tells('participant-joined')
  const killed = performance.now()
  wei.kill('SIGKILL')
  await ana.tells('participant-left', { where: ({ name, reason }) => name === 'Wei' && reason === 'left' })
  expect(performance.now() - killed).toBeGreaterThan(1_400)
  await house.leaveAll()
})

it('runs the hook at what happens in the room; one that fails is told of once', async () => {
  const file = join(house.home, 'hook.txt')
  const room = await house.createRoom('Hooks')
  const hook = `printf '%s %s\\n' "$ROOMTONE_EVENT" "$ROOMTONE_NAME" >> ${file}; exit 3`
  const ana = await house.join('ana', room, '--microphone', 'none', '--speaker', 'none', '--hook', hook)
  const wei = await house.join('wei', room, '--microphone', 'none', '--speaker', 'none')
  await wei.verb('hand')
  await ana.tells('hand-raised')
  await wei.verb('leave')
  await ana.tells('participant-left')
  await ana.verb('leave')
  await ana.ended
  const expected = ['joined ', 'participant-joined Wei', 'hand-raised Wei', 'participant-left Wei', 'left ']
  expect(readFileSync(file, 'utf8').trimEnd().split('\n').map(trimEnd)).toEqual(expected.map(trimEnd))
  expect(ana.told('warning')).toMatchObject([{ message: expect.stringContaining('The hook failed (exit code 3)') }])
})

const trimEnd = (text: string) => text.trimEnd()
