import type { z } from 'zod'
import * as accounts from './accounts.ts'
import * as calendar from './calendar.ts'
import * as program from './program.ts'
import * as rooms from './rooms.ts'
import { serverInfoSchema } from './server.ts'

export type Route = {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** With `:name` parts. A room is its id; `:who` is a participant id or `@handle`. */
  path: string
  summary: string
  /** `none`: open to all; `account`: a signed-in person or a bot; `person`: not for bots. */
  auth: 'none' | 'account' | 'person'
  query?: z.ZodType
  body?: z.ZodType
  /** The 2xx answer; without one: 204. */
  answer?: z.ZodType
  status?: 200 | 201 | 202
}

/** The contents page of the API: the server serves exactly these, the OpenAPI document is made from them. */
export const routes = {
  server: { method: 'GET', path: '/api/server', summary: 'About this server', auth: 'none', answer: serverInfoSchema },

  startLogin: {
    method: 'POST',
    path: '/api/logins',
    summary: 'Send a code to a phone',
    auth: 'none',
    body: accounts.startLoginSchema,
    answer: accounts.loginStartedSchema,
    status: 202,
  },
  verifyLogin: {
    method: 'POST',
    path: '/api/logins/:loginId/verify',
    summary: 'Prove the code, get a session',
    auth: 'none',
    body: accounts.verifyLoginSchema,
    answer: accounts.credentialsSchema,
  },
  refreshSession: {
    method: 'POST',
    path: '/api/sessions/refresh',
    summary: 'Trade a refresh token for new tokens',
    auth: 'none',
    body: accounts.refreshSchema,
    answer: accounts.credentialsSchema,
  },
  listSessions: {
    method: 'GET',
    path: '/api/sessions',
    summary: 'Your sessions',
    auth: 'person',
    answer: accounts.sessionsSchema,
  },
  revokeSession: {
    method: 'DELETE',
    path: '/api/sessions/:sessionId',
    summary: 'End a session; `current` is this one',
    auth: 'person',
  },
  revokeSessions: { method: 'DELETE', path: '/api/sessions', summary: 'End all your sessions', auth: 'person' },

  me: { method: 'GET', path: '/api/me', summary: 'Who you are', auth: 'account', answer: accounts.accountSchema },
  editMe: {
    method: 'PATCH',
    path: '/api/me',
    summary: 'Change your name',
    auth: 'person',
    body: accounts.editAccountSchema,
    answer: accounts.accountSchema,
  },

  createToken: {
    method: 'POST',
    path: '/api/tokens',
    summary: 'Make a bot account and its access token',
    auth: 'person',
    body: accounts.createTokenSchema,
    answer: accounts.createdTokenSchema,
    status: 201,
  },
  listTokens: {
    method: 'GET',
    path: '/api/tokens',
    summary: 'Your access tokens',
    auth: 'person',
    answer: accounts.accessTokensSchema,
  },
  revokeToken: { method: 'DELETE', path: '/api/tokens/:name', summary: 'Revoke an access token', auth: 'person' },

  listRooms: {
    method: 'GET',
    path: '/api/rooms',
    summary: 'Live rooms',
    auth: 'account',
    query: rooms.listRoomsSchema,
    answer: rooms.roomsSchema,
  },
  createRoom: {
    method: 'POST',
    path: '/api/rooms',
    summary: 'Open a room',
    auth: 'account',
    body: rooms.createRoomSchema,
    answer: rooms.roomSchema,
    status: 201,
  },
  showRoom: {
    method: 'GET',
    path: '/api/rooms/:roomId',
    summary: 'One room',
    auth: 'account',
    answer: rooms.roomSchema,
  },
  editRoom: {
    method: 'PATCH',
    path: '/api/rooms/:roomId',
    summary: 'Change a room (moderators)',
    auth: 'account',
    body: rooms.editRoomSchema,
    answer: rooms.roomSchema,
  },
  endRoom: { method: 'POST', path: '/api/rooms/:roomId/end', summary: 'End a room (moderators)', auth: 'account' },

  joinRoom: {
    method: 'POST',
    path: '/api/rooms/:roomId/join',
    summary: 'Join, or join again after a cut',
    auth: 'account',
    body: rooms.joinRoomSchema,
    answer: rooms.joinedSchema,
  },
  heartbeat: {
    method: 'POST',
    path: '/api/rooms/:roomId/heartbeat',
    summary: 'Still here',
    auth: 'account',
    body: rooms.heartbeatSchema,
    answer: rooms.heartbeatAnswerSchema,
  },
  leaveRoom: {
    method: 'POST',
    path: '/api/rooms/:roomId/leave',
    summary: 'Leave',
    auth: 'account',
    body: rooms.seatSchema,
  },
  companion: {
    method: 'POST',
    path: '/api/rooms/:roomId/companion',
    summary: 'A seat for any LiveKit client',
    auth: 'account',
    answer: rooms.companionSchema,
  },

  raiseHand: {
    method: 'POST',
    path: '/api/rooms/:roomId/hand',
    summary: 'Raise your hand',
    auth: 'account',
    body: rooms.raiseHandSchema,
  },
  lowerHand: {
    method: 'POST',
    path: '/api/rooms/:roomId/lower',
    summary: 'Lower your hand',
    auth: 'account',
    body: rooms.seatSchema,
  },
  acceptInvitation: {
    method: 'POST',
    path: '/api/rooms/:roomId/accept',
    summary: 'Come on stage',
    auth: 'account',
    body: rooms.seatSchema,
  },
  declineInvitation: {
    method: 'POST',
    path: '/api/rooms/:roomId/decline',
    summary: 'Stay a listener',
    auth: 'account',
    body: rooms.seatSchema,
  },
  stepDown: {
    method: 'POST',
    path: '/api/rooms/:roomId/step-down',
    summary: 'Leave the stage',
    auth: 'account',
    body: rooms.seatSchema,
  },

  listHands: {
    method: 'GET',
    path: '/api/rooms/:roomId/hands',
    summary: 'Raised hands (moderators)',
    auth: 'account',
    answer: rooms.handsSchema,
  },
  listParticipants: {
    method: 'GET',
    path: '/api/rooms/:roomId/participants',
    summary: 'Who is here (participants)',
    auth: 'account',
    answer: rooms.participantsSchema,
  },
  setPlaying: {
    method: 'POST',
    path: '/api/rooms/:roomId/playing',
    summary: 'Say what you play (bots)',
    auth: 'account',
    body: program.setPlayingSchema,
  },
  commandProgram: {
    method: 'POST',
    path: '/api/rooms/:roomId/participants/:who/program',
    summary: "Command a bot's program, and wait for its answer (moderators)",
    auth: 'account',
    body: program.commandProgramSchema,
    answer: program.programAnswerSchema,
  },
  answerProgramCommand: {
    method: 'POST',
    path: '/api/rooms/:roomId/program-answers',
    summary: 'Answer a command (bots)',
    auth: 'account',
    body: program.answerProgramSchema,
  },
  stage: {
    method: 'POST',
    path: '/api/rooms/:roomId/participants/:who/:action',
    summary: 'invite, admit, lower, mute, allow, demote, kick, moderator (moderators)',
    auth: 'account',
  },

  listCalendar: {
    method: 'GET',
    path: '/api/calendar',
    summary: 'Sessions to come',
    auth: 'account',
    query: calendar.listCalendarSchema,
    answer: calendar.calendarSchema,
  },
  registerSession: {
    method: 'PUT',
    path: '/api/calendar/:name',
    summary: 'Announce a session, or change it (its owner, or a bot of theirs)',
    auth: 'account',
    body: calendar.registerSessionSchema,
    answer: calendar.registeredSessionSchema,
  },
  cancelSession: {
    method: 'DELETE',
    path: '/api/calendar/:name',
    summary: 'Cancel a session of yours: calendars show it as cancelled',
    auth: 'account',
  },
  leaseOccurrence: {
    method: 'POST',
    path: '/api/calendar/:eventId/occurrences/:ruled/lease',
    summary: 'Be its host, or go on being it',
    auth: 'account',
    body: calendar.leaseOccurrenceSchema,
    answer: calendar.occurrenceLeaseSchema,
  },
  releaseOccurrence: {
    method: 'POST',
    path: '/api/calendar/:eventId/occurrences/:ruled/release',
    summary: 'Be its host no more',
    auth: 'account',
    body: calendar.releaseOccurrenceSchema,
  },
  calendarFeed: {
    method: 'POST',
    path: '/api/calendar-feed',
    summary: 'Your secret address of the calendar',
    auth: 'person',
    answer: calendar.calendarFeedSchema,
  },
  renewCalendarFeed: {
    method: 'POST',
    path: '/api/calendar-feed/renew',
    summary: 'A new secret address; the old one is void',
    auth: 'person',
    answer: calendar.calendarFeedSchema,
  },
} as const satisfies Record<string, Route>
export type RouteName = keyof typeof routes
