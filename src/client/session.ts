import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { RoomEvent } from '../protocol/events.ts'
import type { SeatEvent, SeatState } from '../protocol/seat.ts'
import { createCues } from './cues.ts'
import { createDucking } from './ducking.ts'
import { startHearing } from './hearing.ts'
import { createLineWatch } from './line-watch.ts'
import type { Media, MediaEvent } from './media.ts'
import { startMicrophone } from './microphone.ts'
import { isMutedByModerator, type RoomInput } from './room-model.ts'
import { whoFellSilent } from './room-roster.ts'
import { beginRoom, reduce } from './room-state.ts'
import { volumeOf } from './room-tuning.ts'
import { runSessionCommand } from './session-commands.ts'
import type { Session, SessionOptions } from './session-contract.ts'
import { endOf, endOfError, type SessionEnd, unreachableEnd } from './session-end.ts'
import { createLink } from './session-link.ts'
import { createSessionProgram } from './session-program.ts'
import { createWitness } from './witness.ts'

const LEVELS_MS = 100
const STATS_MS = 500
const TOLD_STATS_MS = 100
const HEARD_MS = 5_000
const LEAVE_WITHIN_MS = 2_000
// A join that is under way has to be answered before one can leave.
const GOODBYE_WITHIN_MS = 3_000
// More than a clock is ever put right by in a tenth of a second without being set.
const CLOCK_SET_MS = 500

/** One participant's stay in one room, from join to leave, through every cut between. Many fit in a process. */
export const startSession = (options: SessionOptions): Session => {
  const { isDevice, onState, onEvent } = options
  const now = options.now ?? Date.now
  const seatId = options.seatId ?? randomUUID()
  const isMutedAtFirst = options.isMutedAtFirst ?? (isDevice && !options.unmuted)
  let model = beginRoom({
    ...{ seatId, pid: process.pid, isMuted: isMutedAtFirst },
    devices: devicesOf(options),
    tunings: options.tunings,
  })
  let ending: Promise<void> | undefined
  let sink = options.sink
  const lineWatch = createLineWatch()
  /** The signal connection, or the way for sound, is away, and may come back as it was. */
  const away = { signal: false, line: false }
  let clockOffsetMs = now() - performance.now()
  const joined = deferred<void>()
  const done = deferred<SessionEnd>()
  joined.promise.catch(() => {})

  const dispatch = (input: RoomInput) => {
    const was = model.seat
    const step = reduce(model, input, now())
    model = step.model
    if (model.seat !== was) {
      follow(was, model.seat)
      cues.follow(was, model.seat)
      onState?.(model.seat)
    }
    for (const event of step.events) onEvent?.(event)
  }
  const tell = (event: WithoutAt<SeatEvent>) => onEvent?.({ at: new Date(now()).toISOString(), ...event } as SeatEvent)
  const warn = (message: string) => tell({ type: 'warning', message })

  const hearing = startHearing({ volumeOf: (id) => volumeOf(model.seat, id) })
  const cues = createCues(options.cues ?? [], hearing.play)
  const ducking = createDucking(options.duckingDb ?? 0)
  const program = createSessionProgram(options.target, seatId, options.onProgramCommand)
  const witness = createWitness(hearing.heard, () => model.seat)
  const microphone = startMicrophone({
    isDevice,
    music: options.music,
    onSending: (isSending) => dispatch({ type: 'sending', isSending }),
    onEnded: () => {
      options.onSourceEnded?.()
      dispatch({ type: 'mute-wish', isMuted: true })
    },
    onProblem: warn,
  })

  const link = createLink({
    ...options,
    seatId,
    isMuted: () => model.seat.you.isMuted,
    onJoined: (answer) => {
      dispatch({ type: 'joined', joined: answer })
      program.onJoined()
    },
    onRoomEvent: (event) => onRoomEvent(event),
    onMedia: (media) => onMedia(media),
    onMediaEvent: (event) => onMediaEvent(event),
    onPcm: (...heard) => {
      hearing.push(...heard)
      options.onPcm?.(...heard)
    },
    onLost: (cause) => {
      away.signal = away.line = false
      dispatch({ type: 'reconnecting', cause })
      microphone.setMedia(null)
      hearing.endTracks()
    },
    onEnd: (end) => void finish(end),
    onWarning: warn,
    onWaiting: options.onWaiting ?? warn,
  })

  /** What follows from standing on stage or not, and from the wish to be muted. */
  const follow = (was: SeatState, is: SeatState) => {
    const { role, isMuted, id } = is.you
    const isOnStage = role !== 'listener'
    const canPublish = link.media()?.you().canPublish ?? false
    microphone.setMayPublish(isOnStage && canPublish && !isMutedByModerator(is))
    if (was.you.isMuted !== isMuted) {
      void microphone.setMuted(isMuted)
      void link.beat()
    }
    const cameOnStage = isOnStage && was.you.role === 'listener' && was.you.id === id
    if (cameOnStage) dispatch({ type: 'mute-wish', isMuted: isMutedAtFirst })
    for (const silenced of whoFellSilent(was, is)) hearing.pause(silenced)
    if (was.participants !== is.participants || was.you.volume !== is.you.volume) hearing.retune()
  }

  const onRoomEvent = (event: RoomEvent) => {
    if (event.type === 'room-ended') return void finish(endOf('room-ended', event.by))
    if (event.type === 'participant-left' && event.participantId === model.seat.you.id) {
      if (event.reason === 'lost') return link.rejoin('the server had given the seat up')
      return void finish(endOf(event.reason, event.by))
    }
    if (event.type === 'program-command') return void program.onCommand(event)
    dispatch({ type: 'server', event })
    // LiveKit may have told of them before the server did.
    const participant = event.type === 'participant' && link.media()?.participant(event.participant.id)
    if (participant) dispatch({ type: 'media', event: { type: 'participant', participant } })
  }

  const onMedia = (media: Media) => {
    const participants = media.participants()
    for (const one of participants) followMute(one)
    dispatch({ type: 'media-joined', you: media.you(), roomName: media.roomName, participants })
    microphone.setMedia(media)
    follow(model.seat, model.seat)
    setAway({})
  }

  const setAway = (change: Partial<typeof away>, reconnecting?: Extract<RoomInput, { type: 'reconnecting' }>) => {
    Object.assign(away, change)
    microphone.setHeld(away.signal || away.line)
    if (reconnecting) return dispatch(reconnecting)
    const media = link.media()
    if (!media || away.signal || away.line) return
    dispatch({ type: 'live' })
    for (const event of media.picture()) dispatch({ type: 'media', event })
    // Before the server takes the seat to be away.
    void link.beat()
  }

  const onMediaEvent = (event: MediaEvent) => {
    switch (event.type) {
      case 'reconnecting':
        return setAway({ signal: true }, { type: 'reconnecting', cause: 'the media connection broke' })
      case 'reconnected':
        return setAway({ signal: false })
      case 'track-ended':
        return hearing.endTrack(event.trackId)
      case 'permission':
        return follow(model.seat, model.seat)
      case 'participant-left':
        hearing.pause(event.id)
        return dispatch({ type: 'media', event })
      case 'participant':
        followMute(event.participant)
        return dispatch({ type: 'media', event })
      default:
        return dispatch({ type: 'media', event })
    }
  }

  const followMute = ({ id, isMuted, hasTrack }: { id: string; isMuted: boolean; hasTrack: boolean }) => {
    // With our server, a track that vanishes unmuted is its speaker's lost connection: a gap, if it comes back.
    if (!isMuted) hearing.resume(id)
    else if (hasTrack || model.seat.room.id === null) hearing.pause(id)
  }

  const measure = async () => {
    const media = link.media()
    const stats = await media?.stats().catch(() => undefined)
    if (!stats || media !== link.media()) return
    hearing.addStats(stats.tracks)
    const { silentMs, lossPercent } = lineWatch.look(media!.connection(), stats, performance.now())
    watchLine(silentMs)
    if (model.seat.connection.status === 'reconnecting') return
    const { roundTripMs } = stats
    const { network } = model.seat
    if (network.roundTripMs !== roundTripMs || network.lossPercent !== lossPercent)
      dispatch({ type: 'network', network: { ...network, roundTripMs, lossPercent } })
  }

  const tellStats = async () => {
    const stats = await link
      .media()
      ?.stats()
      .catch(() => undefined)
    if (stats) options.onStats?.(stats.tracks)
  }

  const watchLine = (silentMs: number) => {
    const cause = 'nothing comes from the media server'
    if (silentMs > 0 && !away.line) setAway({ line: true }, { type: 'reconnecting', cause, silentMs })
    else if (silentMs === 0 && away.line) setAway({ line: false })
  }

  const meter = () => {
    const offsetMs = now() - performance.now()
    if (Math.abs(offsetMs - clockOffsetMs) > CLOCK_SET_MS)
      dispatch({ type: 'clock-set', byMs: offsetMs - clockOffsetMs })
    clockOffsetMs = offsetMs
    const { levelDb, isTalkingWhileMuted } = microphone.takeLevel()
    hearing.lowerBy(ducking.lowerByDb(model.seat.you.microphone === 'open', levelDb, performance.now()))
    dispatch({ type: 'levels', levels: hearing.takeLevels(), youDb: levelDb, isTalkingWhileMuted })
  }

  const tellHeard = (isFinal: boolean) => {
    for (const one of witness.heard(isFinal)) tell({ type: 'heard', ...one })
  }

  const timers = [
    setInterval(meter, LEVELS_MS),
    setInterval(measure, STATS_MS),
    ...(options.onStats ? [setInterval(tellStats, TOLD_STATS_MS)] : []),
    setInterval(() => tellHeard(false), HEARD_MS),
  ]

  /** Leaves for good: the sound stops first, then the server is told, then everybody here. */
  const finish = (end: SessionEnd): Promise<void> => {
    ending ??= (async () => {
      for (const timer of timers) clearInterval(timer)
      program.close()
      const isWished = ownWishes.includes(end.reason)
      cues.end(isWished)
      // The last cue is heard to its end while the rest is closed.
      const silent = within(LEAVE_WITHIN_MS, hearing.fallSilent()).then(hearing.close)
      await within(LEAVE_WITHIN_MS, microphone.close())
      await within(GOODBYE_WITHIN_MS, link.close(isWished))
      await silent
      if (options.onSilent) await within(LEAVE_WITHIN_MS, options.onSilent())
      tellHeard(true)
      dispatch({ type: 'left', reason: end.reason, by: end.by, message: end.message })
      joined.reject(Object.assign(new Error(end.message), { code: end.code ?? end.reason }))
      done.resolve(end)
    })()
    return ending
  }

  microphone.setSource(options.source)
  void microphone.setMuted(isMutedAtFirst)
  link.enter().then(
    () => {
      // Who is not let in, or closed meanwhile, leaves no recording.
      if (ending) return
      hearing.setSink(sink)
      joined.resolve()
    },
    (error: Error) => finish(endOfError(error) ?? unreachableEnd(error)),
  )

  return {
    seatId,
    state: () => model.seat,
    joined: joined.promise,
    done: done.promise,
    command: (command) =>
      runSessionCommand(command, {
        target: options.target,
        seatId,
        state: () => model.seat,
        dispatch,
        hearing,
        onTuned: options.onTuned,
        setMuted: (muted) => {
          dispatch({ type: 'mute-wish', isMuted: muted })
          return microphone.setMuted(muted)
        },
        leave: () => finish(endOf('left')),
      }),
    heard: () => witness.heard(model.seat.connection.status === 'left'),
    setSource: microphone.setSource,
    setSink: (next) => {
      sink = next
      if (model.seat.connection.status !== 'joining') hearing.setSink(next)
    },
    setCues: cues.choose,
    setDucking: ducking.setDb,
    setDevice: (device, name, status) => dispatch({ type: 'device', device, name, status }),
    setNoise: (isSuppressed) => dispatch({ type: 'noise', isSuppressed }),
    setPlaying: program.setPlaying,
    warn,
    sentFrames: microphone.sentFrames,
    repair: (how) => (how === 'republish' ? microphone.republish() : link.rejoin('nothing was heard of what was sent')),
    uplink: async () => {
      const media = link.media()
      if (!media || !microphone.isPublished()) return null
      const bytesReceived = await media.uplinkBytes()
      const others = model.seat.participants.filter(({ id, isAway }) => id !== model.seat.you.id && !isAway)
      return {
        connection: media.connection(),
        bytesReceived,
        isReady: media.isReceived(),
        areOthersThere: others.every(({ id }) => media.participant(id)?.isConnected),
      }
    },
    close: (reason = 'left') => finish(endOf(reason)),
  }
}

const ownWishes = ['left', 'done', 'interrupted']
type WithoutAt<T> = T extends unknown ? Omit<T, 'at'> : never

const devicesOf = ({ devices, source, sink }: SessionOptions): SeatState['devices'] =>
  devices ?? {
    microphone: { name: source ? 'microphone' : 'none', status: source ? 'ok' : 'none' },
    speaker: { name: sink ? 'speaker' : 'none', status: sink ? 'ok' : 'none' },
  }

const within = (limitMs: number, work: Promise<unknown>): Promise<unknown> =>
  Promise.race([work.catch(() => {}), sleep(limitMs, undefined, { ref: false })])

const deferred = <T>() => {
  let resolve!: (value: T) => void
  let reject!: (error: Error) => void
  const promise = new Promise<T>((onValue, onError) => {
    resolve = onValue
    reject = onError
  })
  return { promise, resolve, reject }
}
