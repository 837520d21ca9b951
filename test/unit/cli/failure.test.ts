import { CommanderError } from 'commander'
import { expect, test } from 'vitest'
import { type ErrorCode, MbflowError } from '../../../src/base/errors.ts'
import { reportFailure } from '../../../src/cli/failure.ts'
import { recorder } from './recorder.ts'

function report(thrown: unknown, json = false): { code: number; text: string } {
  const stderr = recorder()
  return { code: reportFailure(thrown, stderr.stream, json), text: stderr.text() }
}

test.each<[ErrorCode, number]>([
  ['USAGE', 2],
  ['DOCUMENT_INVALID', 1],
  ['WORKFLOW_NOT_FOUND', 1],
  ['TRIGGER_DISABLED', 1],
  ['INTERNAL', 1],
  ['DATABASE_UNAVAILABLE', 69],
  ['LISTEN_FAILED', 69],
  ['MIGRATION_LOCKED', 75],
  ['CONFIG_INVALID', 78],
  ['DATABASE_NEWER', 78],
])('%s exits with %i', (code, exit) => {
  expect(report(new MbflowError(code, 'x')).code).toBe(exit)
})

const full = new MbflowError('DOCUMENT_INVALID', 'the document has problems', {
  hint: 'see docs',
  problems: [
    { path: 'nodes[0].type', message: 'is not known', hint: 'did you mean "http"?' },
    { path: '', message: 'is too large' },
  ],
  details: { file: 'a.yaml' },
})

test('people read message, problems with their paths, and the hint', () => {
  expect(report(full).text).toBe(
    [
      'error: the document has problems',
      '  nodes[0].type: is not known (did you mean "http"?)',
      '  is too large',
      'hint: see docs',
      '',
    ].join('\n'),
  )
})

test('programs read one JSON object', () => {
  expect(JSON.parse(report(full, true).text)).toEqual({
    error: {
      code: 'DOCUMENT_INVALID',
      message: 'the document has problems',
      hint: 'see docs',
      problems: full.problems,
      details: { file: 'a.yaml' },
    },
  })
})

test('what is nobody else’s fault is shown with its stack', () => {
  const { code, text } = report(new TypeError('x is not a function'))
  expect(code).toBe(1)
  expect(text).toMatch(/^error: unexpected: x is not a function\n\s+TypeError: .*\n\s+at .*failure\.test\.ts/)
})

test('an error of the command line becomes a usage error with its guess as the hint', () => {
  const thrown = new CommanderError(
    1,
    'commander.unknownCommand',
    "error: unknown command 'aply'\n(Did you mean apply?)",
  )
  expect(report(thrown)).toEqual({ code: 2, text: "error: unknown command 'aply'\nhint: did you mean apply?\n" })
})

test('what others wrote cannot command the terminal', () => {
  const thrown = new MbflowError('INPUT_INVALID', 'bad \u001b[2J', {
    problems: [{ path: 'a\u001b[2J', message: 'b\u001b]0;x' }],
  })
  expect(report(thrown).text).not.toContain('\u001b')
})
