/** Token bucket; the returned function says whether one more is admitted at `nowMs`. */
export const createRateLimit = (perS: number, burst: number): ((nowMs: number) => boolean) => {
  let tokens = burst
  let lastMs: number | undefined
  return (nowMs) => {
    tokens = Math.min(burst, tokens + ((nowMs - (lastMs ?? nowMs)) / 1000) * perS)
    lastMs = nowMs
    if (tokens < 1) return false
    tokens -= 1
    return true
  }
}
