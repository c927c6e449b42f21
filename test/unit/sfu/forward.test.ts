import { expect, test } from 'vitest'
import { createCounters } from '../../../src/sfu/counters.ts'
import { createForwarder } from '../../../src/sfu/forward.ts'

const packet = (sequence: number, payloadType = 111): Buffer => {
  const bytes = Buffer.alloc(20)
  bytes[0] = 0x80
  bytes[1] = payloadType
  bytes.writeUInt16BE(sequence, 2)
  bytes.writeUInt32BE(sequence * 960, 4)
  bytes.writeUInt32BE(77, 8)
  return bytes
}

const setUp = () => {
  const counters = createCounters()
  const forwarder = createForwarder(counters, () => 0)
  const reports: Buffer[] = []
  let deliveries = 0
  forwarder.publish('TR', {
    participantSid: 'PA',
    payloadType: 111,
    levelExtensionId: 0,
    sendRtcp: (report) => reports.push(report),
    onLevel: () => {},
    onFirstDelivery: () => {
      deliveries += 1
    },
  })
  forwarder.gate('TR', true)
  const listen = (sid: string, ssrc: number): { sequences: number[]; ssrcs: number[] } => {
    const got = { sequences: [] as number[], ssrcs: [] as number[] }
    const send = (bytes: Buffer): boolean => {
      if (bytes[1] === 200) return true
      got.sequences.push(bytes.readUInt16BE(2))
      got.ssrcs.push(bytes.readUInt32BE(8))
      return true
    }
    forwarder.subscribe('TR', sid, { ssrc, send })
    return got
  }
  return { counters, forwarder, reports, deliveries: () => deliveries, listen }
}

test('each subscriber gets every packet under its own ssrc', () => {
  const { forwarder, listen, counters } = setUp()
  const [a, b] = [listen('a', 1), listen('b', 2)]
  for (const sequence of [10, 11, 12]) forwarder.receive('TR', packet(sequence), sequence * 20)
  expect(a).toEqual({ sequences: [0, 1, 2], ssrcs: [1, 1, 1] })
  expect(b).toEqual({ sequences: [0, 1, 2], ssrcs: [2, 2, 2] })
  expect(counters).toMatchObject({ packetsIn: 3, packetsOut: 6 })
})

test('what never came, and what no listener took, is counted', () => {
  const { forwarder, listen, counters } = setUp()
  listen('a', 1)
  forwarder.subscribe('TR', 'not-open-yet', { ssrc: 2, send: () => false })
  for (const sequence of [10, 11, 14]) forwarder.receive('TR', packet(sequence), sequence * 20)
  forwarder.acknowledge(300)
  forwarder.acknowledge(400)
  expect(counters).toMatchObject({ packetsIn: 3, packetsOut: 3, undelivered: 3, packetsLost: 2 })
})

test('a closed gate lets nothing through, and leaves no hole', () => {
  const { forwarder, listen } = setUp()
  const a = listen('a', 1)
  forwarder.receive('TR', packet(10), 0)
  forwarder.gate('TR', false)
  forwarder.receive('TR', packet(11), 20)
  forwarder.gate('TR', true)
  forwarder.receive('TR', packet(12), 40)
  expect(a.sequences).toEqual([0, 1])
})

test('a pause of one subscriber is a hole for nobody', () => {
  const { forwarder, listen } = setUp()
  const [a, b] = [listen('a', 1), listen('b', 2)]
  forwarder.receive('TR', packet(10), 0)
  forwarder.pause('TR', 'a', true)
  forwarder.receive('TR', packet(11), 20)
  forwarder.pause('TR', 'a', false)
  forwarder.receive('TR', packet(12), 40)
  expect([a.sequences, b.sequences]).toEqual([
    [0, 1],
    [0, 1, 2],
  ])
})

test('what is malformed, of another payload type or too much is dropped and counted', () => {
  const { forwarder, listen, counters } = setUp()
  const a = listen('a', 1)
  forwarder.receive('TR', Buffer.alloc(5), 0)
  forwarder.receive('TR', packet(1, 96), 0)
  forwarder.receive('TR', Buffer.concat([packet(1), Buffer.alloc(2000)]), 0)
  expect(counters.malformed).toBe(3)
  const taken = Array.from({ length: 1000 }, (_, sequence) => forwarder.receive('TR', packet(sequence), 2000))
  expect(taken.filter((isTaken) => isTaken)).toHaveLength(600)
  expect(a.sequences).toHaveLength(600)
  expect(counters.overRate).toBe(400)
})

test('reports go to the publisher, and losses are told by participant', () => {
  const { forwarder, reports } = setUp()
  for (const sequence of [1, 2, 4]) forwarder.receive('TR', packet(sequence), sequence * 20)
  forwarder.acknowledge(100)
  expect(forwarder.report(100, 0).get('PA')).toBeCloseTo(0.25)
  expect(forwarder.report(200, 0).size).toBe(0)
  expect(reports.map((report) => report[1])).toEqual([201])
})

test('a publisher is told once that its first packet has gone out to a subscriber', () => {
  const { forwarder, listen, deliveries } = setUp()
  forwarder.receive('TR', packet(1), 0)
  expect(deliveries()).toBe(0)
  listen('A', 1)
  for (const sequence of [2, 3]) forwarder.receive('TR', packet(sequence), sequence * 20)
  expect(deliveries()).toBe(1)
})
