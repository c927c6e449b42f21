import { describe, expect, it } from 'vitest'
import type { SessionScript } from '../../../../src/bot/script/script.ts'
import { calendarOf } from '../../../../src/bot/watch/calendar.ts'

const NOW_MS = Date.UTC(2027, 1, 1)

const script = (name: string, schedule: SessionScript['schedule']) =>
  ({ name, room: { title: `The ${name} sit`, topic: 'meditation', existing: null }, schedule }) as SessionScript

describe("a host's own calendar", () => {
  it('has what is scheduled, under a lasting name, with a sequence that grows as the script is changed', () => {
    const morning = script('morning', {
      start: '2027-03-01T07:00',
      zone: 'Europe/Berlin',
      rule: 'FREQ=WEEKLY;BYDAY=MO',
      catchupMs: 0,
    })
    const at = (changedMs: number) =>
      calendarOf(
        [
          { script: morning, durationMs: 1_800_000, changedMs },
          { script: script('by-hand', null), durationMs: null, changedMs },
        ],
        'radio.example',
        NOW_MS,
      )
    const before = at(NOW_MS - 60_000)
    for (const line of [
      'UID:morning@radio.example',
      'SUMMARY:The morning sit',
      'DTSTART;TZID=Europe/Berlin:20270301T070000',
      'RRULE:FREQ=WEEKLY;BYDAY=MO',
      'BEGIN:VTIMEZONE',
    ])
      expect(before).toContain(line)
    expect(before).not.toContain('by-hand')
    const sequenceOf = (text: string) => Number(/^SEQUENCE:(\d+)/m.exec(text)?.[1])
    expect(sequenceOf(at(NOW_MS))).toBeGreaterThan(sequenceOf(before))
  })
})
