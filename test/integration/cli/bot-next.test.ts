import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { documents } from '../../support/cli-schema.ts'
import { roomtone, throwawayHome } from '../../support/roomtone.ts'

let place: ReturnType<typeof throwawayHome>
beforeAll(() => {
  place = throwawayHome()
})
afterAll(() => place.close())

/** Far ahead, so that it does not matter when this runs. */
const schedule = '{start: 2093-03-27T02:30, zone: Europe/Berlin, rule: FREQ=DAILY, gap: skip, except: [2093-03-30]}'
const next = (lines: string[], ...args: string[]) => {
  const file = join(place.home, 'morning.session.yaml')
  writeFileSync(file, ['session: morning-sit', 'room: {title: Morning sit}', ...lines].join('\n'))
  return roomtone(['bot', 'next', file, ...args], { home: place.home })
}
const cues = ['cues:', '  - {at: 0:00, bell: true}', 'end: 1:00']

it('prints the next sittings in local time and UTC, and what is left out and why', async () => {
  const told = await next([`schedule: ${schedule}`, ...cues], '--count', '3')
  expect(told).toMatchObject({ code: 0, stderr: 'morning-sit, Europe/Berlin\n' })
  expect(told.stdout.split('\n').map((line) => line.trimEnd())).toEqual([
    'LOCAL                 UTC                NOTE',
    'Fri 2093-03-27 02:30  2093-03-27T01:30Z',
    'Sat 2093-03-28 02:30  2093-03-28T01:30Z',
    'Sun 2093-03-29 02:30  -                  left out: the clocks are put forward over it',
    'Mon 2093-03-30 02:30  -                  left out: an exception',
    'Tue 2093-03-31 02:30  2093-03-31T00:30Z',
    '',
  ])
  const { stdout } = await next([`schedule: ${schedule}`, ...cues], '--json', '--count', '1')
  expect(documents['bot next --json'].parse(JSON.parse(stdout))).toEqual({
    session: 'morning-sit',
    zone: 'Europe/Berlin',
    next: [{ at: '2093-03-27T01:30:00.000Z', local: '2093-03-27T02:30:00', ruled: '2093-03-27T02:30:00' }],
    skipped: [],
  })
})

it('says so where there is no schedule, and refuses one that is broken with its place', async () => {
  const told = await next(cues)
  expect(told).toMatchObject({ code: 0, stdout: 'morning-sit has no schedule: it is held when somebody runs it.\n' })
  const broken = await next(['schedule: {start: 2027-03-01T07:00, zone: Europe/Berln, rule: FREQ=DAILY}', ...cues])
  expect(broken).toMatchObject({ code: 2, stdout: '' })
  expect(broken.stderr).toMatch(/morning\.session\.yaml:3:\d+: .*"Europe\/Berln".*did you mean Europe\/Berlin\?/)
})
