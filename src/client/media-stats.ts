/** What the network did, since the connection began. */
export type ConnectionStats = {
  roundTripMs: number | null
  packetsReceived: number
  packetsLost: number
  /** Grows with whatever comes: bytes, and checks of the connection and answers to ours, which bytes do not count. */
  signsReceived: number
  /** Per received track, by the id of its MediaStreamTrack. */
  tracks: Map<string, TrackStats>
}

/** Counters of one received track, as in W3C webrtc-stats `RTCInboundRtpStreamStats`; samples at 48 kHz. */
export type TrackStats = {
  packetsReceived: number
  packetsLost: number
  /** Samples made up because nothing was there to play, and those of them that were mere silence. */
  concealedSamples: number
  silentConcealedSamples: number
  /** Stretches of such samples. */
  concealmentEvents: number
}

type StatsReport = { values(): Iterable<Record<string, unknown>> } | undefined
type Transport = { getStats(): Promise<unknown> | undefined }

type Connections = { publisher: Transport; subscriber?: Transport } | undefined

/**
 * What the receiving connection tells, once for all tracks. It is the one that always stands, and each report of a
 * connection costs wrtc a good millisecond.
 */
export const readStats = async (connections: Connections): Promise<ConnectionStats> => {
  const entries = await entriesOf(connections?.subscriber ?? connections?.publisher)
  const stats: ConnectionStats = {
    roundTripMs: null,
    packetsReceived: 0,
    packetsLost: 0,
    signsReceived: bytesOf(entries),
    tracks: new Map(),
  }
  for (const entry of entries) addEntry(stats, entry)
  return stats
}

/** Bytes that came back on the publishing connection: receiver reports, connectivity checks. */
export const readUplinkBytes = async (connections: Connections): Promise<number> =>
  bytesOf(await entriesOf(connections?.publisher))

const bytesOf = (entries: Record<string, unknown>[]): number =>
  entries.reduce((sum, { type, bytesReceived }) => sum + (type === 'transport' ? Number(bytesReceived ?? 0) : 0), 0)

const entriesOf = async (transport: Transport | undefined): Promise<Record<string, unknown>[]> => {
  const report = (await transport?.getStats()) as StatsReport
  return [...(report?.values() ?? [])]
}

const addEntry = (stats: ConnectionStats, entry: Record<string, unknown>) => {
  if (entry.type === 'candidate-pair')
    stats.signsReceived += Number(entry.requestsReceived ?? 0) + Number(entry.responsesReceived ?? 0)
  if (entry.type === 'candidate-pair' && typeof entry.currentRoundTripTime === 'number' && entry.nominated !== false)
    stats.roundTripMs = Math.round(entry.currentRoundTripTime * 1000)
  if (entry.type !== 'inbound-rtp' || typeof entry.trackIdentifier !== 'string') return
  const track: TrackStats = {
    packetsReceived: Number(entry.packetsReceived ?? 0),
    packetsLost: Math.max(0, Number(entry.packetsLost ?? 0)),
    concealedSamples: Number(entry.concealedSamples ?? 0),
    silentConcealedSamples: Number(entry.silentConcealedSamples ?? 0),
    concealmentEvents: Number(entry.concealmentEvents ?? 0),
  }
  stats.tracks.set(entry.trackIdentifier, track)
  stats.packetsReceived += track.packetsReceived
  stats.packetsLost += track.packetsLost
}
