import { describe, expect, it } from 'vitest'
import type { OpenSound, PlannedSound } from '../../../../src/bot/program/contract.ts'
import { createSoundReader } from '../../../../src/bot/program/reader.ts'

const sound: PlannedSound = {
  ...{ id: 'radio', cue: 'radio', layer: 'voice', title: null, artist: null, durationMs: null, gainDb: 0 },
  source: { kind: 'item', item: { kind: 'url', url: 'http://radio.invalid/' } },
}

const readerOf = (opened: Partial<OpenSound>) => {
  const told: string[] = []
  const reader = createSoundReader({
    open: async () => ({ pcm: async function* () {}, warning: () => undefined, close: async () => {}, ...opened }),
    sound,
    channels: 1,
    startMs: 0,
    onOver: (message) => told.push(`over ${message}`),
    onTitle: ({ title }) => told.push(title),
    onWarning: (message) => told.push(message),
  })
  return { reader, told }
}

describe('a sound that is read', () => {
  it('tells a title when its sound is taken, not when it is decoded', async () => {
    let tell: ((title: { title: string; artist: null }) => void) | undefined
    const { reader, told } = readerOf({
      onTitle: (listener) => {
        tell = listener
        listener({ title: 'First', artist: null })
      },
      pcm: async function* () {
        yield new Int16Array(4800)
        tell!({ title: 'Second', artist: null })
        yield new Int16Array(4800)
      },
    })
    await reader.whenReady(9600)
    const into = new Int16Array(2400)
    const toldAfter = () => {
      reader.take(into, 2400)
      return told.filter((text) => !text.startsWith('over')).at(-1)
    }
    expect(told).not.toContain('First')
    expect([toldAfter(), toldAfter(), toldAfter()]).toEqual(['First', 'First', 'Second'])
    await reader.close()
  })

  it('that waits for more than it gets is closed at once', async () => {
    const closing = new AbortController()
    const { reader } = readerOf({
      pcm: async function* () {
        yield new Int16Array(480)
        await new Promise<void>((resolve) => closing.signal.addEventListener('abort', () => resolve()))
      },
      close: async () => closing.abort(),
    })
    await reader.whenReady(480)
    await reader.close()
    expect(closing.signal.aborted).toBe(true)
  })
})
