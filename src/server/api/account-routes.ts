/** The routes that accounts serve; the room plane serves the rest. */
export type AccountRouteName =
  | 'server'
  | 'startLogin'
  | 'verifyLogin'
  | 'refreshSession'
  | 'listSessions'
  | 'revokeSession'
  | 'revokeSessions'
  | 'me'
  | 'editMe'
  | 'createToken'
  | 'listTokens'
  | 'revokeToken'
