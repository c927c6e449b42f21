import { type Notice, startNotices } from './cluster-notices.ts'
import type { Deps } from './deps.ts'
import { type EventRow, movedTopics, readEvents, topicState } from './event-log.ts'

type Subscriber = {
  onEvent(row: EventRow): void
  /** The cursor cannot be resumed from: everything has to be fetched anew; what follows begins after `seq`. */
  onReset(seq: number): void
}

export type EventFeeds = {
  /** Says that a topic has new rows; called after commit. */
  notify(topic: string): void
  /**
   * Delivers every row after `cursor` once and in order, now and from now on. Resolves when those that were there
   * have been delivered. The returned function ends it.
   */
  subscribe(topic: string, cursor: number, subscriber: Subscriber): Promise<() => void>
  close(): Promise<void>
}

/** What other servers on the same database tell, besides what the feeds read: see cluster-notices. */
type Neighbours = {
  onRevoked(accountId: string, sessionId: string | null): void
  /** A revocation may have been missed. */
  onGap(): void
}

/** Rows are read once for each topic, not for each subscriber. */
export const startEventFeeds = ({ store, log }: Pick<Deps, 'store' | 'log'>, neighbours: Neighbours): EventFeeds => {
  const feeds = new Map<string, Feed>()
  const pull = (feed: Feed) => {
    feed.isBehind = true
    feed.pulling ??= pullAll(store.db, feed)
      .catch((error: Error) => log('error', 'events-not-read', { message: error.message }))
      .finally(() => {
        feed.pulling = null
      })
  }

  // Another server on the same database may write, too; the embedded store has one.
  const poll = async () => {
    if (feeds.size === 0) return
    const moved = await movedTopics(store.db, new Map([...feeds].map(([topic, feed]) => [topic, feed.seq])))
    for (const topic of moved) notify(topic)
  }
  const notify = (topic: string) => {
    const feed = feeds.get(topic)
    if (feed) pull(feed)
  }
  const onNotice = (notice: Notice) => {
    if ('accountId' in notice) return neighbours.onRevoked(notice.accountId, notice.sessionId)
    if (notice.seq > (feeds.get(notice.topic)?.seq ?? Number.POSITIVE_INFINITY)) notify(notice.topic)
  }
  const onGap = () => {
    void poll().catch(() => {})
    neighbours.onGap()
  }
  const notices = store.url === null ? null : startNotices(store.url, { onNotice, onGap }, log)
  let polledAt = 0
  const timer =
    notices &&
    every(pollMs, async () => {
      if (notices.isListening() && performance.now() - polledAt < listeningPollMs) return
      polledAt = performance.now()
      await poll()
    })

  return {
    notify,
    subscribe: async (topic, cursor, subscriber) => {
      const state = (await topicState(store.db, topic)) ?? { seq: 0, floor: 0 }
      const feed = feeds.get(topic) ?? { topic, seq: state.seq, readers: new Set(), pulling: null, isBehind: false }
      feeds.set(topic, feed)
      const reader: Reader = { seq: cursor, isLive: false, subscriber }
      feed.readers.add(reader)
      const end = () => {
        feed.readers.delete(reader)
        if (feed.readers.size === 0 && feeds.get(topic) === feed) feeds.delete(topic)
      }
      try {
        await catchUp(store.db, feed, reader)
      } catch (error) {
        end()
        throw error
      }
      return end
    },
    close: async () => {
      timer?.()
      await notices?.close()
      await Promise.all([...feeds.values()].map((feed) => feed.pulling))
      feeds.clear()
    },
  }
}

// Without notices rows are looked for; with them now and then, in case one was lost.
const pollMs = 250
const listeningPollMs = 2_000

type Reader = {
  /** The last number delivered. */
  seq: number
  isLive: boolean
  subscriber: Subscriber
}
type Feed = {
  topic: string
  /** The last number read. */
  seq: number
  readers: Set<Reader>
  pulling: Promise<void> | null
  isBehind: boolean
}

const pullAll = async (db: Deps['store']['db'], feed: Feed): Promise<void> => {
  while (feed.isBehind) {
    feed.isBehind = false
    for (;;) {
      const rows = await readEvents(db, feed.topic, feed.seq)
      if (rows.length === 0) break
      feed.seq = rows.at(-1)!.seq
      for (const reader of [...feed.readers]) if (reader.isLive) for (const row of rows) deliver(reader, row)
    }
  }
}

/** Reads by itself until it stands where the feed stands; between that check and going live nothing can happen. */
const catchUp = async (db: Deps['store']['db'], feed: Feed, reader: Reader): Promise<void> => {
  const state = (await topicState(db, feed.topic)) ?? { seq: 0, floor: 0 }
  if (reader.seq < state.floor || reader.seq > state.seq) {
    reader.seq = state.seq
    reader.subscriber.onReset(state.seq)
  }
  for (;;) {
    const target = feed.seq
    const rows = await readEvents(db, feed.topic, reader.seq)
    for (const row of rows) deliver(reader, row)
    if (rows.length > 0) continue
    // Rows up to `target` were there and are not any more: purged meanwhile.
    reader.seq = Math.max(reader.seq, target)
    if (reader.seq >= feed.seq) break
  }
  reader.isLive = true
}

const deliver = (reader: Reader, row: EventRow) => {
  if (row.seq <= reader.seq) return
  reader.seq = row.seq
  reader.subscriber.onEvent(row)
}

const every = (ms: number, work: () => Promise<void>): (() => void) => {
  let isBusy = false
  const timer = setInterval(() => {
    if (isBusy) return
    isBusy = true
    work()
      .catch(() => {})
      .finally(() => {
        isBusy = false
      })
  }, ms)
  return () => clearInterval(timer)
}
