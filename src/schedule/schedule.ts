/** When something happens again and again, in the words of a person: local time in a zone, and a rule. */
export type Schedule = {
  /**
   * Local date and time from which on it happens, `2027-03-01T07:00` (seconds optional), without offset; the first occurrence, unless the
   * rule names a later one.
   */
  start: string
  /** IANA name, `Europe/Berlin`. */
  zone: string
  /** An RRULE value (RFC 5545, 3.3.10) or a cron expression of five fields; without one it happens once, at `start`. */
  rule?: string
  /** Local dates (`2027-04-05`: whatever happens that day) or local date-times that are left out. */
  except?: string[]
  /** Local date-times that are added (RDATE). */
  also?: string[]
  /** A local time that does not exist that day, in spring: `skip` it, or `shift` it forward by the gap (RFC 5545). Default `shift`. */
  gap?: 'skip' | 'shift'
  /** A local time that comes twice, in autumn: the `first` or the `second`. Default `first`. */
  fold?: 'first' | 'second'
}

export type Occurrence = {
  /** Milliseconds since 1970. */
  atMs: number
  /** As a clock on the wall there says it: `2027-03-01T07:00:00`. */
  local: string
  /** The local date-time that the rule named (RECURRENCE-ID); differs from `local` where a gap shifted it. */
  ruled: string
}
