import type { ConnectionStats } from './media-stats.ts'

/** After so long without anything the line counts as cut: where nobody speaks, answers to checks come every 2.5 s. */
const CUT_AFTER_MS = 6_000
/** How far back the share of lost packets looks, in looks. */
const LOSS_LOOKS = 20

type Look = Pick<ConnectionStats, 'signsReceived' | 'packetsReceived' | 'packetsLost'>

export type LineWatch = {
  /**
   * Called twice a second with the counters of a connection. `silentMs`: for how long nothing has come, where that is
   * too long, else 0. `lossPercent` of the last ten seconds; null where no sound was due.
   */
  look(connection: number, counters: Look, nowMs: number): { silentMs: number; lossPercent: number | null }
}

/** Notices a cut line long before a connection is given up (15 s): no media server is silent for long. */
export const createLineWatch = (): LineWatch => {
  let known = Number.NaN
  let heardAtMs = 0
  let looks: Look[] = []
  return {
    look: (connection, counters, nowMs) => {
      const last = looks.at(-1)
      // Counters of a track that has ended are gone.
      if (known !== connection || !last || total(counters) < total(last)) looks = []
      if (known !== connection || last?.signsReceived !== counters.signsReceived) heardAtMs = nowMs
      known = connection
      looks = [...looks.slice(-LOSS_LOOKS), counters]
      const silentMs = nowMs - heardAtMs
      return { silentMs: silentMs >= CUT_AFTER_MS ? silentMs : 0, lossPercent: lossPercentOf(looks[0]!, counters) }
    },
  }
}

const total = ({ packetsReceived, packetsLost }: Look): number => packetsReceived + packetsLost

const lossPercentOf = (first: Look, last: Look): number | null => {
  const due = total(last) - total(first)
  return due === 0 ? null : Math.round(Math.max(0, (last.packetsLost - first.packetsLost) / due) * 1000) / 10
}
