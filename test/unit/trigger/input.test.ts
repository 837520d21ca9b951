import { expect, test } from 'vitest'
import { checkTrigger } from '../../../src/trigger/check.ts'
import { checkInput, inputOf, triggerData } from '../../../src/trigger/input.ts'
import { triggerOf } from './trigger-of.ts'

const noon = Date.parse('2026-11-22T12:00:00Z')

test('a fire tells what fired, when, for which slot, and what it carries', () => {
  const trigger = triggerOf('cron', { schedule: '0 12 * * *' })
  const fired = { fireKey: 'slot:x', slot: noon, now: new Date(noon + 5), carried: { fields: { body: { n: 1 } } } }
  expect(triggerData(trigger, fired)).toEqual({
    id: trigger.id,
    key: trigger.key,
    name: trigger.name,
    type: 'cron',
    fire_key: 'slot:x',
    fired_at: '2026-11-22T12:00:00.005Z',
    slot: '2026-11-22T12:00:00.000Z',
    body: { n: 1 },
  })
})

test('a fire by hand has no slot and its request', () => {
  const fired = { fireKey: 'req:x', slot: undefined, now: new Date(noon), carried: { given: { n: 1 } } }
  expect(triggerData(triggerOf('manual', {}), fired)).toMatchObject({ slot: null, request: { input: { n: 1 } } })
})

test.each([
  [{}, {}],
  [{ fields: { body: 1 } }, { body: 1 }],
  [{ given: { a: 1 } }, { a: 1 }],
])('without an input of its own a trigger hands on what the fire has: %j', (carried, input) => {
  expect(inputOf({}, carried)).toEqual({ input, mapping: null })
})

const mixed = { input: { source: 'shop', total: '{{ trigger.body.total }}', deep: { at: ['{{ trigger.slot }}'] } } }

test('fields with templates are left for the run, the others are the input from the start', () => {
  expect(inputOf(mixed, { fields: { body: { total: 5 } } })).toEqual({
    input: { source: 'shop' },
    mapping: { total: '{{ trigger.body.total }}', deep: { at: ['{{ trigger.slot }}'] } },
  })
})

test('what is given by hand replaces fields, and is data even where it looks like a template', () => {
  expect(inputOf(mixed, { given: { total: '{{ vars.secret }}', deep: 1, more: true } })).toEqual({
    input: { source: 'shop', total: '{{ vars.secret }}', deep: 1, more: true },
    mapping: null,
  })
})

test('an input that is one template is all of it, unless something is given', () => {
  const config = { input: '{{ trigger.body }}' }
  expect(inputOf(config, { fields: { body: 1 } })).toEqual({ input: {}, mapping: '{{ trigger.body }}' })
  expect(inputOf(config, { given: { a: 1 } })).toEqual({ input: { a: 1 }, mapping: null })
})

test('fields named like those of objects themselves are fields', () => {
  const given = JSON.parse('{"__proto__": 1, "constructor": 2}')
  expect(Object.entries(inputOf({ input: { a: '{{ 1 }}' } }, { given }).input as object)).toEqual([
    ['__proto__', 1],
    ['constructor', 2],
  ])
})

test.each([
  ['{{ trigger.body.total }}', 'there is no field of trigger "body"'],
  ['{{ trigger.slto }}', 'there is no field of trigger "slto" (did you mean "slot"?)'],
  ['{{ trigger.slot', 'the {{ at character 1 is not closed by }}'],
  ['{{ 1 + }}', '{{ 1 + }}: it ends where a value is expected'],
])('an input of a cron trigger that holds %j is refused', (total, message) => {
  const problems = checkTrigger('cron', { schedule: '@daily', input: { a: { total } } }, 'triggers[0]')
  expect(problems).toHaveLength(1)
  const [problem] = problems
  expect(problem?.path).toBe('triggers[0].config.input.a.total')
  expect(`${problem?.message} (${problem?.hint})`).toContain(message)
})

test('what a type carries can be named', () => {
  expect(checkInput({ a: '{{ trigger.body.n }}', b: '{{ $string(trigger) }}' }, ['body'], 'input')).toEqual([])
})

test('a text that is not one template is no input', () => {
  expect(checkTrigger('manual', { input: 'Hello {{ trigger.key }}' }, 't')).toMatchObject([
    { path: 't.config.input', message: expect.stringContaining('one template') },
  ])
})
