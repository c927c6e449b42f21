import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { connectSeat, type SeatClient } from '../../../src/client/seat.ts'
import { seatAddress } from '../../../src/client/seat-folder.ts'
import { eventually } from '../../support/eventually.ts'
import { aSeat } from '../../support/tui-fixtures.ts'

const seatId = 'seat-of-nonsense'
const state = aSeat('speaker')
let folder: string
let close = () => {}
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'rt-nonsense-'))
})
afterEach(() => {
  close()
  rmSync(folder, { recursive: true, force: true })
})

/** A face on a socket that answers as a seat does, and tells what it is given to tell. */
const face = async (): Promise<{ seat: SeatClient; tell: (text: string) => void }> => {
  const sockets: Socket[] = []
  const server = createServer((socket) => {
    sockets.push(socket)
    socket.on('data', (line) => {
      const { id } = JSON.parse(line.toString())
      socket.write(`${JSON.stringify({ id, ok: true, state })}\n`)
    })
  })
  await new Promise<void>((resolve) => server.listen(seatAddress(folder, seatId), resolve))
  const seat = await connectSeat(folder, seatId)
  close = () => {
    seat.close()
    for (const socket of sockets) socket.destroy()
    server.close()
  }
  return { seat, tell: (text) => sockets[0]!.write(`${text}\n`) }
}

describe('what comes from the socket of a seat', () => {
  it.each([
    'not json',
    '\u0000\u0001',
    '5',
    'null',
    '[]',
    '{}',
    '{"state":5}',
    '{"state":{"participants":[]}}',
    JSON.stringify({ state: { ...state, participants: [null] } }),
    '{"patch":null}',
    '{"patch":{"participants":[5]}}',
    '{"patch":{"participants":[["__proto__",{}]]}}',
    '{"event":"joined"}',
    '{"event":null}',
    '{"id":1,"ok":true}',
    '{"id":999,"ok":false,"error":{"message":"of nobody"}}',
    '{"id":1,"ok":false,"error":"no"}',
  ])('is passed over where it is nonsense: %s', async (nonsense) => {
    const { seat, tell } = await face()
    const events: unknown[] = []
    seat.onEvent((event) => events.push(event))
    tell(nonsense)
    const event = { at: '2026-01-01T00:00:00.000Z', type: 'warning', message: 'after the nonsense' }
    tell(JSON.stringify({ event }))
    await eventually(() => events.length > 0, { withinMs: 5_000, what: 'the event after the nonsense' })
    expect(events).toEqual([event])
    expect(seat.state()).toEqual(state)
    expect(await seat.request({ verb: 'status' })).toEqual(state)
  })
})
