import { expect, it } from 'vitest'
import type { SeatCommand } from '../../../src/protocol/seat.ts'
import type { TuiDeps } from '../../../src/tui/deps.ts'
import { startDesk } from '../../../src/tui/desk.ts'
import { keyTable } from '../../../src/tui/keys.ts'
import { eventually } from '../../support/eventually.ts'
import { aSeat } from '../../support/tui-fixtures.ts'

it('a setting changed on the full screen is remembered and told the running seat', async () => {
  const asked: SeatCommand[] = []
  const state = aSeat('moderator')
  let value = 'on'
  const deps = {
    version: '0',
    server: 'http://127.0.0.1',
    keyTable,
    theme: 'auto',
    hasHallway: false,
    initialSeat: {
      request: async (command: SeatCommand) => {
        asked.push(command)
        return state
      },
      state: () => state,
      onState: () => undefined,
      onEvent: () => undefined,
      onClosed: () => undefined,
      close: () => undefined,
    },
    settings: {
      list: async () => [{ key: 'noise', label: 'noise', value, values: ['on', 'off'] }],
      set: async (_key: string, next: string) => {
        value = next
        return { verb: 'noise', on: next === 'on' }
      },
    },
  } as unknown as TuiDeps
  const nothing = () => undefined
  const desk = startDesk({
    deps,
    columns: 80,
    rows: 24,
    now: () => 0,
    onQuit: nothing,
    onRedraw: nothing,
    onSuspend: nothing,
    onSwap: nothing,
    onCopy: nothing,
  })
  desk.dispatch({ type: 'key', key: ',' })
  const items = () => {
    const { overlay } = desk.model()
    return overlay?.kind === 'settings' ? overlay.items : null
  }
  await eventually(() => items(), { withinMs: 3_000, what: 'the settings are listed' })
  desk.dispatch({ type: 'key', key: 'enter' })
  await eventually(() => asked.length > 0, { withinMs: 3_000, what: 'the seat is told' })
  expect(asked).toEqual([{ verb: 'noise', on: false }])
  await eventually(() => items()?.[0]?.value === 'off', { withinMs: 3_000, what: 'the new value is shown' })
  desk.close()
})
