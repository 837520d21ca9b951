import { expect, test } from 'vitest'
import type { JsonObject } from '../../../src/base/json.ts'
import { checkTrigger } from '../../../src/trigger/check.ts'
import { buffers, limitsOverlap, startPolicy } from '../../../src/trigger/start-policy.ts'

const problems = (config: JsonObject): string[] =>
  checkTrigger('manual', config, '').map(({ path, message, hint }) => [path, message, hint].filter(Boolean).join(': '))

test('a policy becomes how many run and how many wait', () => {
  const waiting = (config: JsonObject) => {
    const { concurrency, buffer } = startPolicy(config)
    return [concurrency, buffer]
  }
  expect(waiting({})).toEqual([Number.POSITIVE_INFINITY, 0])
  expect(waiting({ overlap: 'skip' })).toEqual([1, 0])
  expect(waiting({ overlap: 'buffer_one', concurrency: 4 })).toEqual([4, 1])
  expect(waiting({ overlap: 'buffer_all' })).toEqual([1, 1_000])
  expect(waiting({ overlap: 'buffer_all', buffer: 7 })).toEqual([1, 7])
})

test('only triggers with a limit have their executions counted, and only those that buffer their waiting fires', () => {
  const asks = (config: JsonObject) => [limitsOverlap({ config }), buffers({ config })]
  expect(asks({})).toEqual([false, false])
  expect(asks({ overlap: 'skip' })).toEqual([true, false])
  expect(asks({ overlap: 'buffer_one' })).toEqual([true, true])
})

test.each<[JsonObject, string]>([
  [
    { concurrency: 3 },
    '.config.concurrency: limits nothing while overlap is allow: say what becomes of a fire beyond it: overlap: skip, buffer_one, buffer_all or cancel_running',
  ],
  [
    { overlap: 'buffer_one', buffer: 3 },
    '.config.buffer: counts only with overlap: buffer_all, and overlap is buffer_one',
  ],
  [{ buffer: 3 }, '.config.buffer: counts only with overlap: buffer_all, and overlap is allow'],
])('%j is refused', (config, problem) => {
  expect(problems(config)).toEqual([problem.replace(/^\./, '')])
})

test.each<JsonObject>([
  { overlap: 'queue' },
  { overlap: 'skip', concurrency: 0 },
  { overlap: 'skip', concurrency: 1_001 },
  { overlap: 'skip', concurrency: 1.5 },
  { overlap: 'buffer_all', buffer: 0 },
  { overlap: 'buffer_all', buffer: 10_001 },
  { cooldown: '500ms' },
  { cooldown: '31d' },
  { pause_after_failures: 0 },
  { pause_after_failures: 1_001 },
])('%j is out of range', config => {
  expect(problems(config)).toHaveLength(1)
})
