import { expect, it } from 'vitest'
import { problemOf } from '../../../src/server/problem.ts'

it.each([
  ['ECONNREFUSED', /does not answer/],
  ['57P01', /does not answer/],
  ['3D000', /refuses it/],
  ['28P01', /refuses it/],
  ['53100', /disk of the server is full/],
  ['ENOSPC', /disk of the server is full/],
])('is 503 and says what is wrong with the store: %s', (code, sentence) => {
  const problem = problemOf(Object.assign(new Error('at /secret/place'), { code }))
  expect(problem).toMatchObject({ status: 503, code: 'unavailable', detail: expect.stringMatching(sentence) })
})

it.each([
  'Connection terminated unexpectedly',
  'Connection terminated due to connection timeout',
  'timeout exceeded when trying to connect',
  'timeout expired',
  'Client has encountered a connection error and is not queryable',
])('is 503 where pg says without a code: %s', (message) => {
  expect(problemOf(new Error(message))).toMatchObject({ status: 503, detail: expect.stringMatching(/does not answer/) })
})

it('tells nothing of a defect', () => {
  expect(JSON.stringify(problemOf(new Error('at /secret/place')))).not.toContain('secret')
})
