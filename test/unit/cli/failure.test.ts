import { describe, expect, it } from 'vitest'
import { exitCodeOf, exitCodeOfEnd, exitCodeOfLeaving, failure, sentenceOf } from '../../../src/cli/failure.ts'
import { errorCodes } from '../../../src/protocol/errors.ts'

describe('exit codes', () => {
  it('gives every error of the wire one of the table', () => {
    const codes = Object.fromEntries(errorCodes.map((code) => [code, exitCodeOf(failure(code, 'x'))]))
    expect(codes).toMatchObject({
      'bad-request': 2,
      'sign-in-needed': 4,
      'wrong-code': 4,
      'not-allowed': 5,
      'not-found': 6,
    })
    expect(Object.entries(codes).filter(([code, exit]) => exit === 1 && code !== 'internal')).toEqual([])
  })

  it('gives a plain failure to what nobody named', () => {
    expect(exitCodeOf(new Error('x'))).toBe(1)
    expect(exitCodeOf('text')).toBe(1)
  })

  it('tells a seat taken away from a seat left', () => {
    expect(
      ['left', 'done', 'kicked', 'replaced', 'room-ended', 'unreachable', 'interrupted'].map(exitCodeOfLeaving),
    ).toEqual([0, 0, 8, 8, 8, 7, 130])
  })

  it('tells how a stay ended by its reason, whoever brought the news, and by the error where it came to nothing', () => {
    const codes = {
      kicked: 'kicked',
      replaced: 'seat-replaced',
      'signed-out': 'token-reused',
      'not-allowed': 'conflict',
    }
    for (const [reason, code] of Object.entries(codes))
      expect([reason, exitCodeOfEnd({ reason, code })]).toEqual([reason, exitCodeOfLeaving(reason)])
    expect(exitCodeOfEnd({ reason: 'kicked', code: null })).toBe(8)
    expect(exitCodeOfEnd({ reason: 'failed', code: 'not-found' })).toBe(6)
    expect(exitCodeOfEnd({ reason: 'failed', code: null })).toBe(1)
    expect(exitCodeOfEnd({ reason: 'unreachable', code: 'unavailable' })).toBe(7)
  })
})

describe('sentences', () => {
  it('are one line without a stack', () => {
    expect(sentenceOf(failure('not-found', 'there is no live room "x"\n    at foo'))).toBe('there is no live room "x"')
  })

  it('name the file that is missing or the disk that is full', () => {
    expect(sentenceOf(Object.assign(new Error('ENOENT: no such'), { code: 'ENOENT', path: 'a.wav' }))).toBe(
      'no such file: a.wav',
    )
    expect(sentenceOf(Object.assign(new Error('x'), { code: 'ENOSPC' }))).toBe('the disk is full')
  })

  it('cannot move the cursor or paint, whoever wrote a part of them', () => {
    expect(sentenceOf(failure('not-found', 'no \u001b]0;owned\u0007such \u009b31mroom\u202e'))).toBe('no such room')
  })

  it('own up to a defect', () => {
    expect(sentenceOf(new TypeError('x is undefined'))).toMatch(/^internal error: x is undefined/)
  })
})
