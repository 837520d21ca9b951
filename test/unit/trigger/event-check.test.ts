import { expect, test } from 'vitest'
import { checkTrigger } from '../../../src/trigger/check.ts'

/** What a document is told; `path message (hint)` each. */
function problemsOf(config: unknown): string[] {
  return checkTrigger('event', config, 't').map(
    ({ path, message, hint }) => `${path.replace('t.config', '')} ${message}${hint === undefined ? '' : ` (${hint})`}`,
  )
}

test.each([
  { event: 'order.paid' },
  { event: '**', filter: 'event.source = "/shop"' },
  { any_of: ['a', { type: 'b.*', filter: 'event.data.ok' }] },
  { any_of: ['a', 'b'], within: '5m', group_by: 'event.subject' },
  { all_of: ['a', 'b'], within: '1h', group_by: 'event.data.id' },
  { event: 'a', debounce: { quiet: '30s', max_wait: '5m' }, group_by: 'event.data.id' },
  { event: 'a', throttle: { max: 5, per: '1m' }, overlap: 'skip' },
  { event: 'a', batch: { size: 100, within: '10s' }, input: { events: '{{ trigger.events }}' } },
])('%j is a rule', config => {
  expect(problemsOf(config)).toEqual([])
})

test.each<[unknown, string]>([
  [{}, ' needs event, any_of or all_of'],
  [{ event: 'a', any_of: ['b'] }, '.any_of stands beside event'],
  [{ event: 'a', all_of: ['a', 'b'], within: '1s' }, '.all_of stands beside event'],
  [{ event: 'ord*' }, '.event "ord*" has a star within a word'],
  [{ event: 7 }, '.event must be a string, is 7'],
  [{ any_of: [] }, '.any_of must not be empty'],
  [{ any_of: [{ type: 'a..b' }] }, '.any_of[0].type "a..b" has an empty word'],
  [{ any_of: [{ type: 'a', filtre: 'event.id' }] }, '.any_of[0].filtre is not a known field (did you mean "filter"?)'],
  [{ all_of: ['a', 'b'] }, '.within is required by all_of'],
  [{ event: 'a', within: '1s' }, '.within needs all_of or any_of'],
  [{ event: 'a', group_by: 'event.id' }, '.group_by needs within, debounce, throttle or batch'],
  [{ event: 'a', debounce: { quiet: '1s' }, batch: { size: 2, within: '1s' } }, '.batch stands beside debounce'],
  [{ any_of: ['a'], within: '1s', throttle: { max: 1, per: '1s' } }, '.throttle stands beside within'],
  [{ event: 'a', debounce: {} }, '.debounce.quiet is required'],
  [{ event: 'a', debounce: { quiet: '10s', max_wait: '5s' } }, '.debounce.max_wait 5s is shorter than quiet, 10s'],
  [{ event: 'a', debounce: { quiet: '10ms' } }, '.debounce.quiet must be at least 1s, is 10ms'],
  [{ event: 'a', throttle: { max: 0, per: '1s' } }, '.throttle.max must be at least 1, is 0'],
  [{ event: 'a', batch: { size: 1, within: '1s' } }, '.batch.size must be at least 2, is 1'],
  [{ event: 'a', batch: { size: 1_001, within: '1s' } }, '.batch.size must be at most 1000, is 1001'],
  [{ event: 'a', filter: 'event.' }, '.filter '],
  [{ event: 'a', filter: 'total > 1' }, '.filter "total" is not a known name (all there is to name is event'],
  [{ any_of: [{ type: 'a', filter: 'data.x' }] }, '.any_of[0].filter "data" is not a known name'],
  [{ event: 'a', group_by: 'id', throttle: { max: 1, per: '1s' } }, '.group_by "id" is not a known name'],
  [{ event: 'a', schedule: '* * * * *' }, '.schedule is not a known field'],
  [{ event: 'a', input: { x: '{{ trigger.body }}' } }, '.input.x there is no field of trigger "body"'],
])('%j is told: %s', (config, problem) => {
  const problems = problemsOf(config)
  expect(problems).toHaveLength(1)
  expect(problems[0]).toContain(problem)
})
