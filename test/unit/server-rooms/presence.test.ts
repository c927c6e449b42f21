import { describe, expect, it } from 'vitest'
import { raiseHand } from '../../../src/server/domain/hands.ts'
import { listCompanions, signOut, sweepRoom } from '../../../src/server/domain/presence.ts'
import { handsOf, mayPublish, roomView } from '../../../src/server/domain/room-state.ts'
import { editRoom, endRoom, isModerator } from '../../../src/server/domain/rooms.ts'
import { actOnStage } from '../../../src/server/domain/stage.ts'
import { bot, minute, person, startRoom, type TestRoom } from './room-kit.ts'

const [ada, ben, cid] = [person('Ada'), person('Ben'), person('Cid')] as const
const limits = { awayMs: 15_000, holdMs: 120_000, emptyRoomMs: 10 * minute, companionMs: 10 * minute }

/** Lets time pass, with a heartbeat of those named before each sweep. */
const pass = (room: TestRoom, ms: number, ...alive: { accountId: string }[]) => {
  room.now += ms
  const isAlive = (accountId: string) => alive.some((who) => who.accountId === accountId)
  room.state = {
    ...room.state,
    members: room.state.members.map((member) =>
      isAlive(member.accountId) && member.kind !== 'companion' && member.awayAt === null
        ? { ...member, lastSeenAt: room.now }
        : member,
    ),
  }
  room.step((state, now) => sweepRoom(state, now, limits))
}
const code = (work: () => unknown): string => {
  try {
    work()
  } catch (error) {
    return (error as { code: string }).code
  }
  return 'none'
}

describe('joining', () => {
  it('makes the creator and co-hosts moderators, others listeners, all muted', () => {
    const room = startRoom(ada, { cohosts: [ben] })
    expect(isModerator(room.state, ada)).toBe(true)
    expect([room.join(ada), room.join(ben), room.join(cid)].map(({ role }) => role)).toEqual([
      'moderator',
      'moderator',
      'listener',
    ])
    expect(room.state.members.every((member) => member.isMuted)).toBe(true)
  })

  it('of a bot is as speaker where its owner moderates, each name a participant of its own', () => {
    const room = startRoom(ada)
    expect(room.join(bot('Bell', ada)).role).toBe('speaker')
    expect(room.join(bot('Drone', ada)).role).toBe('speaker')
    expect(room.join(bot('Guest', ben)).role).toBe('listener')
    expect(room.state.members).toHaveLength(3)
  })

  it('with the same seat resumes, with another replaces, taking over role and hand', () => {
    const room = startRoom(ada)
    room.join(ada)
    const first = room.join(ben)
    room.step((state, now) => raiseHand(state, first.id, 'why?', { now, maxHands: 9 }))
    expect(room.join(ben).id).toBe(first.id)
    expect(room.events).toEqual([])
    const second = room.join(ben, { seatId: 'phone' })
    expect(second.id).not.toBe(first.id)
    expect(handsOf(room.state).map(({ participantId }) => participantId)).toEqual([second.id])
    expect(room.events).toContain(`participant-left ${first.id} replaced all`)
    expect(room.state.members.filter((member) => member.left === null)).toHaveLength(2)
  })

  it('is refused when full, but not to one who is in', () => {
    const room = startRoom(ada)
    room.join(ada, { maxParticipants: 1 })
    expect(code(() => room.join(ben, { maxParticipants: 1 }))).toBe('room-full')
    expect(room.join(ada, { seatId: 'other', maxParticipants: 1 }).role).toBe('moderator')
  })

  it('as a recording needs a room that allows it, and shows at once', () => {
    const room = startRoom(ada)
    expect(code(() => room.join(ben, { recording: true }))).toBe('recording-off')
    room.step((state) => editRoom(state, ada, { recording: 'flagged' }))
    room.join(ben, { recording: true })
    expect(roomView(room.state, '').isRecorded).toBe(true)
    expect(room.events).toContain('room all')
    expect(code(() => editRoom(room.state, ada, { recording: 'off' }))).toBe('conflict')
  })
})

describe('a seat without heartbeat', () => {
  it('is away after 15 s, keeps role and hand for 120 s, then is lost', () => {
    const room = startRoom(ada)
    room.join(ada)
    room.join(ben)
    room.step((state, now) => raiseHand(state, room.seat(ben).id, null, { now, maxHands: 9 }))
    pass(room, 15_000, ada)
    expect(room.seat(ben).awayAt).toBe(room.now)
    pass(room, 119_999, ada)
    expect(handsOf(room.state)).toHaveLength(1)
    room.join(ben)
    expect(room.seat(ben)).toMatchObject({ awayAt: null, hand: { order: 1 } })
    pass(room, 15_000, ada)
    pass(room, 120_000, ada)
    expect(room.events).toContain('participant-left Ben-2 lost all')
  })
})

describe('the last moderator', () => {
  it('leaving on purpose ends the room', () => {
    const room = startRoom(ada)
    room.join(ada)
    room.join(ben)
    room.join(bot('Bell', ada))
    room.leave(ada)
    expect(room.state.ended).toMatchObject({ by: 'Ada' })
    expect(room.events).toEqual(['room-ended all'])
  })

  it('leaving a room that a bot opened, and is in, leaves it to the bot; with the bot it ends', () => {
    const radio = bot('Radio', ada)
    const room = startRoom(radio)
    room.join(radio)
    room.join(ada)
    room.join(ben)
    room.leave(ada)
    expect(room.state.ended).toBeNull()
    expect(room.state.awaited).toBeNull()
    room.leave(radio)
    expect(room.state.ended).toMatchObject({ by: 'Radio' })
  })

  it('leaving while another is held does not', () => {
    const room = startRoom(ada, { cohosts: [ben] })
    room.join(ada)
    room.join(ben)
    pass(room, 15_000, ada)
    room.leave(ada)
    expect(room.state.ended).toBeNull()
    expect(room.state.awaited?.people.map(({ name }) => name)).toEqual(['Ben'])
  })

  it('lost is awaited for 10 minutes and is moderator again on return', () => {
    const room = startRoom(ada)
    room.join(ada)
    room.join(ben)
    pass(room, 15_000, ben)
    expect(roomView(room.state, '').awaited?.names).toEqual(['Ada'])
    pass(room, 120_000, ben)
    pass(room, 6 * minute, ben)
    expect(room.state.ended).toBeNull()
    expect(room.seat(ben).role).toBe('listener')
    expect(room.join(ada, { seatId: 'new' }).role).toBe('moderator')
    expect(room.state.awaited).toBeNull()
  })

  it('lost and made by promotion is moderator again, too', () => {
    const room = startRoom(ada)
    room.join(ada)
    room.join(ben)
    room.step((state, now) => raiseHand(state, room.seat(ben).id, null, { now, maxHands: 9 }))
    const by = { now: room.now, invitationMs: minute }
    room.step((state) => actOnStage(state, ada, 'admit', room.seat(ben).id, by))
    room.step((state) => actOnStage(state, ada, 'moderator', room.seat(ben).id, by))
    room.leave(ada)
    pass(room, 15_000)
    pass(room, 120_000)
    expect(room.join(ben, { seatId: 'new' }).role).toBe('moderator')
  })

  it('not back in time ends the room', () => {
    const room = startRoom(ada)
    room.join(ada)
    room.join(ben)
    pass(room, 15_000, ben)
    pass(room, 10 * minute, ben)
    expect(room.state.ended).toMatchObject({ by: null })
  })

  it('signed out elsewhere is awaited, not the end', () => {
    const room = startRoom(ada)
    room.join(ada)
    room.join(ben)
    room.step((state, now) => signOut(state, (member) => member.sessionId === 'session-Ada', now))
    expect(room.events).toContain('participant-left Ada-1 signed-out all')
    expect(room.state.ended).toBeNull()
    expect(room.state.awaited?.until).toBe(room.now + 10 * minute)
  })
})

describe('a room', () => {
  it('that nobody joins ends after 10 minutes', () => {
    const room = startRoom(ada)
    pass(room, 10 * minute - 1)
    expect(room.state.ended).toBeNull()
    pass(room, 1)
    expect(room.state.ended).not.toBeNull()
  })

  it('is ended by its host from outside, by nobody else', () => {
    const room = startRoom(ada)
    room.join(ben)
    expect(code(() => endRoom(room.state, ben, room.now))).toBe('not-allowed')
    room.step((state, now) => endRoom(state, ada, now))
    expect(code(() => room.join(ben))).toBe('room-ended')
  })
})

describe('a companion', () => {
  it('is in the roster while connected and follows its owner on and off the stage', () => {
    const room = startRoom(ada)
    const companion = room.companion(ada)
    expect(companion.role).toBe('listener')
    room.step((state, now) => listCompanions(state, new Set([companion.id]), now))
    expect(room.events).toContain(`participant ${companion.id} all`)
    room.join(ada)
    const now = () => room.state.members.find(({ id }) => id === companion.id)!
    expect(mayPublish(now())).toBe(true)
    pass(room, 15_000)
    expect(mayPublish(now())).toBe(false)
    room.step((state, at) => listCompanions(state, new Set(), at))
    expect(room.events).toContain(`participant-left ${companion.id} left all`)
  })

  it('goes when its owner leaves', () => {
    const room = startRoom(ada)
    room.join(ada)
    room.join(ben)
    const companion = room.companion(ben)
    room.leave(ben)
    expect(room.state.members.find(({ id }) => id === companion.id)!.left?.reason).toBe('left')
  })

  it('is bounded in number, and void when its token was never used', () => {
    const room = startRoom(ada)
    room.join(ada)
    room.companion(ada)
    room.companion(ada)
    expect(code(() => room.companion(ada))).toBe('conflict')
    pass(room, 10 * minute, ada)
    expect(() => room.companion(ada)).not.toThrow()
  })
})
