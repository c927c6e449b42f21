/** Bytes of s16le as they come out of a pipe, which may cut a sample in two, handed on as whole samples. */
export const wholeSamples = (take: (samples: Int16Array) => void): ((chunk: Buffer) => void) => {
  let rest: Buffer = Buffer.alloc(0)
  return (chunk) => {
    const bytes = rest.length ? Buffer.concat([rest, chunk]) : chunk
    const samples = new Int16Array(bytes.length >> 1)
    for (let i = 0; i < samples.length; i++) samples[i] = bytes.readInt16LE(i * 2)
    rest = bytes.subarray(samples.length * 2)
    take(samples)
  }
}

/** A copy, so that the caller may use its frame again while the pipe still holds the bytes. */
export const bytesOf = (samples: Int16Array): Buffer => {
  const bytes = Buffer.allocUnsafe(samples.length * 2)
  for (let i = 0; i < samples.length; i++) bytes.writeInt16LE(samples[i]!, i * 2)
  return bytes
}
