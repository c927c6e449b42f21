import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ProgramAnswer, ProgramCommand } from '../../protocol/program.ts'
import type { OpenSoundAt, Plan } from '../program/contract.ts'
import { createSessionProgram } from '../program/session-program.ts'
import type { SessionScript } from '../script/script.ts'
import type { SessionView } from '../watch/report.ts'
import { createJournalWriter, type Journal, type JournalWriter, readJournal } from './journal.ts'
import { fileLease, type Grant, type Lease } from './lease.ts'
import { type NextSitting, nextSitting } from './next-sitting.ts'
import type { Place, PlaceRoom } from './place.ts'
import { openRunLog } from './run-log.ts'
import { startSitting } from './sitting.ts'
import type { Sitting, SittingEnd, SittingEvent } from './sitting-contract.ts'
import type { HostEvent, KeptHere } from './wire.ts'

export type HostingOptions = {
  script: SessionScript
  place: Place
  /** The session's own: journal, lock, as-run log. */
  folder: string
  isNow: boolean
  isOnce: boolean
  /** A companion listens whether it is heard. */
  hasEar: boolean
  /** By which the server knows this host, where no journal says another name. */
  holder: string
  /** What a process before had told `keep`. */
  kept: KeptHere | null
  /** Told with each word of the journal, for the process that may take this one's place. */
  keep(kept: KeptHere): void
  /** Everything measured, rendered and looked up; for a script that was read anew, too. */
  planOf(script: SessionScript, seed: string): Promise<{ plan: Plan; problems: string[] }>
  open: OpenSoundAt
  tell(event: HostEvent): void
  onView(view: SessionView): void
  now(): number
}

export type Hosting = {
  readonly script: SessionScript
  readonly done: Promise<SittingEnd | null>
  command(command: ProgramCommand, by: string): Promise<ProgramAnswer>
  /** The script was read anew: what it says counts from the next cue on, and for the sittings to come. */
  reload(script: SessionScript): Promise<void>
  close(outcome: 'interrupted' | 'ended'): Promise<void>
  sitting(): Sitting | undefined
  /** What a text may say of it. */
  about(): { atMs: number; zone: string | null; language: string | null; listeners: number }
}

/** So long before the room opens the script is looked at again: a file may have gone meanwhile. */
const CHECKED_BEFORE_MS = 3_600_000
const KEEP_LEASE_MS = 1000
const STANDBY_EVERY_MS = 1000
const RETRY_MS = 2000
const SIGN_EVERY_MS = 1000
/** No timer waits longer than this: the clock may be set, and the machine may sleep. */
const LONGEST_NAP_MS = 15_000

/** Hosts one session: waits for each of its sittings, opens the room, plays, and goes on to the next one. */
export const startHosting = (options: HostingOptions): Hosting => {
  const { place, folder, planOf, now } = options
  const closing = new AbortController()
  const file = (name: string) => join(folder, name)
  let { script } = options
  let occurrence: string | null = null
  let sitting: Sitting | undefined
  let wish: 'interrupted' | 'ended' = 'interrupted'
  let changed = new AbortController()
  let passedOver: string | null = null

  const tell = (event: SittingEvent) =>
    options.tell({ at: new Date(now()).toISOString(), session: script.name, occurrence, ...event } as HostEvent)
  const warn = (message: string) => tell({ type: 'warning', message })
  const show = createShow(options.onView, now)
  show({ session: script.name, title: script.room.title })
  const runLog = openRunLog(file('as-run.jsonl'), warn)
  const onDisk = createJournalWriter(file('journal.json'), warn)
  const writer: JournalWriter = {
    ...onDisk,
    write: (journal) => {
      void runLog.flush()
      options.keep({ journal, unwritten: runLog.unwritten() })
      onDisk.write(journal)
    },
  }
  for (const line of options.kept?.unwritten ?? []) runLog.append(line)
  const here = fileLease(file('host.json'), randomUUID(), now)

  /** Tries until it is done, or the host is to stop; what no waiting mends is thrown. */
  const insist = async <T>(work: () => Promise<T>): Promise<T | undefined> => {
    let isTold = false
    while (!closing.signal.aborted) {
      try {
        return await work()
      } catch (error) {
        const { code, message } = error as Error & { code?: string }
        if (!passing.has(code ?? '')) throw error
        if (!isTold) warn(`${message} Trying again.`)
        isTold = true
        await nap(RETRY_MS)
      }
    }
    return undefined
  }
  const nap = (ms: number) => sleep(ms, undefined, { signal: closing.signal }).catch(() => {})

  /** Until the room is to be opened, or the script says another time. */
  const waitFor = async (next: NextSitting): Promise<boolean> => {
    if (next.startMs !== null && next.opensAtMs > now()) {
      const startsAt = new Date(next.startMs).toISOString()
      show({ phase: 'waiting', occurrence, startsAt })
      tell({ type: 'waiting', startsAt, local: next.local!, opensAt: new Date(next.opensAtMs).toISOString() })
    }
    const { signal } = changed
    let isChecked = false
    while (next.opensAtMs > now() && !closing.signal.aborted && !signal.aborted) {
      if (!isChecked && next.opensAtMs - now() <= CHECKED_BEFORE_MS) {
        isChecked = true
        const { problems } = await planOf(script, next.occurrence)
        show({ checkProblem: problems[0] ?? null })
        for (const problem of problems) warn(problem)
      }
      const ms = Math.min(LONGEST_NAP_MS, Math.max(0, next.opensAtMs - now()))
      await sleep(ms, undefined, { signal: AbortSignal.any([closing.signal, signal]) }).catch(() => {})
    }
    return !closing.signal.aborted && !signal.aborted
  }

  /** Both leases are held when it resolves; undefined: the host is to stop, or the sitting went by meanwhile. */
  const takeLeases = async (
    next: NextSitting,
    endsMs: () => number | null,
    isStill: () => boolean,
  ): Promise<Held | undefined> => {
    let isTold = false
    while (!closing.signal.aborted && isStill()) {
      const own = await here.take().catch((error: Error) => {
        // A disk that takes no lock is no reason for silence.
        if (!isTold) warn(`That another host stands by cannot be seen: ${error.message}.`)
        return { fence: 0, roomId: null }
      })
      // Another host may have brought it further meanwhile; the server knows who takes its place by its name.
      const journal = own ? await journalOf(next) : null
      const there = own && place.lease(script, next, journal?.holder ?? options.holder, endsMs)
      const grant = there ? await insist(() => there.take()).catch(afterReleasing(here)) : null
      if (own && (grant || !there)) return { grant: grant ?? null, journal, leases: there ? [here, there] : [here] }
      if (own) await here.release().catch(() => {})
      if (!isTold) {
        tell({ type: 'standby' })
        show({ phase: 'standby', occurrence })
      }
      isTold = true
      await nap(STANDBY_EVERY_MS)
    }
    return undefined
  }
  const journalOf = async (next: NextSitting) => {
    const kept = await lastJournal()
    return kept?.occurrence === next.occurrence ? kept : next.journal
  }
  /** Of this place; where the disk took none any more, what the process before said last. */
  const lastJournal = async (): Promise<Journal | null> => {
    const written = await readJournal(file('journal.json'))
    const said = options.kept?.journal ?? null
    const last = said && said.writtenMs > (written?.writtenMs ?? 0) ? said : written
    return last?.target === place.name ? last : null
  }

  /** Says again and again that it is there; told that another is host now, it leaves. */
  const keepLeases = (leases: Lease[], onLost: () => void) => {
    let isAsking = false
    const timer = setInterval(async () => {
      if (isAsking) return
      isAsking = true
      const isLost = await isTakenOver(leases)
      isAsking = false
      if (isLost) onLost()
    }, KEEP_LEASE_MS)
    return () => clearInterval(timer)
  }

  /** Another is host now; what cannot be asked says nothing. */
  const isTakenOver = async (leases: Lease[]): Promise<boolean> =>
    (await Promise.all(leases.map((lease) => lease.take().catch(() => undefined)))).includes(null)

  const hold = async (next: NextSitting, plan: Plan): Promise<SittingEnd | undefined> => {
    const closesMs = (endMs: number | null) => (endMs === null ? null : endMs + script.room.closesAfterMs)
    const plannedEndMs = next.startMs === null || plan.endMs === null ? null : next.startMs + plan.endMs
    const endsMs = () => closesMs(sitting ? sitting.endsAtMs() : plannedEndMs)
    const isStill = () => plan.endMs === null || next.startMs === null || now() < next.startMs + plan.endMs
    const held = await takeLeases(next, endsMs, isStill)
    if (!held) return undefined
    const { journal, leases } = held
    let stopKeeping = () => {}
    try {
      if (journal?.phase === 'over') return { outcome: journal.outcome ?? 'ended', message: 'It is over.', code: null }
      const room = await insist(() => place.room(script, { ...next, journal }, held.grant)).catch(async (error) => {
        if (error.code === 'conflict' && (await isTakenOver(leases))) return undefined
        throw error
      })
      if (room === undefined) return undefined
      tellRoom(room)
      sitting = await startSitting({
        ...{ script, occurrence: next.occurrence, startMs: next.startMs, room, journal, writer, runLog, tell, now },
        holder: journal?.holder ?? options.holder,
        isTakenOver: () => isTakenOver(leases),
        target: place.target(room),
        earAccess: options.hasEar ? place.earAccess(room) : null,
        targetName: place.name,
        openProgram: async ({ state, ...from }) =>
          createSessionProgram({ plan, open: options.open, ...from, ...(state && { state }) }),
        setHands: (hands) => place.setHands(room, hands),
        endRoom: () => place.endRoom(room),
        onView: show,
      })
      if (journal) closeOpenItems(journal)
      if (closing.signal.aborted) void sitting.close(wish)
      stopKeeping = keepLeases(leases, () => void sitting?.close('interrupted'))
      return await sitting.done
    } finally {
      stopKeeping()
      sitting = undefined
      show({ isDue: false, isCut: false, heardPackets: null })
      await Promise.all(leases.map((lease) => lease.release().catch(() => {})))
    }
  }

  const tellRoom = (room: PlaceRoom | null) => {
    if (room) tell({ type: 'room', room: room.id, title: room.title, link: room.link, isTakenUp: room.isTakenUp })
    show({ phase: 'opening', occurrence, room: room && { id: room.id, title: room.title, link: room.link } })
  }

  /** What the host before left under way was sent until its last word. */
  const closeOpenItems = (journal: Journal) => {
    const at = new Date(journal.writtenMs).toISOString()
    const about = {
      at,
      session: script.name,
      occurrence: journal.occurrence,
      type: 'over',
      cause: 'interrupted',
    } as const
    for (const { id, sentMs } of journal.open) runLog.append({ ...about, id, sentMs, message: null })
  }

  /** What is wrong with it now is said, and the rest is played. */
  const planNow = async (seed: string) => {
    const { plan, problems } = await planOf(script, seed)
    for (const problem of problems) warn(problem)
    return plan
  }

  const run = async (): Promise<SittingEnd | null> => {
    let last: SittingEnd | null = null
    while (!closing.signal.aborted) {
      changed = new AbortController()
      const { plan } = await planOf(script, script.name)
      if (!options.isNow) await insist(() => place.register(script, plan.endMs))
      const journal = await lastJournal()
      const { isNow } = options
      const next = nextSitting({ script, durationMs: plan.endMs, journal, nowMs: now(), isNow, passedOver })
      if (!next) break
      occurrence = next.occurrence
      if (!(await waitFor(next))) continue
      const end = await hold(next, await planNow(next.occurrence)).catch((error: Error & { code?: string }) => {
        if (!decided.has(error.code ?? '')) throw error
        passedOver = next.occurrence
        return { outcome: 'room-ended', message: error.message, code: error.code! } satisfies SittingEnd
      })
      if (!end) continue
      last = end
      tell({ type: 'ended', ...end })
      const mayGoOn = script.schedule && !options.isOnce && !options.isNow
      if (!mayGoOn || end.outcome === 'kicked' || end.outcome === 'replaced') break
      occurrence = null
    }
    return last
  }

  // Whoever watches from outside is to know that this process is alive, also while a session waits.
  const signs = setInterval(() => sitting || show({}), SIGN_EVERY_MS)
  const done = run()
    .catch((error: Error & { code?: string }): SittingEnd => {
      const end: SittingEnd = { outcome: 'failed', message: error.message, code: error.code ?? null }
      show({ hasFailed: true, problem: error.message })
      tell({ type: 'ended', ...end })
      return end
    })
    .then(async (end) => {
      clearInterval(signs)
      show({ phase: 'over' })
      await Promise.all([writer.flush(), runLog.flush()])
      return end
    })

  return {
    get script() {
      return script
    },
    done,
    command: async (command, by) =>
      sitting?.command(command, by) ?? { ok: false, code: 'conflict', message: 'The session is not on air.' },
    reload: async (next) => {
      const { plan, problems } = await planOf(next, occurrence ?? next.name)
      if (problems.length > 0) return warn(`The changed script is not taken over: ${problems[0]}`)
      script = next
      show({ title: script.room.title })
      if (sitting) sitting.reload(plan)
      else {
        tell({ type: 'reloaded' })
        changed.abort()
      }
    },
    close: async (outcome) => {
      wish = outcome
      closing.abort()
      await sitting?.close(outcome)
      await done
    },
    sitting: () => sitting,
    about: () => ({
      atMs: now(),
      zone: script.schedule?.zone ?? null,
      language: script.room.language,
      listeners: sitting?.listeners() ?? 0,
    }),
  }
}

type Held = { grant: Grant | null; journal: Journal | null; leases: Lease[] }

type Shown = SessionView['report'] &
  Pick<SessionView['look'], 'isDue' | 'sentFrames' | 'isCut' | 'heardPackets'> &
  Pick<SessionView, 'hasFailed' | 'checkProblem' | 'starvedFrames'>

/** Tells the outside how a session is, as it changes. */
const createShow = (onView: (view: SessionView) => void, now: () => number) => {
  const startedMs = now()
  let shown: Shown = {
    ...{ session: '', title: '', phase: 'waiting', occurrence: null, startsAt: null, room: null, programMs: 0 },
    ...{ playing: null, listeners: 0, problem: null, isDue: false, sentFrames: 0, isCut: false },
    ...{ hasFailed: false, checkProblem: null, starvedFrames: 0, heardPackets: null },
  }
  const dueSinceMs = () => {
    const isOurs = ['opening', 'open', 'on-air', 'paused'].includes(shown.phase)
    const startMs = shown.startsAt === null ? startedMs : Math.max(startedMs, Date.parse(shown.startsAt))
    return isOurs && startMs <= now() ? startMs : null
  }
  return (change: Partial<Shown>) => {
    shown = { ...shown, ...change }
    const { isDue, sentFrames, isCut, heardPackets, hasFailed, checkProblem, starvedFrames, ...report } = shown
    const nowMs = Number(process.hrtime.bigint()) / 1e6
    const look = { nowMs, isDue, sentFrames, isCut, heardPackets }
    onView({ report, look, dueSinceMs: dueSinceMs(), hasFailed, checkProblem, starvedFrames })
  }
}

/** Lets go of one lease where the other cannot be had. */
const afterReleasing =
  (lease: Lease) =>
  async (error: unknown): Promise<never> => {
    await lease.release().catch(() => {})
    throw error
  }

/** Somebody has decided that this sitting is not to be; the next one may. */
const decided = new Set(['conflict', 'room-ended'])
/** Errors that time may mend. */
const passing = new Set(['unreachable', 'unavailable', 'media-unavailable', 'rate-limited', 'store-unreachable'])
