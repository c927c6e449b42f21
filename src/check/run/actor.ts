import { setTimeout as sleep } from 'node:timers/promises'
import { toChannels } from '../../audio/channels.ts'
import { createFrame, SAMPLE_RATE } from '../../audio/frame.ts'
import { type Api, createApi } from '../../client/api.ts'
import { fileCredentials } from '../../client/credentials.ts'
import type { TrackStats } from '../../client/media-stats.ts'
import { isMutedByModerator } from '../../client/room-model.ts'
import { startSession } from '../../client/session.ts'
import type { Session } from '../../client/session-contract.ts'
import type { SeatCommand, SeatState } from '../../protocol/seat.ts'
import type { RoomView } from '../contract.ts'
import { createActorLink } from './actor-link.ts'
import { createFrameLog } from './frames.ts'
import { watchHealth } from './health.ts'
import { createVoice } from './voice.ts'
import type { ActorAction, ActorMessage, ActorOrder, ActorTarget } from './wire.ts'

export type Actor = {
  /** Resolves when it is done; rejects with an Error with a code when it cannot be. */
  act(action: ActorAction, roomId: string | null): Promise<void>
  /** Leaves, and tells the rest of what it knows. */
  finish(): Promise<void>
}

const FLUSH_MS = 200
/** What one waits for before one can act: an invitation that was sent, somebody who is about to come in. */
const PATIENCE_MS = 5_000
const LOOK_MS = 20

/** One who takes part in a check: does what the steps say, and tells all that it hears, says and sees. */
export const startActor = (order: ActorOrder, tell: (message: ActorMessage) => void): Actor => {
  const nowMs = () => Number(process.hrtime.bigint() - order.beganAtNs) / 1e6
  const api = order.target.plane === 'room' ? openApi(order.target) : undefined
  const link = createActorLink(order)
  const voice = createVoice(order, nowMs)
  const health = watchHealth(nowMs)
  const heard = new Map<string, { id: string; log: ReturnType<typeof createFrameLog> }>()
  const mono = createFrame(1)
  let session: Session | undefined
  let view = ''

  const onPcm = (id: string, trackId: string, samples: Int16Array, sampleRate: number, channels: 1 | 2) => {
    // The first frames of a connection come at 16 kHz, before there is any sound.
    if (sampleRate !== SAMPLE_RATE) return
    const track = heard.get(trackId) ?? { id, log: createFrameLog() }
    heard.set(trackId, track)
    track.log.add(nowMs(), channels === 1 ? samples : toChannels(samples, 2, mono, 1))
  }

  const onStats = (tracks: ReadonlyMap<string, TrackStats>) => {
    for (const [trackId, stats] of tracks)
      if (heard.has(trackId)) tell({ type: 'counters', trackId, counters: { atMs: nowMs(), ...stats } })
  }

  const flush = () => {
    const spoken = voice.take()
    if (spoken) tell({ type: 'spoken', frames: spoken })
    const people = session?.state().participants ?? []
    for (const [trackId, { id, log }] of heard) {
      const one = people.find((person) => person.id === id)
      const frames = log.take()
      if (frames) tell({ type: 'heard', id, ...calledBy(order.suffix, one?.name ?? ''), trackId, frames })
    }
  }
  const flushing = setInterval(flush, FLUSH_MS)

  const onState = (state: SeatState) => {
    const told = viewOf(order, state)
    const isInvited = state.you.invitation !== null
    const text = JSON.stringify([told, isInvited])
    if (text === view) return
    view = text
    tell({ type: 'view', view: { ...told, atMs: nowMs() }, isInvited })
  }

  const join = async (roomId: string | null) => {
    if (session) throw told('conflict', `${order.name} is in the room already`)
    const joining = startSession({
      target: await link.targetOf(api, roomId),
      source: voice.source(),
      sink: null,
      isDevice: false,
      isMutedAtFirst: order.isMutedAtFirst,
      onPcm,
      onStats,
      onState,
    })
    session = joining
    void joining.done.then(({ reason, code, message }) => {
      flush()
      session = undefined
      tell({ type: 'left', atMs: nowMs(), reason, code: code ?? null, message })
    })
    await joining.joined
  }

  const inRoom = (): Session => {
    if (session) return session
    throw told('not-in-room', `${order.name} is not in the room`)
  }

  const until = async (fits: (state: SeatState) => boolean, what: string) => {
    for (const deadlineMs = nowMs() + PATIENCE_MS; nowMs() < deadlineMs; await sleep(LOOK_MS))
      if (fits(inRoom().state())) return
    throw told('timeout', `${what} within ${PATIENCE_MS / 1000} s`)
  }

  const command = (command: SeatCommand) => inRoom().command(command)

  const onSomebody = async ({ whom, action }: Extract<ActorAction, { kind: 'stage' }>) => {
    const find = () =>
      inRoom()
        .state()
        .participants.find(({ name }) => calledBy(order.suffix, name).name === whom)
    await until(() => find() !== undefined, `${order.name} did not see ${whom} in the room`)
    await command({ verb: 'stage', action, who: find()!.id })
  }

  const act: Actor['act'] = async (action, roomId) => {
    switch (action.kind) {
      case 'joins':
        return join(roomId)
      case 'leaves':
        return inRoom().close('left')
      case 'mutes':
        return command({ verb: 'mute' })
      case 'unmutes':
        await until(({ you }) => you.role !== 'listener', `${order.name} was not on stage`)
        await until((state) => !isMutedByModerator(state), `${order.name} was not allowed to speak again`)
        return command({ verb: 'unmute' })
      case 'raises-hand':
        return command({ verb: 'hand', question: action.question ?? undefined })
      case 'lowers-hand':
        return command({ verb: 'lower' })
      case 'accepts':
      case 'declines':
        await until(({ you }) => you.invitation !== null, `${order.name} was not invited`)
        await command({ verb: action.kind === 'accepts' ? 'accept' : 'decline' })
        return action.kind === 'declines'
          ? undefined
          : until(({ you }) => you.role !== 'listener', `${order.name} did not come on stage`)
      case 'steps-down':
        return command({ verb: 'step-down' })
      case 'ends-room':
        return command({ verb: 'end-room' })
      case 'stage':
        return onSomebody(action)
      case 'speaks':
        return voice.say(action.sound, action.forMs)
      case 'network':
        return link.set(action.network)
      case 'loses-network':
        return link.cut(action.forMs)
      case 'regains-network':
        return link.mend()
    }
  }

  return {
    act,
    finish: async () => {
      const leaving = session
      await leaving?.close('left')
      clearInterval(flushing)
      flush()
      const network = link.read()
      if (network) tell({ type: 'network', ...network })
      tell({ type: 'health', ...health.read() })
      health.close()
      await link.close()
      await voice.close()
      await api?.close()
    },
  }
}

const told = (code: string, message: string) => Object.assign(new Error(message), { code })

const openApi = ({ server, credentialsFile }: Extract<ActorTarget, { plane: 'room' }>): Api =>
  createApi({ server, credentials: fileCredentials(credentialsFile) })

/** Somebody of this run by the name in the file, a stranger by their own. */
const calledBy = (suffix: string, name: string): { name: string; isStranger: boolean } =>
  name.endsWith(` ${suffix}`)
    ? { name: name.slice(0, -suffix.length - 1), isStranger: false }
    : { name, isStranger: true }

const viewOf = ({ name: actor, suffix }: ActorOrder, state: SeatState): RoomView => {
  const { connection, participants } = state
  const status = connection.status === 'unresponsive' ? 'reconnecting' : connection.status
  return {
    actor,
    atMs: 0,
    status,
    isEnded: connection.status === 'left' && connection.reason === 'room-ended',
    people: participants.map((one) => ({
      ...calledBy(suffix, one.name),
      role: one.role,
      isMuted: one.isMuted,
      isMutedByModerator: one.mutedByModerator,
      hasHandUp: one.hasHandUp,
      isSpeaking: one.isSpeaking,
    })),
  }
}
