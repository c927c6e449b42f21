export type WavBytesOptions = {
  channels?: number
  sampleRate?: number
  bits?: number
  /** 1 is PCM, 3 floating point. */
  tag?: number
  extensible?: boolean
  /** Chunks between the format and the data, as id and content. */
  extra?: Array<[string, Buffer]>
  /** What the data chunk says of its own size, where that is not the truth. */
  declaredBytes?: number
}

/** A WAV file around sample bytes, right or wrong as asked. */
export const wavBytes = (
  data: Buffer,
  {
    channels = 1,
    sampleRate = 48_000,
    bits = 16,
    tag = 1,
    extensible = false,
    extra = [],
    declaredBytes,
  }: WavBytesOptions = {},
): Buffer => {
  const format = Buffer.alloc(extensible ? 40 : 16)
  format.writeUInt16LE(extensible ? 0xfffe : tag, 0)
  format.writeUInt16LE(channels, 2)
  format.writeUInt32LE(sampleRate, 4)
  format.writeUInt32LE((sampleRate * channels * bits) / 8, 8)
  format.writeUInt16LE((channels * bits) / 8, 12)
  format.writeUInt16LE(bits, 14)
  if (extensible) {
    format.writeUInt16LE(22, 16)
    format.writeUInt16LE(tag, 24)
  }
  const body = Buffer.concat([
    Buffer.from('WAVE'),
    chunk('fmt ', format),
    ...extra.map(([id, content]) => chunk(id, content)),
    chunk('data', data, declaredBytes),
  ])
  return chunk('RIFF', body)
}

const chunk = (id: string, content: Buffer, declaredBytes = content.length): Buffer => {
  const head = Buffer.alloc(8, id, 'latin1')
  head.writeUInt32LE(declaredBytes, 4)
  return Buffer.concat([head, content, Buffer.alloc(content.length % 2)])
}
