import type { ReceivedTrack } from '../client/packets.ts'
import { PACKET_MS } from '../client/packets-markers.ts'
import type { PairRecord } from './swarm-evidence.ts'
import type { Stay } from './swarm-run.ts'

/** Whoever was there to be heard for less proves nothing. */
const LEAST_MS = 2_000

/**
 * One listener and each voice that was there to be heard, heard or not: the bots who speak in its room, and strangers
 * with a track that was not muted. `endMs` and the record's times are since `startedMs`.
 */
export const pairsOf = (listener: Stay, stays: Stay[], startedMs: number, endMs: number): PairRecord[] => {
  const { participant, bot, record } = listener
  const { joinedMs } = record
  if (!participant || joinedMs === null) return []
  const received = participant.received()
  const bots = stays.filter((one) => one.bot.room === bot.room && one !== listener && one.bot.voice !== null)
  const ofBots = bots.flatMap((speaker): PairRecord[] => {
    const sentMs = speaker.publication?.firstSentMs()
    const fromMs = Math.max(joinedMs, (sentMs ?? Number.POSITIVE_INFINITY) - startedMs)
    if (endMs - fromMs < LEAST_MS) return []
    const { identity, voice } = speaker.bot
    const track = received.find((one) => one.identity === identity && one.trackSid === speaker.publication?.trackSid)
    return [pairOf({ listener, speaker: identity, voice, track, fromMs, endMs, startedMs })]
  })
  const own = new Set(stays.map((one) => one.bot.identity))
  const ofStrangers = participant.announced().flatMap(({ identity, trackSid, isMuted, wasMuted, isEncrypted }) => {
    if (own.has(identity)) return []
    const track = received.find((one) => one.trackSid === trackSid)
    const isUnheard = (track?.rtp.packets ?? 0) === 0
    if (isMuted && isUnheard && !isEncrypted) return []
    const pair = pairOf({ listener, speaker: identity, voice: null, track, fromMs: joinedMs, endMs, startedMs })
    return [{ ...pair, isEncrypted, wasMuted }]
  })
  return [...ofBots, ...ofStrangers]
}

type PairFacts = {
  listener: Stay
  speaker: string
  voice: number | null
  track: ReceivedTrack | undefined
  fromMs: number
  endMs: number
  startedMs: number
}

const pairOf = ({ listener, speaker, voice, track, fromMs, endMs, startedMs }: PairFacts): PairRecord => {
  const at = (ms: number | undefined): number | null => (ms === undefined ? null : ms - startedMs)
  const lastMs = at(track?.lastMs)
  const order = voice === null ? track?.rtp : track?.stamped
  const pauses = [endMs - (lastMs ?? fromMs), (track?.gapUs.count ?? 0) > 0 ? track!.gapUs.max / 1000 : 0]
  const delays = track?.delayUs
  return {
    listener: listener.bot.identity,
    room: listener.bot.room,
    speaker,
    voice,
    isEncrypted: false,
    wasMuted: false,
    fromMs,
    untilMs: endMs,
    firstMs: at(track?.firstMs),
    firstSoundMs: at(track?.firstSoundMs),
    lastMs,
    packets: order?.packets ?? 0,
    lost: order?.lost ?? 0,
    duplicates: order?.duplicates ?? 0,
    reordered: order?.reordered ?? 0,
    late: track?.late ?? 0,
    voices: track?.senders ?? [],
    jitterMs: track?.jitterMs ?? 0,
    longestPauseMs: voice === null ? null : Math.max(PACKET_MS, ...pauses),
    medianDelayMs: delays && delays.count > 0 ? delays.percentile(50) / 1000 : null,
  }
}
