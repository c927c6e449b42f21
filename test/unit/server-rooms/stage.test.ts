import { describe, expect, it } from 'vitest'
import type { StageAction } from '../../../src/protocol/rooms.ts'
import { lowerHand, raiseHand } from '../../../src/server/domain/hands.ts'
import { handsOf, mayPublish, type Person } from '../../../src/server/domain/room-state.ts'
import { acceptInvitation, actOnStage, declineInvitation, stepDown } from '../../../src/server/domain/stage.ts'
import { bot, minute, person, startRoom, type TestRoom } from './room-kit.ts'

const [ada, ben, cid, dot] = ['Ada', 'Ben', 'Cid', 'Dot'].map((name) => person(name)) as [
  Person,
  Person,
  Person,
  Person,
]

const act = (room: TestRoom, actor: Person, action: StageAction, target: Person) =>
  room.step((state, now) => actOnStage(state, actor, action, room.seat(target).id, { now, invitationMs: minute }))
const raise = (room: TestRoom, who: Person, question: string | null = null) =>
  room.step((state, now) => raiseHand(state, room.seat(who).id, question, { now, maxHands: 2 }), room.seat(who).id)
const accept = (room: TestRoom, who: Person) =>
  room.step((state, now) => acceptInvitation(state, room.seat(who).id, now), room.seat(who).id)
const code = (work: () => unknown): string => {
  try {
    work()
  } catch (error) {
    return (error as { code: string }).code
  }
  return 'none'
}
const hands = (room: TestRoom) => handsOf(room.state).map(({ name, position }) => `${position} ${name}`)

/** Ada hosts, the others listen. */
const roomOf = (...others: Person[]) => {
  const room = startRoom(ada)
  room.join(ada)
  for (const other of others) room.join(other)
  return room
}
const onStage = (room: TestRoom, who: Person) => {
  act(room, ada, 'invite', who)
  accept(room, who)
}

describe('hands', () => {
  it('queue first come, first served, one each, and a second raise replaces the question alone', () => {
    const room = roomOf(ben, cid)
    raise(room, ben, 'why?')
    raise(room, cid)
    raise(room, ben, 'how?')
    expect(hands(room)).toEqual(['1 Ben', '2 Cid'])
    expect(handsOf(room.state)[0]!.question).toBe('how?')
    expect(room.events).toEqual(['hand-raised moderators'])
  })

  it('are lowered by leaving, and the next in line learns of moving up', () => {
    const room = roomOf(ben, cid)
    raise(room, ben)
    raise(room, cid)
    room.leave(ben)
    expect(hands(room)).toEqual(['1 Cid'])
    expect(room.events).toEqual([
      'participant-left Ben-2 left all',
      'hand-lowered Ben-2 left all',
      'hand-raised participant',
    ])
  })

  it('tell who lowered them', () => {
    const room = roomOf(ben)
    raise(room, ben)
    act(room, ada, 'lower', ben)
    expect(room.events).toContain('hand-lowered Ben-2 moderator all')
    raise(room, ben)
    room.step((state) => lowerHand(state, room.seat(ben).id), room.seat(ben).id)
    expect(room.events).toContain('hand-lowered Ben-2 self all')
  })

  it('are bounded, refused on stage, and refused where the room takes none', () => {
    const room = roomOf(ben, cid, dot)
    raise(room, ben)
    raise(room, cid)
    expect(code(() => raise(room, dot))).toBe('conflict')
    expect(code(() => raise(room, ada))).toBe('conflict')
    room.state = { ...room.state, hands: 'off' }
    act(room, ada, 'lower', ben)
    expect(code(() => raise(room, ben))).toBe('hands-off')
  })
})

describe('coming on stage', () => {
  it('needs the consent of the invited, who then enters muted', () => {
    const room = roomOf(ben)
    act(room, ada, 'invite', ben)
    expect(room.seat(ben).role).toBe('listener')
    expect(room.events).toEqual(['invited-to-speak Ben-2 moderators'])
    accept(room, ben)
    expect(room.seat(ben)).toMatchObject({ role: 'speaker', isMuted: true, invitation: null })
    expect(room.events).toContain('invitation-closed Ben-2 accepted moderators')
  })

  it('keeps the hand of one who declines or misses the invitation', () => {
    const room = roomOf(ben)
    raise(room, ben)
    act(room, ada, 'invite', ben)
    room.step((state, now) => declineInvitation(state, room.seat(ben).id, now), room.seat(ben).id)
    expect(room.events).toEqual(['invitation-closed Ben-2 declined moderators'])
    act(room, ada, 'invite', ben)
    room.now += minute
    expect(code(() => accept(room, ben))).toBe('conflict')
    expect(hands(room)).toEqual(['1 Ben'])
  })

  it('by admit takes the hand as consent, and only that', () => {
    const room = roomOf(ben, cid)
    raise(room, ben)
    act(room, ada, 'admit', ben)
    expect(room.seat(ben)).toMatchObject({ role: 'speaker', isMuted: true, hand: null })
    expect(room.events).toContain('hand-lowered Ben-2 on-stage all')
    expect(code(() => act(room, ada, 'admit', cid))).toBe('conflict')
    expect(code(() => act(room, ada, 'invite', ben))).toBe('conflict')
  })

  it('cannot be accepted without an invitation', () => {
    const room = roomOf(ben)
    expect(code(() => accept(room, ben))).toBe('conflict')
  })
})

describe('moderators', () => {
  it('alone act on the stage', () => {
    const room = roomOf(ben, cid)
    onStage(room, ben)
    for (const action of ['invite', 'mute', 'kick', 'moderator'] as const)
      expect(code(() => act(room, ben, action, cid))).toBe('not-allowed')
  })

  it('take the publish right and give it back, and leaving does not', () => {
    const room = startRoom(ada, { cohosts: [ben] })
    room.join(ada)
    room.join(ben)
    act(room, ada, 'mute', ben)
    expect(mayPublish(room.seat(ben))).toBe(false)
    expect(code(() => act(room, ben, 'allow', ben))).toBe('not-allowed')
    room.leave(ben)
    room.join(ben)
    expect(room.seat(ben)).toMatchObject({ role: 'moderator', mutedByModerator: true })
    act(room, ada, 'allow', ben)
    expect(mayPublish(room.seat(ben))).toBe(true)
  })

  it('move a speaker off the stage, and one who was demoted returns as listener', () => {
    const room = startRoom(ada, { cohosts: [ben] })
    room.join(ada)
    room.join(ben)
    act(room, ada, 'demote', ben)
    expect(room.seat(ben).role).toBe('listener')
    room.leave(ben)
    expect(room.join(ben).role).toBe('listener')
  })

  it('cannot demote or remove who opened the room', () => {
    const room = startRoom(ada, { cohosts: [ben] })
    room.join(ada)
    room.join(ben)
    expect(code(() => act(room, ben, 'demote', ada))).toBe('not-allowed')
    expect(code(() => act(room, ben, 'kick', ada))).toBe('not-allowed')
  })

  it('make a speaker a moderator, who then learns of every hand that is up', () => {
    const room = roomOf(ben, cid)
    expect(code(() => act(room, ada, 'moderator', ben))).toBe('conflict')
    onStage(room, ben)
    raise(room, cid, 'what next?')
    act(room, ada, 'moderator', ben)
    expect(room.seat(ben).role).toBe('moderator')
    expect(room.events).toContain('hand-raised participant')
  })

  it('step down unless they are the last', () => {
    const room = roomOf(ben)
    expect(code(() => room.step((state) => stepDown(state, room.seat(ada).id)))).toBe('conflict')
    onStage(room, ben)
    act(room, ada, 'moderator', ben)
    room.step((state) => stepDown(state, room.seat(ada).id))
    expect(room.seat(ada).role).toBe('listener')
  })
})

describe('kick', () => {
  it('takes along companions and bots, and lasts', () => {
    const room = roomOf(ben)
    const helper = bot('Helper', ben)
    room.join(helper)
    room.companion(ben)
    act(room, ada, 'kick', ben)
    expect(room.state.members.filter((member) => member.left === null).map(({ name }) => name)).toEqual(['Ada'])
    expect(code(() => room.join(ben, { seatId: 'another' }))).toBe('kicked')
    expect(code(() => room.join(helper))).toBe('kicked')
    expect(code(() => room.companion(ben))).toBe('kicked')
  })

  it('of one name of a bot leaves its other names', () => {
    const room = roomOf()
    room.join(bot('One', ada))
    room.join(bot('Two', ada))
    act(room, ada, 'kick', bot('One', ada))
    expect(code(() => room.join(bot('one', ada)))).toBe('kicked')
    expect(room.seat(bot('Two', ada)).role).toBe('speaker')
  })
})
