/** A bounded ring of samples between an asynchronous writer, who waits for room, and a reader who never waits. */
export const createSampleRing = (capacity: number) => {
  const samples = new Int16Array(capacity)
  let start = 0
  let length = 0
  let wake: (() => void) | undefined
  let filled: () => void
  const firstFilled = new Promise<void>((resolve) => {
    filled = resolve
  })
  const release = () => {
    wake?.()
    wake = undefined
  }
  const put = (piece: Int16Array) => {
    const end = (start + length) % capacity
    const head = Math.min(piece.length, capacity - end)
    samples.set(piece.subarray(0, head), end)
    samples.set(piece.subarray(head), 0)
    length += piece.length
  }
  return {
    /** Resolves when the ring was full for the first time. */
    firstFilled,
    /** Lets a waiting writer go on, to notice that all is over. */
    release,
    length: () => length,
    write: async (piece: Int16Array, isClosed: () => boolean) => {
      for (let at = 0; at < piece.length && !isClosed(); ) {
        const count = Math.min(piece.length - at, capacity - length)
        put(piece.subarray(at, at + count))
        at += count
        if (length < capacity) continue
        filled()
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
    },
    read: (into: Int16Array): number => {
      const count = Math.min(into.length, length)
      const head = Math.min(count, capacity - start)
      into.set(samples.subarray(start, start + head))
      into.set(samples.subarray(0, count - head), head)
      start = (start + count) % capacity
      length -= count
      // A tenth of the ring at a time: the writer then works in longer strides, and still far ahead.
      if (length < capacity * 0.9) release()
      return count
    },
  }
}
