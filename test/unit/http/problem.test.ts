import { expect, test } from 'vitest'
import { type ErrorCode, MbflowError } from '../../../src/base/errors.ts'
import { problemOf } from '../../../src/http/problem.ts'

test.each<[ErrorCode, number]>([
  ['INPUT_INVALID', 400],
  ['WORKFLOW_NOT_FOUND', 404],
  ['TRIGGER_DISABLED', 409],
  ['CALLBACK_GONE', 410],
  ['CALLBACK_INVALID', 422],
  ['DATABASE_BUSY', 503],
  ['DATABASE_UNAVAILABLE', 503],
  ['DATABASE_AUTH', 500],
  ['INTERNAL', 500],
])('%s is answered with %i', (code, status) => {
  expect(problemOf(new MbflowError(code, 'x')).status).toBe(status)
})

test('an error about the request keeps its code, message, hint and problems', () => {
  const problems = [{ path: 'nodes[0]', message: 'is wrong' }]
  expect(problemOf(new MbflowError('DOCUMENT_INVALID', 'the document is wrong', { hint: 'fix it', problems }))).toEqual(
    {
      title: 'Bad Request',
      status: 400,
      detail: 'the document is wrong',
      code: 'DOCUMENT_INVALID',
      hint: 'fix it',
      problems,
    },
  )
})

test.each([
  new MbflowError('DATABASE_AUTH', 'user anna'),
  new Error('anna'),
  'anna',
  { statusCode: 404, message: 'anna' },
])('what is our fault is answered without its details', thrown => {
  const answer = problemOf(thrown)
  expect(answer).toMatchObject({ status: 500, code: 'INTERNAL' })
  expect(JSON.stringify(answer)).not.toContain('anna')
})
