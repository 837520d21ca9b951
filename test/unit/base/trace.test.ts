import { expect, test } from 'vitest'
import { traceparent } from '../../../src/base/trace.ts'

const EXECUTION = '01890a5d-ac96-774b-bcce-b302099a8057'
const NODE = '01890a5d-ac96-774b-9a5c-0a1b2c3d4e5f'

test('the trace is the execution, and the form is that of W3C trace context', () => {
  expect(traceparent(EXECUTION, NODE, 1)).toMatch(/^00-01890a5dac96774bbcceb302099a8057-[0-9a-f]{16}-01$/)
})

test('every attempt is a span of its own, the same whoever makes it', () => {
  expect(traceparent(EXECUTION, NODE, 2)).toBe(traceparent(EXECUTION, NODE, 2))
  expect(traceparent(EXECUTION, NODE, 2)).not.toBe(traceparent(EXECUTION, NODE, 1))
})
