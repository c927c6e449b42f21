import { parseSinkSpec } from '../audio/sinks/sink.ts'
import { parseSourceSpec } from '../audio/sources/source.ts'
import type { CueKind } from '../protocol/cues.ts'
import type { SeatCommand, SeatEvent } from '../protocol/seat.ts'
import type { Credentials } from './credentials.ts'
import { createHeadphonesHint } from './headphones-hint.ts'
import { markSeat, openSeatFolder, removeSeatFiles } from './seat-folder.ts'
import { startSeatHook } from './seat-hook.ts'
import { type SeatSocket, startSeatSocket } from './seat-socket.ts'
import { openSound, type Sound } from './seat-sound.ts'
import type { SeatOrder, SeatReport } from './seat-wire.ts'
import { startSession } from './session.ts'
import type { Session } from './session-contract.ts'
import type { SessionTarget } from './session-link.ts'
import { openVolumeMemory } from './volume-memory.ts'

const KEEP_MS = 2_000
const EXIT_WITHIN_MS = 5_000

export type SeatParent = {
  /** The parent has died before it took the seat: nobody knows of it. */
  abandoned: AbortSignal
  /** The parent has the control socket: from here on the seat stays as long as it has company. */
  taken: Promise<void>
  report(message: SeatReport): Promise<void>
}

/** One seat: a session with its devices and a control socket, until it leaves. Rejects with what kept it out of the room. */
export const runSeat = async (order: SeatOrder, { abandoned, taken, report }: SeatParent): Promise<void> => {
  abandoned.throwIfAborted()
  abandoned.addEventListener('abort', startDeadline)
  const address = await openSeatFolder(order.folder, order.seatId)
  const { target, close: closeTarget } = await openTarget(order)
  const [sound, volumes] = await Promise.all([
    openSound(order),
    order.volumesFile ? openVolumeMemory(order.volumesFile) : undefined,
  ])
  let socket: SeatSocket | undefined
  const hint = order.hintFile ? headphonesHint(order.hintFile, sound, (sentence) => session.warn(sentence)) : undefined
  const session = startSession({
    ...order,
    target,
    source: sound.source,
    sink: sound.sink,
    isDevice: sound.isDevice,
    devices: sound.devices,
    cues: cuesFor(order, sound, order.cues),
    tunings: volumes?.tunings,
    onTuned: volumes?.remember,
    onState: (state) => {
      socket?.pushState()
      void hint?.look(state)
    },
    onEvent: (event) => onEvent(event),
    onWaiting: (waiting) => void report({ waiting }),
    onSourceEnded: () => {
      session.setDevice('microphone', order.source, 'none')
      const warning = sound.warning()
      if (warning) session.warn(warning)
    },
    // Only when its last second is on the disk does a recording know that it is whole.
    onSilent: order.recording ? sound.close : undefined,
  })
  const early: SeatEvent[] = []
  const hook = order.hook
    ? startSeatHook({ ...order.hook, seatId: order.seatId, onProblem: (message) => session.warn(message) })
    : undefined
  const onEvent = (event: SeatEvent) => {
    hook?.tell(event)
    if (socket) socket.pushEvent(event)
    else early.push(event)
  }
  if (volumes?.problem !== undefined) session.warn(volumes.problem)
  sound.follow(session)
  const company = watchCompany(order, session)
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const)
    process.on(signal, () => void session.close('interrupted'))
  void taken.then(company.begin)
  abandoned.addEventListener('abort', () => void session.close('interrupted'))
  if (abandoned.aborted) void session.close('interrupted')
  void session.done.then(startDeadline)

  try {
    socket = await startSeatSocket({
      address,
      state: session.state,
      run: (command) => run(session, sound, command, order, company.detach),
      onFaces: company.onFaces,
    })
    for (const event of early) socket.pushEvent(event)
    await markSeat(order.folder, order.seatId)
    await session.joined
    await report({ ok: true })
    if (order.forMs !== undefined) setTimeout(() => void session.close('done'), order.forMs)
    await session.done
  } finally {
    startDeadline()
    await session.close()
    await socket?.close()
    await Promise.allSettled([sound.close(), closeTarget(), hook?.close(), removeSeatFiles(order.folder, order.seatId)])
  }
}

type Target = { target: SessionTarget; close(): Promise<void> }

/** What speaks to a server loads only where there is one: a bare LiveKit room is entered a good deal sooner. */
const openTarget = async (order: SeatOrder): Promise<Target> => {
  const { server, roomId, url, mediaToken, client, proxy } = order
  if (server === undefined || roomId === undefined)
    return { target: { url: url ?? '', token: mediaToken ?? '' }, close: async () => {} }
  const { createApi } = await import('./api.ts')
  const api = createApi({ server, credentials: await credentialsOf(order), client, proxy })
  return { target: { api, roomId }, close: api.close }
}

const credentialsOf = async ({ credentialsFile, token }: SeatOrder): Promise<Credentials> => {
  const { fileCredentials, noCredentials, tokenCredentials } = await import('./credentials.ts')
  if (token !== undefined) return tokenCredentials(token)
  return credentialsFile === undefined ? noCredentials() : fileCredentials(credentialsFile)
}

const run = async (
  session: Session,
  sound: Sound,
  command: SeatCommand,
  order: SeatOrder,
  detach: () => void,
): Promise<void> => {
  if (command.verb === 'detach') return detach()
  if (command.verb === 'devices') return sound.use(command)
  if (command.verb === 'noise') return sound.suppressNoise(command.on)
  if (command.verb === 'sound') {
    if (command.cues) session.setCues(cuesFor(order, sound, command.cues))
    if (command.duckingDb !== undefined) session.setDucking(command.duckingDb)
    return
  }
  await session.command(command)
}

/** A recording, and what is passed on by stdout, is the room's sound alone unless more was asked for. */
const cuesFor = ({ cuesAnywhere }: SeatOrder, { isHeardHere }: Sound, kinds: CueKind[] = []): CueKind[] =>
  isHeardHere || cuesAnywhere ? kinds : []

const headphonesHint = (file: string, { speakerName }: Sound, onHint: (sentence: string) => void) =>
  createHeadphonesHint({
    file,
    speakerName,
    onHint,
    isBetweenDevices: ({ microphone, speaker }) =>
      parseSourceSpec(microphone.name).kind === 'device' && parseSinkSpec(speaker.name).kind === 'device',
  })

/**
 * A seat whose last face is gone, as when its terminal was closed, closes its microphone at once, and leaves when no face
 * comes back in time; a detached one stays as it is. A command that only passes by is no face.
 */
const watchCompany = ({ detach: detached = false, keepMs = KEEP_MS }: SeatOrder, session: Session) => {
  let timer: NodeJS.Timeout | undefined
  let hasBegun = false
  let faces = 0
  const look = () => {
    clearTimeout(timer)
    if (!hasBegun || detached || faces > 0) return
    timer = setTimeout(() => void session.close(), keepMs)
    session.command({ verb: 'mute' }).catch(() => {})
  }
  return {
    begin: () => {
      hasBegun = true
      look()
    },
    onFaces: (count: number) => {
      faces = count
      look()
    },
    detach: () => {
      detached = true
      look()
    },
  }
}

let isEnding = false
/** Sound servers and native parts have been seen to hang an exit; nothing outlives this. */
const startDeadline = () => {
  if (isEnding) return
  isEnding = true
  setTimeout(() => process.kill(process.pid, 'SIGKILL'), EXIT_WITHIN_MS)
}
