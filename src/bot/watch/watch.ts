import type { Alert } from '../script/script.ts'
import type { AlertMessage, Alerts } from './alerts.ts'
import { type AirLook, type AirNews, type AirWatch, createAirWatch, type Repair } from './dead-air.ts'
import {
  createIncidents,
  type IncidentNews,
  NOT_ON_AIR_AFTER_MS,
  type OpenIncidents,
  type Standing,
} from './incidents.ts'
import type { SessionReport, SessionView } from './report.ts'

export type WatchNews = { session: string } & (AirNews | ({ type: 'incident' } & IncidentNews))

export type WatchOptions = {
  /** Of a session's script; those that are there when it happens. */
  alertsOf(session: string): readonly Alert[]
  alerts: Alerts
  /** Tries to bring a session back on air; told once for each step. */
  repair(session: string, repair: Repair): void
  onNews(news: WatchNews): void
  /** Kept over the end of this process, so that nothing is told twice. */
  incidents?: { before(session: string): OpenIncidents; keep(session: string, open: OpenIncidents): void }
  now?(): number
  monotonicMs?(): number
}

export type Watched = {
  report: SessionReport
  /** Ready as planned, or what is wrong. */
  problem: string | null
  figures: Figures
}

/** All of them only grow, but for the last three. */
export type Figures = {
  sentFrames: number
  starvedFrames: number
  underruns: number
  missedMs: number
  deadAirs: number
  deadMs: number
  repairs: Record<Repair, number>
  heardPackets: number
  isDue: boolean
  isOnAir: boolean
  incidents: IncidentNews['kind'][]
}

export type Watch = {
  see(view: SessionView): void
  watched(): Watched[]
  close(): void
}

const LOOK_MS = 500
/** A host that says nothing for so long does not look after its sessions. */
const SILENT_MS = 900
const HUNG_MS = 15_000

/** Keeps watch over all sessions of a host, from outside the process that plays them. */
export const startWatch = (options: WatchOptions): Watch => {
  const { now = Date.now, monotonicMs = () => Number(process.hrtime.bigint()) / 1e6 } = options
  const sessions = new Map<string, Seen>()

  const take = (session: string, seen: Seen, view: SessionView) => {
    const { report, dueSinceMs, checkProblem } = view
    const isBack = !seen.due || !isComingBack(report)
    const look = isBack ? view.look : { ...seen.due!, nowMs: view.look.nowMs, isCut: true }
    seen.due = look.isDue ? look : null
    const tell = (news: AirNews | ({ type: 'incident' } & IncidentNews)) => options.onNews({ session, ...news })
    for (const news of seen.air.observe(look)) {
      count(seen.figures, news)
      tell(news)
      if (news.type === 'repair') options.repair(session, news.repair)
    }
    addUp(seen, view)
    const deadSince = seen.air.deadSinceMs()
    const nowMs = now()
    const deadSinceMs = deadSince === null ? null : Math.round(nowMs - (look.nowMs - deadSince))
    // A session that is kept silent by a human, or by an empty room, is where it should be.
    const isOnAir = report.phase === 'on-air' || report.phase === 'paused'
    Object.assign(seen.figures, { isOnAir: isOnAir && deadSince === null, isDue: look.isDue })
    seen.isSettled ||= isOnAir || report.phase === 'over' || (report.phase === 'waiting' && report.startsAt !== null)
    const { isSettled } = seen
    const standing = { nowMs, dueSinceMs, isOnAir, deadSinceMs, checkProblem, isSettled, reason: report.problem }
    const news = seen.incidents.observe(standing)
    if (news.length > 0) options.incidents?.keep(session, seen.incidents.open())
    for (const one of news) {
      tell({ type: 'incident', ...one })
      options.alerts.tell(options.alertsOf(session), messageOf(report, one, nowMs))
    }
    seen.figures.incidents = Object.keys(seen.incidents.open()) as IncidentNews['kind'][]
    seen.problem = problemOf(standing, view)
  }

  /** No word from a host is a look that shows the same frames at a later time. */
  const timer = setInterval(() => {
    const nowMs = monotonicMs()
    for (const [session, seen] of sessions) {
      const silentMs = nowMs - seen.seenAtMs
      if (silentMs < SILENT_MS || seen.view.report.phase === 'over') continue
      const { look, report } = seen.view
      const problem = report.problem ?? "The bot's process does not answer."
      take(session, seen, { ...seen.view, report: { ...report, problem }, look: { ...look, nowMs } })
      if (silentMs < HUNG_MS) continue
      seen.problem ??= problem
      if (look.isDue || seen.isTakenForHung) continue
      seen.isTakenForHung = true
      // While it waits for its time no frames are missed; it would miss the time, too.
      const news: AirNews = { type: 'repair', repair: 'restart', forMs: Math.round(silentMs) }
      count(seen.figures, news)
      options.onNews({ session, ...news })
      options.repair(session, 'restart')
    }
  }, LOOK_MS)

  return {
    see: (view) => {
      const { session: name } = view.report
      const seen = sessions.get(name) ?? newlySeen(view, options.incidents?.before(name))
      sessions.set(name, seen)
      seen.seenAtMs = monotonicMs()
      seen.isTakenForHung = false
      take(name, seen, view)
      seen.view = view
    },
    watched: () =>
      [...sessions.values()].map(({ view, problem, figures }) => ({ report: view.report, problem, figures })),
    close: () => clearInterval(timer),
  }
}

/** It was on air, and a new process is on its way there: until it sounds that is dead air. */
const isComingBack = ({ phase, occurrence }: SessionReport): boolean =>
  phase === 'opening' || phase === 'open' || (phase === 'waiting' && occurrence === null)

type Seen = {
  air: AirWatch
  /** The last look, if frames were due; while a new process comes back it is repeated. */
  due: AirLook | null
  incidents: ReturnType<typeof createIncidents>
  view: SessionView
  seenAtMs: number
  isTakenForHung: boolean
  isSettled: boolean
  problem: string | null
  /** Of the ear that is there, or was there last. */
  heardPackets: number
  figures: Figures
}

const newlySeen = (view: SessionView, before?: OpenIncidents): Seen => ({
  air: createAirWatch(),
  due: null,
  incidents: createIncidents(before),
  view,
  seenAtMs: 0,
  isTakenForHung: false,
  isSettled: false,
  problem: null,
  heardPackets: 0,
  figures: {
    sentFrames: 0,
    starvedFrames: 0,
    underruns: 0,
    missedMs: 0,
    deadAirs: 0,
    deadMs: 0,
    repairs: { republish: 0, rejoin: 0, restart: 0 },
    heardPackets: 0,
    isDue: false,
    isOnAir: false,
    incidents: [],
  },
})

const count = (figures: Figures, news: AirNews) => {
  if (news.type === 'underrun') {
    figures.underruns++
    figures.missedMs += news.missedMs
  } else if (news.type === 'dead-air') figures.deadAirs++
  else if (news.type === 'repair') figures.repairs[news.repair]++
  else figures.deadMs += news.afterMs
}

const addUp = (seen: Seen, view: SessionView) => {
  const { figures, view: before } = seen
  const isFirst = seen.view === view
  const grown = (now: number, was: number) => (isFirst || now < was ? now : now - was)
  figures.sentFrames += grown(view.look.sentFrames, before.look.sentFrames)
  figures.starvedFrames += grown(view.starvedFrames, before.starvedFrames)
  const { heardPackets } = view.look
  if (heardPackets === null) return
  figures.heardPackets += grown(heardPackets, seen.heardPackets)
  seen.heardPackets = heardPackets
}

const problemOf = (standing: Standing, { hasFailed, report }: SessionView): string | null => {
  const { nowMs, dueSinceMs, isOnAir, deadSinceMs, reason } = standing
  const lateMs = dueSinceMs === null || isOnAir ? 0 : nowMs - dueSinceMs
  if (hasFailed) return reason ?? 'It cannot be held.'
  if (deadSinceMs !== null) return whatAndWhy(`Dead air for ${Math.round((nowMs - deadSinceMs) / 1000)} s`, report)
  if (lateMs >= NOT_ON_AIR_AFTER_MS)
    return whatAndWhy(`Not on air ${Math.round(lateMs / 1000)} s after its start`, report)
  return null
}

const whatAndWhy = (what: string, { problem }: SessionReport): string => (problem ? `${what}: ${problem}` : `${what}.`)

const messageOf = (
  report: SessionReport,
  { kind, state, sinceMs, message }: IncidentNews,
  nowMs: number,
): Omit<AlertMessage, 'id'> => ({
  at: new Date(nowMs).toISOString(),
  kind,
  state,
  since: new Date(sinceMs).toISOString(),
  session: report.session,
  title: report.title,
  sitting: report.startsAt,
  message,
})
