import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createHeadphonesHint, headphonesHint, looksLikeHeadphones } from '../../../src/client/headphones-hint.ts'
import type { SeatState } from '../../../src/protocol/seat.ts'
import { aSeat } from '../../support/tui-fixtures.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'rt-hint-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const open = aSeat('speaker')
const muted: SeatState = { ...open, you: { ...open.you, microphone: 'muted', isMuted: true } }

const seat = (speaker: string, areDevices = true) => {
  const said: string[] = []
  let asked = 0
  const hint = createHeadphonesHint({
    file: join(folder, 'state', 'headphones-hint'),
    isBetweenDevices: () => areDevices,
    speakerName: async () => {
      asked++
      return speaker
    },
    onHint: (sentence) => said.push(sentence),
  })
  return { hint, said, asked: () => asked }
}

describe('the headphones hint', () => {
  it('is said when the microphone opens beside a loudspeaker, once for all seats to come', async () => {
    const first = seat('Built-in Audio Analog Stereo')
    await first.hint.look(muted)
    expect(first.said).toEqual([])
    await first.hint.look(open)
    await first.hint.look(open)
    expect(first.said).toEqual([headphonesHint])
    const second = seat('Built-in Audio Analog Stereo')
    await second.hint.look(open)
    expect([second.said, second.asked()]).toEqual([[], 0])
  })

  it('is not said of headphones, nor of what is no device', async () => {
    const headphones = seat('Sony WH-1000XM4 Headset')
    await headphones.hint.look(open)
    const file = seat('file:out.wav', false)
    await file.hint.look(open)
    expect([headphones.said, file.said, file.asked()]).toEqual([[], [], 0])
    expect(existsSync(join(folder, 'state', 'headphones-hint'))).toBe(false)
  })

  it.each(['Headphones', 'USB headset', "Ana's AirPods Pro", 'Galaxy Buds2', 'Kopfhörer (Realtek)', 'Earphones'])(
    'takes %s for headphones',
    (name) => expect(looksLikeHeadphones(name)).toBe(true),
  )
  it.each(['default', 'Built-in Audio Analog Stereo', 'HDMI', 'Budget Speaker', 'Headless Dummy', 'Lautsprecher'])(
    'does not take %s for headphones',
    (name) => expect(looksLikeHeadphones(name)).toBe(false),
  )
})
