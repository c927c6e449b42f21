import { Counter, Gauge, type Registry } from 'prom-client'

type Kind = 'gauge' | 'counter'

/** What a media worker counts, and how it is called here. */
const figures: [key: string, kind: Kind, name: string, help: string][] = [
  ['rooms', 'gauge', 'rooms', 'Rooms at the media server'],
  ['participants', 'gauge', 'participants', 'Participants at the media server'],
  ['tracks', 'gauge', 'tracks', 'Published tracks'],
  ['connections', 'gauge', 'connections', 'Connections for sound'],
  ['waiting', 'gauge', 'joins_waiting', 'Joins that wait for their turn'],
  ['joins', 'counter', 'joins_total', 'Joins that were let in'],
  ['joinsRefused', 'counter', 'joins_refused_total', 'Joins that were refused'],
  ['packetsIn', 'counter', 'packets_received_total', 'RTP packets of published tracks'],
  ['packetsOut', 'counter', 'packets_forwarded_total', 'RTP packets sent to listeners'],
  ['packetsLost', 'counter', 'packets_lost_total', 'RTP packets of published tracks that never came'],
  ['undelivered', 'counter', 'packets_undelivered_total', 'RTP packets that a connection to a listener did not take'],
  ['malformed', 'counter', 'packets_dropped_malformed_total', 'RTP packets dropped because they do not parse'],
  ['overRate', 'counter', 'packets_dropped_over_rate_total', 'RTP packets dropped as more than any Opus stream needs'],
  ['strayRequests', 'counter', 'bad_datagrams_total', 'STUN requests that belong to no connection'],
  ['dataDropped', 'counter', 'data_dropped_total', 'Data messages, which are not relayed'],
  ['signalMessages', 'counter', 'signal_messages_total', 'Signal messages'],
  ['cutOff', 'counter', 'cut_off_total', 'Connections ended for what they sent'],
  ['webhooksFailed', 'counter', 'webhooks_failed_total', 'Webhooks that were not taken'],
  ['cpuS', 'counter', 'cpu_seconds_total', 'Processor time'],
  ['memoryBytes', 'gauge', 'resident_memory_bytes', 'Resident memory'],
  ['eventLagS', 'gauge', 'event_loop_lag_seconds', 'Delay of the event loop, 99th percentile since the last look'],
]

/** The counts of each worker by its place; undefined for one that is being started again. */
export type WorkerCounts = (Record<string, number> | undefined)[]

/** Registers the figures of media workers; the returned function sets them. */
export const mediaMetrics = (registry: Registry): ((workers: WorkerCounts) => void) => {
  const metric = (kind: Kind, name: string, help: string): Gauge | Counter =>
    new (kind === 'gauge' ? Gauge : Counter)({
      name: `roomtone_media_${name}`,
      help,
      labelNames: ['worker'],
      registers: [registry],
    })
  const up = metric('gauge', 'worker_up', '1 while the media worker runs')
  const shown = figures.map(([key, kind, name, help]) => ({ key, metric: metric(kind, name, help) }))
  return (workers) => {
    // The workers keep the sums, and begin anew where a worker does.
    for (const one of [up, ...shown.map(({ metric }) => metric)]) one.reset()
    for (const [place, counts] of workers.entries()) {
      const worker = String(place)
      up.inc({ worker }, counts ? 1 : 0)
      for (const { key, metric } of shown) if (counts?.[key] !== undefined) metric.inc({ worker }, counts[key])
    }
  }
}
