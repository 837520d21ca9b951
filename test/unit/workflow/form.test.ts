import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { JsonObject } from '../../../src/base/json.ts'
import { parseDocuments, printDocument } from '../../../src/workflow/document.ts'
import { type DocumentForm, formOf, fromForm } from '../../../src/workflow/form.ts'
import type { WorkflowDocument } from '../../../src/workflow/workflow.ts'

const key = fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_-]{0,8}$/)
const text = fc.string({ unit: 'grapheme', minLength: 1 })
const duration = fc.integer({ min: 1, max: 2_592_000_000 })
const json = fc
  .jsonValue({ stringUnit: 'grapheme', maxDepth: 3 })
  .filter(value => !JSON.stringify(value).includes('__proto__'))
const object = fc.dictionary(text, json, { maxKeys: 4, noNullPrototype: true }) as fc.Arbitrary<JsonObject>
const optional = { requiredKeys: [] }

const policy = fc.record(
  {
    timeout_ms: duration,
    total_timeout_ms: duration,
    retry: fc.record(
      {
        max_attempts: fc.integer({ min: 1, max: 20 }),
        backoff: fc.constantFrom('constant' as const, 'linear' as const, 'exponential' as const),
        delay_ms: duration,
        max_delay_ms: duration,
        retry_on: fc.constant(['HTTP_STATUS']),
        give_up_on: fc.constant(['NODE_TIMEOUT']),
      },
      optional,
    ),
    on_error: fc.constantFrom('fail' as const, 'continue' as const, 'route' as const),
    join: fc.constantFrom('any' as const, 'all' as const, { n_of: 2 }),
    compensate: key,
  },
  optional,
)

const condition = fc.oneof(
  fc.constant(null),
  fc.record({ when: text }),
  fc.record({ branch: fc.oneof(text, fc.array(text, { minLength: 1 })) }),
  fc.record({ on: fc.constantFrom('success' as const, 'error' as const, 'any' as const) }),
)

const document: fc.Arbitrary<WorkflowDocument> = fc.record({
  name: text,
  description: fc.option(fc.string({ unit: 'grapheme' })),
  variables: object,
  settings: fc.record(
    {
      timeout_ms: duration,
      priority: fc.integer({ min: -100, max: 100 }),
      rate: fc.record(
        {
          limit: fc.integer({ min: 1, max: 10_000 }),
          period_ms: duration,
          burst: fc.integer({ min: 1, max: 10_000 }),
          key: text,
          on_limit: fc.constantFrom('queue', 'skip'),
        },
        { requiredKeys: ['limit', 'period_ms'] },
      ),
      concurrency: fc.record(
        {
          max: fc.integer({ min: 1, max: 10_000 }),
          key: text,
          on_limit: fc.constantFrom('queue', 'skip', 'cancel_oldest'),
        },
        { requiredKeys: ['max'] },
      ),
      on_failure: text,
      error_strategy: fc.constantFrom('fail_fast' as const, 'continue' as const, { require_n: 2 }),
    },
    optional,
  ),
  nodes: fc.array(
    fc.record(
      {
        key,
        name: text,
        type: key,
        config: object,
        policy,
        position: fc.record({ x: fc.integer({ min: 1 }), y: fc.integer() }),
      },
      { requiredKeys: ['key', 'name', 'type', 'config', 'policy'] },
    ),
    { minLength: 1, maxLength: 4 },
  ),
  edges: fc.array(fc.record({ source: key, target: key, condition }), { maxLength: 4 }),
  triggers: fc.array(
    fc.record(
      { key, name: text, type: key, config: object, enabled: fc.boolean() },
      { requiredKeys: ['key', 'name', 'type', 'config'] },
    ),
    { maxLength: 3 },
  ),
})

test('what is printed is read back as the same document', () => {
  fc.assert(
    fc.property(document, original => {
      const printed = printDocument(formOf(original, original.triggers))
      const { documents, problems } = parseDocuments(printed)
      expect(problems).toEqual([])
      expect(fromForm(documents[0]?.raw as DocumentForm)).toEqual(original)
    }),
    { numRuns: 100 },
  )
})

test('what a document leaves out has its default', () => {
  const form: DocumentForm = {
    name: 'w',
    nodes: [{ key: 'a', type: 'merge' }],
    triggers: [{ key: 't', type: 'manual' }],
  }
  expect(fromForm(form)).toEqual({
    name: 'w',
    description: null,
    variables: {},
    settings: {},
    nodes: [{ key: 'a', name: 'a', type: 'merge', config: {}, policy: {} }],
    edges: [],
    triggers: [{ key: 't', name: 't', type: 'manual', config: {} }],
  })
})

test('what has its default is not printed', () => {
  const form: DocumentForm = {
    name: 'w',
    nodes: [{ key: 'a', type: 'merge' }],
    triggers: [{ key: 't', type: 'manual' }],
  }
  const workflow = fromForm(form)
  expect(printDocument(formOf(workflow, workflow.triggers))).toBe(
    'name: w\nnodes:\n  - key: a\n    type: merge\ntriggers:\n  - key: t\n    type: manual\n',
  )
})

test('durations are milliseconds inside and text outside', () => {
  const form: DocumentForm = {
    name: 'w',
    settings: { timeout: '10m' },
    nodes: [{ key: 'a', type: 'merge', timeout: '1m30s', retry: { delay: '500ms', max_delay: '1h' } }],
  }
  const { settings, nodes } = fromForm(form)
  expect(settings).toEqual({ timeout_ms: 600_000 })
  expect(nodes[0]?.policy).toEqual({ timeout_ms: 90_000, retry: { delay_ms: 500, max_delay_ms: 3_600_000 } })
  expect(formOf(fromForm(form), [])).toEqual(form)
})

test('a branch written as a boolean is the branch of that name', () => {
  const nodes = [
    { key: 'a', type: 'conditional' },
    { key: 'b', type: 'merge' },
  ]
  const edges = [
    { from: 'a', to: 'b', branch: [true, 'other'] },
    { from: 'a', to: 'b', branch: false },
  ]
  expect(fromForm({ name: 'w', nodes, edges }).edges.map(edge => edge.condition)).toEqual([
    { branch: ['true', 'other'] },
    { branch: 'false' },
  ])
})

test('a node at the origin was never placed', () => {
  const form: DocumentForm = { name: 'w', nodes: [{ key: 'a', type: 'merge', position: { x: 0, y: 0 } }] }
  expect(fromForm(form).nodes[0]).not.toHaveProperty('position')
})
