import { describe, expect, it } from 'vitest'
import { readSeatRequest } from '../../../src/client/seat-request.ts'

describe('what a client of the control socket asks', () => {
  it.each([
    { id: 1, verb: 'status' },
    { id: 2, verb: 'subscribe', state: true },
    { id: 2, verb: 'subscribe', state: true, patches: true, events: true },
    { id: 3, verb: 'talk', on: false },
    { id: 3, verb: 'devices', microphone: 'default' },
    { id: 4, verb: 'hand' },
    { id: 5, verb: 'hand', question: 'How long?' },
    { id: 6, verb: 'volume', percent: 80, who: '@omar' },
    { id: 6, verb: 'silence', who: '@omar' },
    { id: 6, verb: 'sound', cues: ['open', 'removed'] },
    { id: 6, verb: 'sound', cues: [], duckingDb: 20 },
    { id: 7, verb: 'stage', action: 'invite', who: '@omar' },
  ])('is taken as it is: %j', (request) => {
    expect(readSeatRequest(request)).toEqual(request)
  })

  it.each([
    undefined,
    null,
    'status',
    [],
    {},
    { id: 1 },
    { verb: 'status' },
    { id: 1.5, verb: 'status' },
    { id: '1', verb: 'status' },
    { id: 1, verb: 'fly' },
    { id: 1, verb: 'constructor' },
    { id: 1, verb: 'status', more: true },
    { id: 1, verb: 'mute', toString: 1 },
    { id: 1, verb: 'subscribe', state: 1 },
    { id: 1, verb: 'subscribe', patches: 1 },
    { id: 1, verb: 'devices', speaker: 7 },
    { id: 1, verb: 'talk' },
    { id: 1, verb: 'talk', on: 'yes' },
    { id: 1, verb: 'hand', question: 'x'.repeat(1_121) },
    { id: 1, verb: 'volume' },
    { id: 1, verb: 'volume', percent: null },
    { id: 1, verb: 'volume', percent: 80, who: 7 },
    { id: 1, verb: 'hear' },
    { id: 1, verb: 'sound', cues: ['bell'] },
    { id: 1, verb: 'sound', cues: 'open' },
    { id: 1, verb: 'sound', duckingDb: 400 },
    { id: 1, verb: 'sound', duckingDb: -20 },
    { id: 1, verb: 'stage', action: 'fly', who: '@omar' },
    { id: 1, verb: 'stage', action: 'invite' },
  ] as unknown[])('is refused: %j', (request) => {
    expect(readSeatRequest(request)).toBeUndefined()
  })
})
