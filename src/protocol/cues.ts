/** Short sounds of a seat to its own speaker, never to others. `removed`: out of the room without having wished it. */
export const cueKinds = ['open', 'closed', 'invited', 'reconnecting', 'back', 'removed'] as const
export type CueKind = (typeof cueKinds)[number]
