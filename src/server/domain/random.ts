export type RandomBytes = (count: number) => Buffer

/** A uniform integer in 0 <= n < `below` (at most 2^32), by rejection: a plain remainder would favour small ones. */
export const randomInt = (below: number, randomBytes: RandomBytes): number => {
  const fair = 2 ** 32 - (2 ** 32 % below)
  for (;;) {
    const value = randomBytes(4).readUInt32BE()
    if (value < fair) return value % below
  }
}

/** A version 4 UUID (RFC 9562), from the server's source of randomness: 122 random bits (R9). */
export const randomId = (randomBytes: RandomBytes): string => {
  const bytes = randomBytes(16)
  bytes[6] = ((bytes[6] as number) & 0x0f) | 0x40
  bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}
