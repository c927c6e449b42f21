import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client'
import type { Figures, Watched } from './watch.ts'

/** Figures of a host in Prometheus' text format: labels are names of sessions, never of people. */
export const createWatchMetrics = (watched: () => Watched[]) => {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const bySession = ['session']
  for (const [name, help, value] of counters)
    new Counter({
      ...{ name: `roomtone_bot_${name}`, help, labelNames: bySession, registers: [registry] },
      collect() {
        this.reset()
        for (const { report, figures } of watched()) this.inc({ session: report.session }, value(figures))
      },
    })
  for (const [name, help, value] of gauges)
    new Gauge({
      ...{ name: `roomtone_bot_${name}`, help, labelNames: bySession, registers: [registry] },
      collect() {
        this.reset()
        for (const one of watched()) this.set({ session: one.report.session }, value(one))
      },
    })
  new Counter({
    ...{
      name: 'roomtone_bot_repairs_total',
      help: 'What was tried to bring a session back on air',
      registers: [registry],
    },
    labelNames: ['session', 'repair'],
    collect() {
      this.reset()
      for (const { report, figures } of watched())
        for (const [repair, times] of Object.entries(figures.repairs))
          this.inc({ session: report.session, repair }, times)
    },
  })
  new Gauge({
    ...{ name: 'roomtone_bot_incidents', help: 'Incidents that are open, by what was raised', registers: [registry] },
    labelNames: ['session', 'kind'],
    collect() {
      this.reset()
      for (const { report, figures } of watched())
        for (const kind of figures.incidents) this.set({ session: report.session, kind }, 1)
    },
  })
  return { contentType: registry.contentType, text: () => registry.metrics() }
}

const counters: [name: string, help: string, value: (figures: Figures) => number][] = [
  ['frames_sent_total', 'Frames of 10 ms handed to the encoder', ({ sentFrames }) => sentFrames],
  [
    'frames_starved_total',
    'Frames that a decoder gave too late, sent as silence',
    ({ starvedFrames }) => starvedFrames,
  ],
  ['underruns_total', 'Short stretches of frames that were never sent', ({ underruns }) => underruns],
  ['missed_seconds_total', 'Length of those', ({ missedMs }) => missedMs / 1000],
  ['dead_air_total', 'Stretches of dead air', ({ deadAirs }) => deadAirs],
  ['dead_air_seconds_total', 'Length of those that are over', ({ deadMs }) => deadMs / 1000],
  ['heard_packets_total', 'Packets that the own ear received', ({ heardPackets }) => heardPackets],
]

const gauges: [name: string, help: string, value: (watched: Watched) => number][] = [
  ['due', '1 while frames are to go out', ({ figures }) => Number(figures.isDue)],
  ['on_air', '1 while they do', ({ figures }) => Number(figures.isOnAir)],
  ['well', '1 on air or waiting as planned, 0 with a problem', ({ problem }) => Number(problem === null)],
  ['listeners', 'People in the room', ({ report }) => report.listeners],
]
