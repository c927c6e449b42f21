/** What line mode can say by itself, in the order of `say`; `rooms` is about the hallway. What concerns you is always said. */
export const newsKinds = [
  'stage',
  'hands',
  'room',
  'audience',
  'speaking',
  'mutes',
  'heard',
  'playing',
  'rooms',
] as const
export type NewsKind = (typeof newsKinds)[number]

/** Each kind in the words of help and `say`. */
export const kindHelp: Record<NewsKind, string> = {
  stage: 'who comes on stage, leaves it or is muted by a moderator',
  hands: 'raised hands, for moderators',
  room: 'title, recording, absent moderators',
  audience: 'listeners who join and leave',
  speaking: 'who speaks',
  mutes: 'speakers who mute themselves and open again',
  heard: 'how long and how loud each was heard',
  playing: 'what a bot plays, and how long',
  rooms: 'rooms that open and end, in the hallway',
}

const saidUnlessTold: NewsKind[] = ['stage', 'hands', 'room']

/** Whether a kind is said, by the setting `say`: kinds that are on, with commas between. */
export const isTold = (setting: string | undefined, kind: NewsKind | 'you'): boolean =>
  kind === 'you' || toldKinds(setting).includes(kind)

export const isPulled = (setting: string | undefined): boolean => split(setting).includes('pull')

/** The setting after one kind, or `pull`, was switched. */
export const switchTold = (setting: string | undefined, word: NewsKind | 'pull', isOn: boolean): string => {
  const on = new Set<string>([...toldKinds(setting), ...(isPulled(setting) ? ['pull'] : [])])
  if (isOn) on.add(word)
  else on.delete(word)
  const kept = [...newsKinds, 'pull'].filter((known) => on.has(known))
  return kept.length > 0 ? kept.join(',') : 'nothing'
}

const toldKinds = (setting: string | undefined): NewsKind[] =>
  setting === undefined ? saidUnlessTold : newsKinds.filter((kind) => split(setting).includes(kind))

const split = (setting: string | undefined): string[] => (setting ?? '').split(',').map((word) => word.trim())

/** What is wrong with a value of the setting `say`; undefined when nothing is. */
export const checkTold = (setting: string): string | undefined => {
  const known = ['nothing', 'pull', ...newsKinds]
  return split(setting).every((word) => known.includes(word)) ? undefined : `must be some of ${known.join(',')}`
}
