/** What the network did, since the connection began. */
export type ConnectionStats = {
  roundTripMs: number | null
  packetsReceived: number
  packetsLost: number
  /** All bytes that came, on both connections. */
  bytesReceived: number
  /** Bytes that came back on the publishing connection: receiver reports, connectivity checks. */
  uplinkBytesReceived: number
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
}

type StatsReport = { values(): Iterable<Record<string, unknown>> } | undefined
type Transport = { getStats(): Promise<unknown> | undefined }

/** Reads both connections' statistics, once for all tracks. */
export const readStats = async (
  connections: { publisher: Transport; subscriber?: Transport } | undefined,
): Promise<ConnectionStats> => {
  const stats: ConnectionStats = {
    roundTripMs: null,
    packetsReceived: 0,
    packetsLost: 0,
    bytesReceived: 0,
    uplinkBytesReceived: 0,
    tracks: new Map(),
  }
  const answers = await Promise.all([connections?.publisher.getStats(), connections?.subscriber?.getStats()])
  const [up, down] = (answers as StatsReport[]).map((report) => [...(report?.values() ?? [])])
  for (const entry of [...up!, ...down!]) addEntry(stats, entry)
  stats.uplinkBytesReceived = bytesOf(up!)
  stats.bytesReceived = bytesOf(up!) + bytesOf(down!)
  return stats
}

const bytesOf = (entries: Record<string, unknown>[]): number =>
  entries.reduce((sum, { type, bytesReceived }) => sum + (type === 'transport' ? Number(bytesReceived ?? 0) : 0), 0)

const addEntry = (stats: ConnectionStats, entry: Record<string, unknown>) => {
  if (entry.type === 'candidate-pair' && typeof entry.currentRoundTripTime === 'number' && entry.nominated !== false)
    stats.roundTripMs = Math.round(entry.currentRoundTripTime * 1000)
  if (entry.type !== 'inbound-rtp' || typeof entry.trackIdentifier !== 'string') return
  const track: TrackStats = {
    packetsReceived: Number(entry.packetsReceived ?? 0),
    packetsLost: Math.max(0, Number(entry.packetsLost ?? 0)),
    concealedSamples: Number(entry.concealedSamples ?? 0),
    silentConcealedSamples: Number(entry.silentConcealedSamples ?? 0),
  }
  stats.tracks.set(entry.trackIdentifier, track)
  stats.packetsReceived += track.packetsReceived
  stats.packetsLost += track.packetsLost
}
