import fc from 'fast-check'
import { expect, test } from 'vitest'
import { checkStorable } from '../../../src/base/json-limits.ts'
import { checked, isOutcome } from '../../../src/execution/outcome.ts'
import type { Outcome } from '../../../src/node/node-type.ts'

test.each([
  [{ kind: 'completed' }, true], // nothing as an output has words of its own
  [{ kind: 'failed', error: { code: 'A', message: '' } }, true],
  [{ kind: 'parked', until: 0 }, true],
  [{ kind: 'parked', until: '2031-01-01', end: { kind: 'completed', output: 1 } }, true],
  [undefined, false],
  [null, false],
  ['completed', false],
  [{ kind: 'done' }, false],
  [{ kind: 'failed' }, false],
  [{ kind: 'failed', error: null }, false],
  [{ kind: 'failed', error: { code: 7, message: '' } }, false],
  [{ kind: 'parked' }, false],
  [{ kind: 'parked', until: 0, end: 'later' }, false],
])('%j is an outcome: %s', (given, is) => {
  expect(isOutcome(given)).toBe(is)
})

test.each([
  [-1, true],
  [253_402_300_799_999, true],
  [253_402_300_800_000, false],
  ['9999-12-31T23:59:59Z', true],
  ['soon', false],
  [Number.NaN, false],
])('a node may wait until %s: %s', (until, may) => {
  expect(checked({ kind: 'parked', until }).kind).toBe(may ? 'parked' : 'failed')
})

test('what has been checked can be stored, and checking it again changes nothing', () => {
  const text = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('\0', '\ud800', 'OK'))
  const value = fc.oneof(fc.anything(), fc.jsonValue(), text)
  const end = fc.oneof(
    fc.record({
      kind: fc.constant('completed' as const),
      output: value,
      branches: fc.option(fc.array(text), { nil: undefined }),
    }),
    fc.record({
      kind: fc.constant('failed' as const),
      error: fc.record({ code: text, message: text, retryable: fc.boolean(), details: value }),
    }),
  )
  const wait = fc.record({ kind: fc.constant('parked' as const), until: fc.oneof(fc.double(), text), end })
  fc.assert(
    fc.property(fc.oneof(end, wait), given => {
      const outcome = checked(given as Outcome)
      if (outcome.kind === 'completed') expect(checkStorable(outcome.output)).toBeNull()
      if (outcome.kind === 'failed') {
        const { code, message, details = null } = outcome.error
        expect(checkStorable([code, message, details])).toBeNull()
      }
      expect(checked(outcome)).toEqual(outcome)
    }),
  )
})
