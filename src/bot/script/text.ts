/** `{listeners}` and the like; a name is letters, digits, hyphens and underscores. */
const PLACEHOLDER = /\{([a-z][\w-]*)\}/gi

/** What can be said only when the session is on air. */
export const airNames = ['listeners', 'date', 'time'] as const
export type AirVars = Record<(typeof airNames)[number], string>

/** Puts values in the place of `{name}`; a name that has none is left as it stands. */
export const fillText = (text: string, vars: Readonly<Record<string, string>>): string =>
  text.replace(PLACEHOLDER, (whole, name: string) => (Object.hasOwn(vars, name) ? vars[name]! : whole))

export const placeholdersOf = (text: string): string[] => [...text.matchAll(PLACEHOLDER)].map((found) => found[1]!)

/** What `{date}`, `{time}` and `{listeners}` are for a sitting: in the room's language, as the clock in its zone shows it. */
export const airVarsOf = (sitting: {
  atMs: number
  zone: string | null
  language: string | null
  listeners: number
}): AirVars => {
  const at = new Date(sitting.atMs)
  const language = sitting.language ?? 'en'
  const timeZone = sitting.zone ?? undefined
  return {
    listeners: String(sitting.listeners),
    date: new Intl.DateTimeFormat(language, { dateStyle: 'long', timeZone }).format(at),
    time: new Intl.DateTimeFormat(language, { timeStyle: 'short', timeZone }).format(at),
  }
}

/** A title without what only one sitting knows, for a calendar: `The radio hour, {date}` is `The radio hour`. */
export const lastingText = (text: string): string => text.replace(/[\s,;:–-]*\{(date|time)\}/g, '').trim() || text
