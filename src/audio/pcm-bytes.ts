// Every processor that the natives are built for holds its numbers in the order of s16le.

/** Bytes of s16le as they come out of a pipe, which may cut a sample in two, handed on as whole samples. */
export const wholeSamples = (take: (samples: Int16Array) => void): ((chunk: Buffer) => void) => {
  let rest: Buffer = Buffer.alloc(0)
  return (chunk) => {
    const bytes = rest.length ? Buffer.concat([rest, chunk]) : chunk
    const samples = new Int16Array(bytes.length >> 1)
    bytes.copy(viewOf(samples))
    rest = bytes.subarray(samples.length * 2)
    take(samples)
  }
}

/** A copy, so that the caller may use its frame again while the pipe still holds the bytes. */
export const bytesOf = (samples: Int16Array): Buffer => Buffer.from(viewOf(samples))

const viewOf = ({ buffer, byteOffset, byteLength }: Int16Array): Buffer => Buffer.from(buffer, byteOffset, byteLength)
