// Inputs that triggers map, from the fire to the nodes.
import { afterAll, expect, test } from 'vitest'
import { silentLogger } from '../../../src/base/log.ts'
import { sql } from '../../../src/db/sql.ts'
import type { RecordedEvent } from '../../../src/event/event.ts'
import { control } from '../../../src/execution/control.ts'
import { createEvaluator } from '../../../src/expression/evaluator.ts'
import { type Evaluator, ExpressionError } from '../../../src/expression/expression.ts'
import { disableTrigger } from '../../../src/trigger/arm.ts'
import { fire } from '../../../src/trigger/fire.ts'
import { fireManually } from '../../../src/trigger/fire-manually.ts'
import type { Carried } from '../../../src/trigger/input.ts'
import type { Trigger } from '../../../src/trigger/trigger.ts'
import { createTestDatabase } from '../../support/database.ts'
import { createTestEngine } from '../../support/engine.ts'
import { createTestTriggers } from '../../support/triggers.ts'

const { pool } = await createTestDatabase()
const sandbox = createEvaluator({ size: 1, log: silentLogger })
/** Evaluations asked of it, and how many of them find no process free. */
let asked = 0
let busy = 0
const evaluator: Evaluator = {
  async evaluate(expression, scope) {
    asked++
    if (busy-- > 0) throw new ExpressionError('EXPRESSION_UNAVAILABLE', 'no process is free')
    return sandbox.evaluate(expression, scope)
  },
}
const hurried = { now: Date.now, monotonic: () => performance.now(), sleep: async () => {} }
const engine = await createTestEngine(pool, { evaluator, clock: hurried })
const triggers = await createTestTriggers(engine)
await sandbox.start()
afterAll(async () => {
  await sandbox.stop()
  await engine.stop()
})

let fires = 0
async function fireOf(trigger: Trigger, carried: Carried): Promise<string> {
  const disposal = { trigger, fireKey: `dlv:${fires++}`, disposition: 'fired', reason: null, slots: null } as const
  const { fired } = await pool.transaction(tx =>
    fire(tx, triggers.arm, { disposals: [{ ...disposal, carried }], now: new Date() }),
  )
  return fired[0]?.executionId ?? ''
}

async function run(id: string) {
  const runner = engine.runner()
  await runner.start()
  try {
    return await engine.ended(id)
  } finally {
    await runner.stop()
  }
}

async function firstEvent(id: string): Promise<RecordedEvent | undefined> {
  return (await engine.eventLog.read(id))[0]
}

test('the mapping makes the input of the run, in the sandbox where it must', async () => {
  const input = { source: 'shop', total: '{{ $sum(trigger.body.lines.price) }}', text: 'for {{ trigger.body.who }}' }
  const trigger = await triggers.create('manual', { input })
  const id = await fireOf(trigger, { fields: { body: { who: 'Ada', lines: [{ price: 2 }, { price: 3 }] } } })
  const made = { source: 'shop', total: 5, text: 'for Ada' }
  expect(await run(id)).toMatchObject({ status: 'completed', input: made, output: made })
  expect(await firstEvent(id)).toMatchObject({ body: { type: 'workflow_started', payload: { input: made } } })
  expect(await engine.violations()).toEqual([])
})

test('one template gives the whole input, of whatever kind', async () => {
  const trigger = await triggers.create('manual', { input: '{{ trigger.body }}' })
  for (const body of [[1, 2], 'text', null, { a: 1 }])
    expect(await run(await fireOf(trigger, { fields: { body } }))).toMatchObject({ input: body, output: body })
  expect(await engine.violations()).toEqual([])
})

test('an input without templates is evaluated by nobody and not recorded again', async () => {
  const trigger = await triggers.create('manual', { input: { a: 1 } })
  const id = await fireOf(trigger, {})
  const before = asked
  expect(await run(id)).toMatchObject({ status: 'completed', input: { a: 1 } })
  expect(asked).toBe(before)
  expect((await firstEvent(id))?.body.payload).toEqual({})
})

test('the rule at the time of the fire counts, whatever it is when the run begins', async () => {
  const trigger = await triggers.create('manual', { input: { n: '{{ trigger.body }}' } })
  const id = await fireOf(trigger, { fields: { body: 1 } })
  await pool.run(sql('test.edit')`update public.triggers set config = '{}' where id = ${trigger.id}`)
  expect(await run(id)).toMatchObject({ input: { n: 1 } })
})

test('a mapping that fails fails the execution before any node, naming trigger, field and position', async () => {
  const trigger = await triggers.create('manual', { input: { a: { b: ['{{ $number(trigger.body) }}'] } } }, 'wrong')
  const id = await fireOf(trigger, { fields: { body: 'many' } })
  const failed = await run(id)
  expect(failed).toMatchObject({ status: 'failed', input: null, nodes: [{ status: 'skipped' }] })
  expect(failed.error).toMatch(
    /^INPUT_MAPPING_FAILED: trigger fired\/wrong, input\.a\.b\[0\]: \{\{ \$number\(trigger\.body\) \}\}: .*character 9/,
  )
  const end = (await engine.eventLog.read(id)).at(-1)
  expect(end?.body).toMatchObject({
    type: 'workflow_failed',
    payload: {
      error: { details: { trigger: 'fired/wrong', field: 'input.a.b[0]', cause: 'EXPRESSION_FAILED', character: 9 } },
    },
  })
  expect(await engine.violations()).toEqual([])
})

test('a field that the fire does not have fails it too: nothing is defaulted', async () => {
  const trigger = await triggers.create('manual', { input: '{{ trigger.body }}' }, 'empty')
  expect(await run(await fireOf(trigger, {}))).toMatchObject({
    status: 'failed',
    error: expect.stringMatching(/^INPUT_MAPPING_FAILED: trigger fired\/empty, input: \{\{ trigger.body \}\} yields/),
  })
})

test('a busy machine is waited for', async () => {
  const trigger = await triggers.create('manual', { input: { n: '{{ $sum(trigger.body) }}' } })
  const id = await fireOf(trigger, { fields: { body: [1, 2] } })
  busy = 4
  expect(await run(id)).toMatchObject({ status: 'completed', input: { n: 3 } })
})

test('an execution whose mapping found the machine busy for too long is made good by a retry', async () => {
  const trigger = await triggers.create('manual', { input: { n: '{{ $sum(trigger.body) }}' } })
  const id = await fireOf(trigger, { fields: { body: [1, 2] } })
  busy = 5
  expect((await run(id)).error).toMatch(/^INPUT_MAPPING_FAILED: .* no process is free/)
  const command = { verb: 'retry', by: 'test' } as const
  expect(await control(triggers.arm, command, [id])).toMatchObject([{ kind: 'done', is: 'pending' }])
  expect(await run(id)).toMatchObject({ status: 'completed', input: { n: 3 } })
  expect(await engine.violations()).toEqual([])
})

test('what was given by hand is seen by the mapping and by every node, and replaces fields unevaluated', async () => {
  const trigger = await triggers.create('manual', { input: { who: '{{ trigger.request.input.name }}', a: '{{ 1 }}' } })
  const input = { name: 'Ada', a: '{{ 2 }}' }
  const fired = await fireManually(triggers.arm, { triggerId: trigger.id, input, scope: 'test' })
  const ended = await run(fired.executionId ?? '')
  expect(ended.input).toEqual({ who: 'Ada', name: 'Ada', a: '{{ 2 }}' })
  expect(ended.trigger_data).toMatchObject({ request: { input } })
})

test.each([
  [{ a: '\0' }, 'the input cannot be stored: a holds the character U+0000'],
  [{ a: Number.POSITIVE_INFINITY }, 'the input cannot be stored: a is Infinity'],
  [{ a: 'x'.repeat(1024 * 1024) }, 'the input has more than 1048576 bytes as JSON'],
])('an input that cannot be kept is refused', async (input, message) => {
  const trigger = await triggers.create('manual', {})
  const fired = fireManually(triggers.arm, { triggerId: trigger.id, input, scope: 'test' })
  await expect(fired).rejects.toMatchObject({ code: 'INPUT_INVALID', message: expect.stringContaining(message) })
})

test.each(['', 'a\nb', 'ключ', 'x'.repeat(256)])('the idempotency key %j is refused', async key => {
  const trigger = await triggers.create('manual', {})
  const fired = fireManually(triggers.arm, { triggerId: trigger.id, input: {}, scope: 'test', key })
  await expect(fired).rejects.toMatchObject({ code: 'INPUT_INVALID' })
})

test('a key answers with its execution also when the trigger could not fire any more', async () => {
  const trigger = await triggers.create('manual', {})
  const request = { triggerId: trigger.id, input: {}, scope: 'test', key: 'k' }
  const { executionId } = await fireManually(triggers.arm, request)
  await disableTrigger(triggers.arm, trigger.id)
  expect(await fireManually(triggers.arm, request)).toMatchObject({ executionId, repeated: true })
})

test('an input that does not fit the schema is refused, and leaves nothing', async () => {
  const input_schema = { type: 'object', properties: { n: { type: 'integer' } }, required: ['n'] }
  const trigger = await triggers.create('manual', { input_schema })
  const request = { triggerId: trigger.id, scope: 'test', key: 'k' }
  await expect(fireManually(triggers.arm, { ...request, input: { n: 'one' } })).rejects.toMatchObject({
    code: 'INPUT_INVALID',
    problems: [{ path: 'input.n', message: 'must be a whole number, is "one"' }],
  })
  expect(await triggers.ledger(trigger.id)).toEqual([])
  // The key is as good as new.
  expect(await fireManually(triggers.arm, { ...request, input: { n: 1 } })).toMatchObject({ repeated: false })
})
