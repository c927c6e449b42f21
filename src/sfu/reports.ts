import { ConnectionQuality, ParticipantInfo_State, WebhookEvent } from '@livekit/protocol'
import { type Effect, type Participant, type RoomState, roomInfo, send } from './room-state.ts'
import { newSid } from './sid.ts'
import type { SpeakerDetector } from './speakers.ts'

/** What a room tells on its own: who speaks, how good the connections are, and to the outside what happened. */

/** The webhook LiveKit would send for this effect. */
export const webhookEvent = (
  room: RoomState,
  { event, participant, track }: Extract<Effect, { type: 'event' }>,
): WebhookEvent =>
  new WebhookEvent({
    event,
    room: roomInfo(room),
    participant,
    track,
    id: newSid('EV'),
    createdAt: BigInt(Math.floor(Date.now() / 1000)),
  })

/** Closes the speakers' interval and tells everyone what changed. */
export const speakerUpdate = (room: RoomState, detector: SpeakerDetector): Effect[] => {
  const changes = detector.update()
  if (changes.length === 0) return []
  const value = {
    speakers: changes.map(({ participantSid, level, active }) => ({ sid: participantSid, level, active })),
  }
  return [...room.participants.keys()].map((to) => send(to, { case: 'speakersChanged', value }))
}

/** For someone who has just come. */
export const speakersNow = (to: string, detector: SpeakerDetector | undefined): Effect => {
  const speaking = (detector?.active() ?? []).map(({ participantSid, level }) => ({
    sid: participantSid,
    level,
    active: true,
  }))
  return send(to, { case: 'speakersChanged', value: { speakers: speaking } })
}

/** Quality of those who publish, by the loss on their way to us; a participant without signal is lost. */
export const qualityUpdate = (room: RoomState, losses: Map<string, number>): Effect[] => {
  const updates = [...room.participants.values()]
    .filter(({ info }) => info.state === ParticipantInfo_State.ACTIVE)
    .map((participant) => qualityOf(participant, losses.get(participant.info.sid) ?? 0))
    .filter(({ participant, quality }) => participant.quality !== quality)
  for (const { participant, quality } of updates) participant.quality = quality
  if (updates.length === 0) return []
  const value = {
    updates: updates.map(({ participant, quality, score }) => ({
      participantSid: participant.info.sid,
      quality,
      score,
    })),
  }
  return [...room.participants.keys()].map((to) => send(to, { case: 'connectionQuality', value }))
}

const qualityOf = (participant: Participant, loss: number) => {
  const { LOST, POOR, GOOD, EXCELLENT } = ConnectionQuality
  if (participant.detachedSinceMs !== undefined) return { participant, quality: LOST, score: 0 }
  const quality = loss > 0.1 ? POOR : loss > 0.03 ? GOOD : EXCELLENT
  return { participant, quality, score: Math.max(1, 5 - loss * 20) }
}
