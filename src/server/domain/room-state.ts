import type { Playing } from '../../protocol/program.ts'
import type { Hand, Invitation, Participant, Role, Room } from '../../protocol/rooms.ts'

/** Who calls: an account, or one of the names a bot account fills seats with. */
export type Person = {
  accountId: string
  /** The maker of a bot account. */
  ownerId: string | null
  kind: 'person' | 'bot'
  name: string
  handle: string
  sessionId: string | null
  tokenId: string | null
}

export type Host = { accountId: string; name: string; handle: string; isCreator: boolean }

export type LeftReason = 'left' | 'kicked' | 'lost' | 'replaced' | 'room-ended' | 'signed-out'

/** One seat in a room, or one that was left. Instants are milliseconds since 1970. */
export type Member = Omit<Person, 'kind'> & {
  /** The media identity, random for each person and room (F37). */
  id: string
  kind: 'person' | 'bot' | 'companion'
  role: Role
  mutedByModerator: boolean
  /** Null for a companion, which has no heartbeat. */
  seatId: string | null
  /** What the seat last said of its microphone (R20). */
  isMuted: boolean
  isRecording: boolean
  /** False for a companion whose token was given out but which is not connected. */
  isListed: boolean
  joinedAt: number
  stageAt: number | null
  lastSeenAt: number
  awayAt: number | null
  hand: { order: number; raisedAt: number; question: string | null } | null
  invitation: { by: string; expiresAt: number } | null
  /** Of a bot: what it says it plays. */
  playing: Playing | null
  left: { at: number; reason: LeftReason; by: string | null } | null
}

/** A live room as one value; the rules take one and give the next. Left members stay in it until it is stored. */
export type RoomState = {
  id: string
  /** The room's name at the media server. */
  mediaName: string
  title: string
  topic: string | null
  language: string | null
  sound: Room['sound']
  hands: Room['hands']
  /** Handles. */
  handsList: readonly string[]
  recording: Room['recording']
  createdAt: number
  ended: { at: number; by: string | null } | null
  hosts: readonly Host[]
  /** Keys (see `keyOf`) that may not come back. */
  kicked: readonly string[]
  /** Keys whose publish right was taken: leaving and coming back on stage does not give it back (R6). */
  muted: readonly string[]
  /** Who is waited for after the last moderator was lost (R19). */
  awaited: { people: readonly { accountId: string; name: string }[]; until: number } | null
  /** Since when nobody is here; from creation until the first join. */
  emptySince: number | null
  /** The scheduled session that it is for, and until when it is kept for it. */
  session: { eventId: string; ruled: string; startsAt: number; closesAt: number } | null
  members: readonly Member[]
}

/** One key for each participant that may be in a room once: a person, or one name of a bot account. */
export const keyOf = (who: Pick<Person, 'accountId' | 'name'> & { kind: Member['kind'] }): string =>
  who.kind === 'bot' ? `${who.accountId}:${who.name.toLowerCase()}` : who.accountId

export const isHere = (member: Member): boolean => member.left === null && member.isListed
export const isOnStage = (member: Member): boolean => member.role !== 'listener'
export const mayPublish = (member: Member): boolean => isOnStage(member) && !member.mutedByModerator
/** A bot moderates for its owner but does not keep a room alive that it did not open. */
const isPresidingOver = (member: Member): boolean =>
  isHere(member) && member.kind === 'person' && member.role === 'moderator'

/** A room is there for its session until that closes, whoever leaves or is lost, and however long nobody speaks (R19, F29). */
export const isKept = ({ session }: RoomState, now: number): boolean => session !== null && now < session.closesAt
/** In a room that a bot opened, for a session or by hand, it is as good as a moderator. */
export const isHosting = ({ hosts }: RoomState, member: Member): boolean =>
  isPresidingOver(member) ||
  (isHere(member) &&
    member.kind === 'bot' &&
    hosts.some(({ accountId, isCreator }) => isCreator && accountId === member.accountId))

/** The next value of some members; the others stay the very same objects, which tells the store what to write. */
export const changeMembers = (
  state: RoomState,
  which: (member: Member) => boolean,
  changes: Partial<Member> | ((member: Member) => Partial<Member>),
): RoomState => ({
  ...state,
  members: state.members.map((member) =>
    which(member) ? { ...member, ...(typeof changes === 'function' ? changes(member) : changes) } : member,
  ),
})

export const changeMember = (state: RoomState, id: string, changes: Partial<Member>): RoomState =>
  changeMembers(state, (member) => member.id === id, changes)

/** Hands in order of raising. */
export const handsOf = (state: RoomState): Hand[] =>
  state.members
    .filter((member) => isHere(member) && member.hand)
    .sort((a, b) => a.hand!.order - b.hand!.order)
    .map((member, index) => ({
      participantId: member.id,
      name: member.name,
      handle: member.handle,
      question: member.hand!.question,
      raisedAt: instant(member.hand!.raisedAt),
      position: index + 1,
    }))

export const invitationView = (member: Member): Invitation | null =>
  member.invitation && { by: member.invitation.by, expiresAt: instant(member.invitation.expiresAt) }

export const participantView = (member: Member): Participant => ({
  id: member.id,
  name: member.name,
  handle: member.handle,
  kind: member.kind,
  role: member.role,
  mutedByModerator: member.mutedByModerator,
  hasHandUp: member.hand !== null,
  isRecording: member.isRecording,
  isAway: member.awayAt !== null,
  joinedAt: instant(member.joinedAt),
  playing: member.playing,
})

/** The roster: moderators, speakers, listeners, each in order of coming there. */
export const rosterOf = (state: RoomState): Participant[] => inOrder(state).map(participantView)

/** What everybody may know of a room. `publicUrl` is where its link points. */
export const roomView = (state: RoomState, publicUrl: string): Room => {
  const here = inOrder(state)
  const stage = here.filter(isOnStage)
  const host = state.hosts.find((candidate) => candidate.isCreator)!
  return {
    id: state.id,
    title: state.title,
    topic: state.topic,
    language: state.language,
    sound: state.sound,
    link: linkOf(publicUrl, state.id),
    host: { name: host.name, handle: host.handle },
    hands: state.hands,
    handsList: state.hands === 'list' ? [...state.handsList] : [],
    recording: state.recording,
    isRecorded: here.some((member) => member.isRecording),
    createdAt: instant(state.createdAt),
    endedAt: state.ended && instant(state.ended.at),
    stage: stage.map(({ name, handle, kind, role }) => ({ name, handle, kind, role })),
    counts: { speakers: stage.length, listeners: here.length - stage.length },
    awaited: state.awaited && {
      names: state.awaited.people.map((person) => person.name),
      until: instant(state.awaited.until),
    },
    playing: playingOn(stage),
    session: state.session && {
      ...state.session,
      startsAt: instant(state.session.startsAt),
      closesAt: instant(state.session.closesAt),
    },
  }
}

/** One who is cut off plays to nobody. */
const playingOn = (stage: readonly Member[]): Room['playing'] => {
  const bot = stage.find((member) => member.playing !== null && member.awayAt === null)
  return bot ? { ...bot.playing!, by: { name: bot.name, handle: bot.handle } } : null
}

export const linkOf = (publicUrl: string, roomId: string): string => `${publicUrl}/r/${roomId}`

const rank = { moderator: 0, speaker: 1, listener: 2 } as const
const inOrder = (state: RoomState) =>
  state.members
    .filter(isHere)
    .sort((a, b) => rank[a.role] - rank[b.role] || (a.stageAt ?? a.joinedAt) - (b.stageAt ?? b.joinedAt))

const instant = (ms: number) => new Date(ms).toISOString()
