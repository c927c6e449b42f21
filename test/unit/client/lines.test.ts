import type { AddressInfo } from 'node:net'
import { connect, createServer, type Socket } from 'node:net'
import { describe, expect, it } from 'vitest'
import { parseEvents } from '../../../src/client/api-events.ts'
import { readLines } from '../../../src/client/json-lines.ts'
import { eventually } from '../../support/eventually.ts'

const pair = async (): Promise<{ near: Socket; far: Socket; close(): void }> => {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const accepted = new Promise<Socket>((resolve) => server.once('connection', resolve))
  const near = connect((server.address() as AddressInfo).port)
  const far = await accepted
  return {
    near,
    far,
    close: () => {
      near.destroy()
      far.destroy()
      server.close()
    },
  }
}

describe('JSON lines', () => {
  it('are whole however the bytes are cut, and bounded', async () => {
    const { near, far, close } = await pair()
    const lines: string[] = []
    let isTooLong = false
    readLines(far, {
      maxBytes: 20,
      onLine: (line) => lines.push(line),
      onTooLong: () => {
        isTooLong = true
      },
    })
    near.setNoDelay(true)
    for (const byte of Buffer.from('{"a":"ü"}\n\n{"b":2}\n')) {
      near.write(Buffer.from([byte]))
      await new Promise((resolve) => setImmediate(resolve))
    }
    await eventually(() => lines.length === 3, { withinMs: 2_000, what: 'three lines' })
    expect(lines).toEqual(['{"a":"ü"}', '', '{"b":2}'])
    near.write('x'.repeat(30))
    await eventually(() => isTooLong, { withinMs: 2_000, what: 'the end of patience' })
    close()
  })
})

describe('server-sent events', () => {
  const eventsOf = async (...chunks: string[]) => {
    const stream = (async function* () {
      for (const chunk of chunks) yield Buffer.from(chunk)
    })()
    const events = []
    for await (const event of parseEvents(stream)) events.push(event)
    return events
  }

  it('are read over any cut, with comments, CRLF and several data lines', async () => {
    const text =
      ': hello\n\nid: 4\r\nevent: room\r\ndata: {"a":\r\ndata: 1}\r\n\r\nid:5\nevent:reset\ndata: {}\n\nid: 6\nevent: lost'
    const expected = [
      { id: '4', event: 'room', data: '{"a":\n1}' },
      { id: '5', event: 'reset', data: '{}' },
    ]
    expect(await eventsOf(text)).toEqual(expected)
    expect(await eventsOf(...text)).toEqual(expected)
  })
})
