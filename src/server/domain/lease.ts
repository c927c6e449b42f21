/** Work that one of several servers does at a time, until it stays silent for too long. Instants are milliseconds. */
export type LeaseState = {
  holder: string
  /** Grows with each change of hands: work under an old number is void, as is that of a holder who was stopped. */
  fence: number
  beatAt: number
  expiresAt: number
}

/** The lease with `server` as its holder, and for how long nobody renewed it; null while it is another's. */
export const takeLease = (
  lease: LeaseState | null,
  server: string,
  { now, ttlMs }: { now: number; ttlMs: number },
): { lease: LeaseState; idleMs: number } | null => {
  if (lease && lease.holder !== server && lease.expiresAt > now) return null
  const fence = lease === null ? 1 : lease.holder === server ? lease.fence : lease.fence + 1
  const idleMs = lease === null ? Number.POSITIVE_INFINITY : now - lease.beatAt
  return { lease: { holder: server, fence, beatAt: now, expiresAt: now + ttlMs }, idleMs }
}
