import { expect, test } from 'vitest'
import { isCandidate, pluginProblem } from '../../../src/node/plugin-check.ts'
import { nodeTypes } from '../../../src/node/registry.ts'
import { defineNodeType, Type } from '../../../src/plugin.ts'

const right = defineNodeType({
  type: 'acme/echo',
  summary: 'Gives back what it is told.',
  configSchema: Type.Object({ text: Type.String() }, { additionalProperties: false }),
  expressions: [],
  execute: async () => ({ kind: 'completed', output: null }),
})

test('a whole definition has no problem', () => {
  expect(pluginProblem(right)).toBeUndefined()
})

test('every type of ours would be one, but for its name', () => {
  for (const nodeType of nodeTypes.values()) expect(pluginProblem({ ...nodeType, type: 'acme/x' })).toBeUndefined()
})

test.each<[string, object, string]>([
  ['a name without a vendor', { type: 'echo' }, 'its `type` is "echo"'],
  ['a name in capitals', { type: 'Acme/echo' }, 'its `type` is "Acme/echo"'],
  ['no name', { type: undefined }, 'its `type` is missing'],
  ['no summary', { summary: ' ' }, 'its `summary` is " "'],
  ['no executor', { execute: undefined }, 'its `execute` is missing'],
  ['an executor that is none', { execute: {} }, 'its `execute` is something else'],
  ['expressions that are no list', { expressions: 'text' }, 'its `expressions` is "text"'],
  ['a flag that is false', { pure: false }, 'its `pure` is false'],
  ['a schema that is none', { configSchema: { type: 'object' } }, 'its `configSchema` is something else'],
  ['a schema that is open', { configSchema: Type.Object({}) }, 'its `configSchema` is something else'],
  [
    'a schema that cannot be checked',
    {
      configSchema: {
        type: 'object',
        properties: { a: { pattern: '(' } },
        required: ['a'],
        additionalProperties: false,
      },
    },
    'its `configSchema` is no schema: ',
  ],
  [
    'an expression that is no field',
    { expressions: ['when'] },
    'its `expressions` or `secrets` name "when", which its `configSchema` does not have',
  ],
  ['a field it does not know', { expresions: ['text'] }, 'a node type has no `expresions`'],
])('%s is named, with what to do', (_, changed, message) => {
  const problem = pluginProblem({ ...right, ...changed })
  expect(problem?.message).toContain(message)
  expect(problem?.hint).not.toBe('')
})

test('what a module exports beside its types is nobody’s business', () => {
  expect([right, { execute() {} }].map(isCandidate)).toEqual([true, true])
  expect([null, 'text', () => {}, { a: 1 }, [1]].map(isCandidate)).toEqual([false, false, false, false, false])
})
