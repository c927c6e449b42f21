/** What a moderator does to somebody in the room. */
export const stageActions = ['invite', 'admit', 'lower', 'mute', 'allow', 'demote', 'kick', 'moderator'] as const
