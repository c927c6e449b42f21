/** Sessions that are announced. Instants are milliseconds since 1970. */
export type CalendarTables = {
  calendar_event: {
    id: string
    owner_id: string
    /** Of the session script; unique for its owner. */
    name: string
    title: string
    topic: string | null
    language: string | null
    description: string | null
    schedule_json: string
    duration_ms: number
    opens_before_ms: number
    closes_after_ms: number
    /** Of iCalendar: grows with each change. */
    sequence: number
    created_at: number
    updated_at: number
    cancelled_at: number | null
    /** All that start until then stand in `calendar_occurrence`. */
    filled_until: number
  }
  calendar_occurrence: {
    event_id: string
    ruled: string
    local: string
    opens_at: number
    starts_at: number
    ends_at: number
    /** Moved by a host whose session lasts longer. */
    closes_at: number
    /** The lease of its host; see domain/lease. Fence 0: nobody ever held it. */
    holder: string | null
    fence: number
    beat_at: number
    expires_at: number
    room_id: string | null
    /** When its owner was told that nobody had opened it. */
    unhosted_at: number | null
  }
}
