import { setTimeout as wait } from 'node:timers/promises'
import { joinPackets, type PacketParticipant } from '../client/packets.ts'
import { encodeMarkers } from '../client/packets-markers.ts'
import type { PacketPublication } from '../client/packets-publish.ts'
import { spreadOf } from '../client/packets-received.ts'
import type { OpusPacket } from '../client/packets-rtp.ts'
import { unreadDatagrams, watchRunner } from './runner-health.ts'
import type { Admission, Door } from './swarm-door.ts'
import { createSwarmEar, type SwarmEar } from './swarm-ear.ts'
import type { BotRecord, SwarmEvidence } from './swarm-evidence.ts'
import { pairsOf } from './swarm-pairs.ts'
import { firstIndexOf, LEAST_STAY_MS, markerOf, type SwarmBot, type SwarmPlan } from './swarm-plan.ts'

export type SwarmProgress = { atMs: number; endMs: number; inside: number; failed: number; arriving: number }

/** One stay, as it goes. */
export type Stay = {
  bot: SwarmBot
  record: BotRecord
  participant: PacketParticipant | undefined
  publication: PacketPublication | undefined
  admission: Admission | undefined
  ears: Map<string, Promise<SwarmEar>>
  isOver: boolean
}

const BUSY_WITHIN_MS = 20_000
const BUSY_AGAIN_MS = 500
const MARKERS_EVERY_MS = 500
const PROGRESS_MS = 500
/** Leaving is many small talks with the server. */
const LEAVE_AT_ONCE = 50

/**
 * Sends a plan's light participants to a server, from this process, and tells what became of them; they are still there
 * until `leave`. Throws what keeps the very first one out: then nothing can be told of the server but that.
 */
export const runSwarm = async ({
  plan,
  door,
  onProgress,
  stopped,
}: {
  plan: SwarmPlan
  door: Door
  onProgress(progress: SwarmProgress): void
  stopped: AbortSignal
}): Promise<{ evidence: SwarmEvidence; leave(): Promise<void> }> => {
  const startedMs = performance.now()
  const nowMs = (): number => performance.now() - startedMs
  const runner = watchRunner(startedMs)
  const unreadAtFirst = unreadDatagrams()
  const cut = new AbortController()
  let cutShort: SwarmEvidence['cutShort'] = null
  const cutBy = (code: string, message: string): void => {
    cutShort ??= { code, message }
    cut.abort()
  }
  const onStopped = (): void => cutBy('interrupted', 'interrupted')
  stopped.addEventListener('abort', onStopped)
  const sounds = new Map<number, Promise<OpusPacket[]>>()
  const soundOf = (voice: number): Promise<OpusPacket[]> => {
    const id = markerOf(voice)
    const sound = sounds.get(id) ?? encodeMarkers({ everyMs: MARKERS_EVERY_MS, id })
    sounds.set(id, sound)
    return sound
  }
  const stays = plan.bots.map((bot) => newStay(bot))
  const pairs: SwarmEvidence['pairs'] = []
  const heard: SwarmEvidence['heard'] = []
  const delays: Parameters<typeof spreadOf>[0][] = [[], ...plan.rooms.map(() => [])]

  const enter = async (stay: Stay): Promise<void> => {
    const { bot, record } = stay
    record.startedMs = nowMs()
    try {
      stay.participant = await joinPatiently(stay, plan.rooms[bot.room]!, door, cut.signal)
      record.joinedMs = nowMs()
      if (bot.voice !== null && !stay.isOver)
        stay.publication = await stay.participant.publish(await soundOf(bot.voice), firstIndexOf(bot.voice))
    } catch (error) {
      if (cut.signal.aborted || stay.isOver) return
      const { code = 'failed', message } = error as Error & { code?: string }
      record.error = { code, message }
      if (code === 'quota') cutBy(code, message)
    }
  }
  /** What was heard is told before anything of it ends. */
  const judgeStay = async (stay: Stay): Promise<void> => {
    stay.isOver = true
    const { record, publication, participant, bot } = stay
    record.ended = participant?.ended() ?? null
    if (publication) {
      record.sent = publication.sent()
      record.due = publication.due()
      const firstSentMs = publication.firstSentMs()
      record.firstSentMs = firstSentMs === undefined ? null : firstSentMs - startedMs
    }
    if (!participant) return
    for (const histogram of participant.received().map(({ delayUs }) => delayUs)) {
      delays[0]!.push(histogram)
      delays[1 + bot.room]!.push(histogram)
    }
    pairs.push(...pairsOf(stay, stays, startedMs, nowMs()))
    for (const { identity, trackSid } of participant.received()) {
      const ear = await stay.ears.get(trackSid)
      const voice = stays.find((one) => one.bot.identity === identity)?.bot.voice ?? null
      if (ear) heard.push({ listener: bot.identity, room: bot.room, speaker: identity, voice, ...ear.heard() })
    }
  }
  const leave = async (stay: Stay): Promise<void> => {
    for (const ear of stay.ears.values()) void ear.then((one) => one.close())
    await stay.participant?.leave()
    await stay.admission?.leave()
  }
  const arrive = async (stay: Stay): Promise<void> => {
    await until(stay.bot.joinAtMs, nowMs, cut.signal)
    if (!cut.signal.aborted) await enter(stay)
  }
  const depart = async (stay: Stay): Promise<void> => {
    if (stay.bot.leaveAtMs >= plan.endMs) return
    // Who took long to come stays long enough to hear something.
    await until(Math.max(stay.bot.leaveAtMs, nowMs() + LEAST_STAY_MS), nowMs, cut.signal)
    if (cut.signal.aborted) return
    await judgeStay(stay)
    await leave(stay)
  }
  const leaveAll = async (): Promise<void> => {
    cut.abort()
    for (const stay of stays) stay.isOver = true
    const rest = stays.values()
    const leaveRest = async (): Promise<void> => {
      for (const stay of rest) await leave(stay).catch(() => {})
    }
    await Promise.all(Array.from({ length: LEAVE_AT_ONCE }, leaveRest))
    await door.close()
  }

  const progress = setInterval(() => onProgress(progressOf(stays, nowMs(), plan)), PROGRESS_MS)
  try {
    const arrivals = stays.map(arrive)
    const departures = stays.map((stay, at) => arrivals[at]!.then(() => depart(stay)))
    const isCut = until(Number.POSITIVE_INFINITY, nowMs, cut.signal)
    await Promise.race([arrivals[0], isCut])
    const first = stays[0]!.record.error
    if (first) throw Object.assign(new Error(first.message), { code: first.code })
    const isEarly = (stay: Stay): boolean => stay.bot.joinAtMs <= plan.endMs - plan.forMs
    await Promise.race([Promise.all(arrivals.filter((_, at) => isEarly(stays[at]!))), isCut])
    await until(Math.max(plan.endMs, nowMs() + plan.forMs), nowMs, cut.signal)
    await Promise.race([Promise.all(departures), isCut])
    const durationMs = nowMs()
    for (const stay of stays) if (!stay.isOver) await judgeStay(stay)
    const unread = unreadDatagrams()
    const evidence: SwarmEvidence = {
      runId: plan.runId,
      rooms: plan.rooms,
      cutShort,
      durationMs,
      bots: stays.filter(({ record }) => record.startedMs >= 0).map(({ record }) => record),
      pairs,
      heard,
      delays: delays.map((histograms) => spreadOf(histograms) ?? null),
      health: runner.health(),
      unreadDatagrams: unread === null || unreadAtFirst === null ? null : unread - unreadAtFirst,
    }
    return { evidence, leave: leaveAll }
  } catch (error) {
    await leaveAll()
    throw error
  } finally {
    clearInterval(progress)
    runner.close()
    stopped.removeEventListener('abort', onStopped)
  }
}

const newStay = (bot: SwarmBot): Stay => ({
  bot,
  record: {
    identity: bot.identity,
    room: bot.room,
    voice: bot.voice,
    startedMs: -1,
    joinedMs: null,
    error: null,
    ended: null,
    sent: 0,
    due: 0,
    firstSentMs: null,
  },
  participant: undefined,
  publication: undefined,
  admission: undefined,
  ears: new Map(),
  isOver: false,
})

/** A server that has no place for a moment is asked again; the time counts as the join's. */
const joinPatiently = async (stay: Stay, room: string, door: Door, cut: AbortSignal): Promise<PacketParticipant> => {
  const { bot, ears } = stay
  const giveUpMs = performance.now() + BUSY_WITHIN_MS
  stay.admission ??= await door.admit(bot, room)
  for (;;) {
    try {
      return await joinPackets({
        ...stay.admission,
        ...(bot.decodes && {
          onTrack: ({ trackSid }) => void ears.set(trackSid, createSwarmEar()),
          onPacket: ({ trackSid }, packet, payload) => {
            // The view is good for this call alone.
            const bytes = Uint8Array.from(payload)
            void ears.get(trackSid)?.then((ear) => ear.take(packet, bytes))
          },
        }),
      })
    } catch (error) {
      const isBusy = (error as { code?: string }).code === 'busy' && performance.now() < giveUpMs
      if (!isBusy || cut.aborted || stay.isOver) throw error
      await wait(BUSY_AGAIN_MS)
    }
  }
}

const until = async (atMs: number, nowMs: () => number, signal: AbortSignal): Promise<void> => {
  const leftMs = atMs - nowMs()
  // What Node's timers can wait for.
  if (leftMs > 0 && !signal.aborted)
    await wait(Math.min(leftMs, 2 ** 31 - 1), undefined, { signal, ref: false }).catch(() => {})
}

const progressOf = (stays: Stay[], atMs: number, { endMs }: SwarmPlan): SwarmProgress => {
  const begun = stays.filter(({ record, isOver }) => record.startedMs >= 0 && !isOver)
  const failed = stays.filter(({ record, participant }) => record.error ?? participant?.ended()).length
  const inside = begun.filter(({ participant }) => participant && participant.ended() === undefined).length
  return {
    atMs,
    endMs,
    inside,
    failed,
    arriving: begun.filter(({ record }) => !record.joinedMs && !record.error).length,
  }
}
