import type { Socket } from 'node:net'

export type LineReader = {
  maxBytes: number
  onLine(line: string): void
  /** A line longer than `maxBytes`; nothing is read after it. */
  onTooLong(): void
}

/** Splits what a socket brings into lines; an unfinished last one is dropped. */
export const readLines = (socket: Socket, { maxBytes, onLine, onTooLong }: LineReader) => {
  let waiting: Buffer[] = []
  let waitingBytes = 0
  const onData = (chunk: Buffer) => {
    let start = 0
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, start)) {
      const line = Buffer.concat([...waiting, chunk.subarray(start, end)])
      waiting = []
      waitingBytes = 0
      start = end + 1
      if (line.length > maxBytes) return stop()
      onLine(line.toString())
    }
    if (start === chunk.length) return
    waiting.push(chunk.subarray(start))
    waitingBytes += chunk.length - start
    if (waitingBytes > maxBytes) stop()
  }
  const stop = () => {
    socket.off('data', onData)
    onTooLong()
  }
  socket.on('data', onData)
}

export const writeLine = (socket: Socket, value: unknown) => {
  if (socket.writable) socket.write(`${JSON.stringify(value)}\n`)
}

/** Undefined for what is no JSON. */
export const parseLine = (line: string): unknown => {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}
