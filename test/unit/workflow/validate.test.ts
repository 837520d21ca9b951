import { expect, test } from 'vitest'
import { nodeTypes } from '../../../src/node/registry.ts'
import { checkTrigger } from '../../../src/trigger/check.ts'
import { type Validation, validateWorkflow } from '../../../src/workflow/validate.ts'

const validate = (raw: unknown): Validation => validateWorkflow(raw, { nodeTypes, checkTrigger })

const a = { key: 'a', type: 'transform' }
const b = { key: 'b', type: 'transform' }
const c = { key: 'c', type: 'transform' }
const nodes = [a, b, c]
const path = (...keys: string[]) => keys.slice(1).map((to, i) => ({ from: keys[i], to }))

/** A good document but for what the test is about. */
const document = (changes: object): object => ({ name: 'w', nodes, ...changes })
const withNode = (changes: object): object => document({ nodes: [a, { ...b, ...changes }, c] })
const withHttp = (config: unknown, changes: object = {}): object => withNode({ type: 'http', config, ...changes })
const withEdge = (changes: object): object => document({ edges: [{ from: 'a', to: 'b', ...changes }] })
const withTrigger = (changes: object): object => document({ triggers: [{ key: 't', type: 'manual', ...changes }] })

const chain = Array.from({ length: 201 }, (_, i) => ({ key: `n${i}`, type: 'transform' }))
const deep = (levels: number): unknown => (levels === 0 ? 1 : [deep(levels - 1)])

type Case = [title: string, raw: unknown, problems: [path: string, message: string][]]
const bad: Case[] = [
  ['a list instead of a document', [], [['', 'must be an object, is a list']]],
  ['a text instead of a document', 'workflow', [['', 'must be an object, is "workflow"']]],
  [
    'nothing in it',
    {},
    [
      ['name', 'is required'],
      ['nodes', 'is required'],
    ],
  ],
  ['an unknown field', document({ edgse: [] }), [['edgse', 'is not a known field']]],
  ['a name that is empty', document({ name: '' }), [['name', 'must not be empty']]],
  ['a name with a slash', document({ name: 'a/b' }), [['name', 'does not have the right form']]],
  ['a name that is too long', document({ name: 'x'.repeat(256) }), [['name', 'must have at most 255 characters']]],
  ['a name that is a number', document({ name: 7 }), [['name', 'must be a string, is 7']]],
  ['a description that is a list', document({ description: [] }), [['description', 'must be a string, is a list']]],
  ['variables that are a list', document({ variables: [1] }), [['variables', 'must be an object, is a list']]],
  ['an unknown setting', document({ settings: { timeuot: '1m' } }), [['settings.timeuot', 'is not a known field']]],
  ['a timeout without a unit', document({ settings: { timeout: '30' } }), [['settings.timeout', 'it has no unit']]],
  [
    'a timeout that is a number',
    document({ settings: { timeout: 30 } }),
    [['settings.timeout', 'must be a string, is 30']],
  ],
  [
    'a timeout that is too long',
    document({ settings: { timeout: '31d' } }),
    [['settings.timeout', 'must be at most 30d']],
  ],
  [
    'a pool without a name that could be one, and the one that is no pool',
    document({
      nodes: [
        { key: 'a', type: 'transform', pool: 'GPU' },
        { key: 'b', type: 'transform', pool: 'default' },
      ],
    }),
    [
      ['nodes[0].pool', 'does not have the right form'],
      ['nodes[1].pool', 'must not be "default"'],
    ],
  ],
  [
    'a rate without its numbers, with a policy there is not',
    document({ settings: { rate: { on_limit: 'cancel_oldest' } } }),
    [
      ['settings.rate.limit', 'is required'],
      ['settings.rate.period', 'is required'],
      ['settings.rate.on_limit', 'must be one of "queue", "skip"'],
    ],
  ],
  [
    'a rate whose burst is less than what begins in a tenth of a second',
    document({ settings: { rate: { limit: 1000, period: '1s', burst: 99 } } }),
    [['settings.rate.burst', 'must be at least 100, a tenth of what begins in a second, is 99']],
  ],
  [
    'a rate by something there is not yet',
    document({ settings: { rate: { limit: 1, period: '1s', key: 'nodes.a.output' } } }),
    [['settings.rate.key', 'there is no name "nodes"']],
  ],
  [
    'a priority off the scale',
    document({ settings: { priority: 101 } }),
    [['settings.priority', 'must be at most 100']],
  ],
  [
    'a limit without a number, with a policy there is not',
    document({ settings: { concurrency: { on_limit: 'drop' } } }),
    [
      ['settings.concurrency.max', 'is required'],
      ['settings.concurrency.on_limit', 'must be one of "queue", "skip", "cancel_oldest"'],
    ],
  ],
  [
    'a key that is a template',
    document({ settings: { concurrency: { max: 1, key: '{{ input.a }}' } } }),
    [['settings.concurrency.key', 'character']],
  ],
  [
    'a key that names what is not there before nodes run',
    document({ settings: { concurrency: { max: 1, key: 'nodes.a.output' } } }),
    [['settings.concurrency.key', 'there is no name "nodes"']],
  ],
  [
    'text the database cannot store',
    document({ variables: { x: 'a\0' } }),
    [['', 'variables.x holds the character U+0000']],
  ],
  [
    'a number JSON cannot hold',
    document({ variables: { x: Number.POSITIVE_INFINITY } }),
    [['', 'variables.x is Infinity']],
  ],
  [
    'a key that would change a prototype',
    JSON.parse('{"name":"w","nodes":[{"key":"a","type":"merge","config":{"__proto__":1}}]}'),
    [['', '"__proto__"']],
  ],
  [
    'values inside each other without end',
    document({ variables: { x: deep(100) } }),
    [['', 'is nested more than 64 levels deep']],
  ],

  ['nodes that are an object', document({ nodes: { a } }), [['nodes', 'must be a list, is an object']]],
  ['no nodes', document({ nodes: [] }), [['nodes', 'must not be empty']]],
  ['a node that is a text', document({ nodes: [a, 'b'] }), [['nodes[1]', 'must be an object, is "b"']]],
  [
    'a node without key and type',
    document({ nodes: [a, {}] }),
    [
      ['nodes[1].key', 'is required'],
      ['nodes[1].type', 'is required'],
    ],
  ],
  ['an unknown field of a node', withNode({ onerror: 'continue' }), [['nodes[1].onerror', 'is not a known field']]],
  ['a key with a blank', withNode({ key: 'my node' }), [['nodes[1].key', 'does not have the right form']]],
  ['a key that is reserved', withNode({ key: '__proto__' }), [['nodes[1].key', 'does not have the right form']]],
  ['a key used twice', document({ nodes: [a, b, a] }), [['nodes[2].key', '"a" is the key of nodes[0] already']]],
  ['an unknown node type', withNode({ type: 'trasnform' }), [['nodes[1].type', 'there is no node type "trasnform"']]],
  ['a node type that is empty', withNode({ type: '' }), [['nodes[1].type', 'must not be empty']]],
  ['a name of a node that is empty', withNode({ name: '' }), [['nodes[1].name', 'must not be empty']]],
  ['a config that is a list', withNode({ config: [] }), [['nodes[1].config', 'must be an object, is a list']]],
  ['a config without what it needs', withHttp({}), [['nodes[1].config.url', 'is required']]],
  ['a config left out that is needed', withNode({ type: 'http' }), [['nodes[1].config.url', 'is required']]],
  [
    'an unknown field of a config',
    withHttp({ url: 'https://x.org', metod: 'GET' }),
    [['nodes[1].config.metod', 'is not a known field']],
  ],
  [
    'a value of a config that is none of its words',
    withHttp({ url: 'https://x.org', method: 'POTS' }),
    [['nodes[1].config.method', 'must be one of']],
  ],
  ['what the schema of a config cannot say', withHttp({ url: 'ftp://x.org' }), [['nodes[1].config.url', 'http']]],
  [
    'two things wrong in one config',
    withHttp({ url: 'nowhere', max_bytes: 0 }),
    [
      ['nodes[1].config.max_bytes', 'at least 1'],
      ['nodes[1].config.url', 'must be an absolute URL'],
    ],
  ],
  [
    'an expression that does not compile',
    withNode({ config: { expression: 'input. +' } }),
    [['nodes[1].config.expression', 'a value is expected before "+"']],
  ],
  [
    'a template where an expression belongs',
    withNode({ config: { expression: '{{ input.x }}' } }),
    [['nodes[1].config.expression', 'character 12']],
  ],
  [
    'a template that does not compile',
    withHttp({ url: 'https://x.org/{{ vars. }}' }),
    [['nodes[1].config.url', 'it ends where a value is expected']],
  ],
  [
    'an expression that names nothing there is',
    withNode({ config: { expression: 'inputs.x' } }),
    [['nodes[1].config.expression', 'there is no name "inputs"']],
  ],
  [
    'a template that names a node there is not',
    withNode({ config: { template: { a: '{{ nodes.fetsch.output & nodes.a.output }}' } } }),
    [['nodes[1].config.template.a', 'there is no node "fetsch"']],
  ],
  [
    'an expression that names what no node comes to',
    withNode({ config: { expression: '$sum(nodes.a.outptu.prices) + (nodes.a.result ?? 0)' } }),
    [
      ['nodes[1].config.expression', 'there is no field in nodes.a called "outptu"'],
      ['nodes[1].config.expression', 'there is no field in nodes.a called "result"'],
    ],
  ],
  [
    'a template that names what an execution does not have',
    withNode({ config: { template: '{{ execution.started }}' } }),
    [['nodes[1].config.template', 'there is no field in execution called "started"']],
  ],
  [
    'a template that names a variable there is not',
    { ...withNode({ config: { template: '{{ vars.tea & vars.team }}' } }), variables: { team: 'ops' } },
    [['nodes[1].config.template', 'there is no variable "tea"']],
  ],
  [
    'a node that names the output of an edge',
    withNode({ config: { expression: 'output.x' } }),
    [['nodes[1].config.expression', 'there is no name "output"']],
  ],
  [
    'an expression of a type that sees more, and a template of it that does not',
    withHttp({ url: 'https://x.org/{{ links.next }}', next_page: 'output.next', items: 'body.items & links.next' }),
    [
      ['nodes[1].config.url', 'there is no name "links"'],
      ['nodes[1].config.next_page', 'there is no name "output"'],
    ],
  ],
  [
    'a secret that an expression works with',
    withHttp({ url: 'https://x.org/{{ $base64encode(secrets.crm) }}', headers: { a: '{{ secrets }}' } }),
    [
      ['nodes[1].config.url', 'a secret can only be inserted as it is: {{ secrets.name }}'],
      ['nodes[1].config.headers.a', 'a secret can only be inserted as it is: {{ secrets.name }}'],
    ],
  ],
  [
    'a secret where it would stay',
    withNode({ config: { template: '{{ secrets.crm }}' } }),
    [['nodes[1].config.template', 'secrets cannot be used here']],
  ],
  [
    'a secret in an expression',
    withHttp({ url: 'https://x.org', next_page: 'secrets.crm' }),
    [['nodes[1].config.next_page', 'secrets cannot be used here']],
  ],
  [
    'a secret in a condition',
    withEdge({ when: 'secrets.crm = "x"' }),
    [['edges[0].when', 'secrets cannot be used here']],
  ],
  [
    'a condition that names nothing there is',
    withEdge({ when: 'result = 1' }),
    [['edges[0].when', 'there is no name "result"']],
  ],
  [
    'a template that does not end',
    withHttp({ url: 'https://x.org/{{ vars.x' }),
    [['nodes[1].config.url', 'is not closed by }}']],
  ],
  [
    'a template deep in a config',
    withNode({ config: { template: { list: [1, '{{ ( }}'] } } }),
    [['nodes[1].config.template.list[1]', '")" is missing at the end']],
  ],
  ['a node timeout that is too long', withNode({ timeout: '2h' }), [['nodes[1].timeout', 'must be at most 1h, is 2h']]],
  ['a node timeout of nothing', withNode({ timeout: '0s' }), [['nodes[1].timeout', 'must be at least 1ms, is 0s']]],
  [
    'no attempts at all',
    withNode({ retry: { max_attempts: 0 } }),
    [['nodes[1].retry.max_attempts', 'must be at least 1']],
  ],
  [
    'too many attempts',
    withNode({ retry: { max_attempts: 21 } }),
    [['nodes[1].retry.max_attempts', 'must be at most 20']],
  ],
  [
    'half an attempt',
    withNode({ retry: { max_attempts: 1.5 } }),
    [['nodes[1].retry.max_attempts', 'must be a whole number']],
  ],
  [
    'an unknown back-off',
    withNode({ retry: { backoff: 'exponentail' } }),
    [['nodes[1].retry.backoff', 'must be one of']],
  ],
  [
    'a bad duration in a retry policy',
    withNode({ retry: { delay: '1 s' } }),
    [['nodes[1].retry.delay', 'it holds a blank']],
  ],
  [
    'a delay longer than the longest',
    withNode({ retry: { delay: '2m', max_delay: '1m' } }),
    [['nodes[1].retry.delay', 'must not be longer than max_delay, is 2m']],
  ],
  [
    'a delay longer than the longest is unless said',
    withNode({ retry: { delay: '10m' } }),
    [['nodes[1].retry.delay', 'must not be longer than 5m, the default of max_delay']],
  ],
  ['a retry policy that is a number', withNode({ retry: 3 }), [['nodes[1].retry', 'must be an object, is 3']]],
  [
    'an unknown way with errors',
    withNode({ on_error: 'ignore' }),
    [['nodes[1].on_error', 'must be one of "fail", "continue"']],
  ],
  ['an unknown join', withNode({ join: 'some' }), [['nodes[1].join', 'must be "any", "all" or an object']]],
  [
    'a join of more edges than lead to the node',
    document({ nodes: [a, { ...b, join: { n_of: 2 } }], edges: path('a', 'b') }),
    [['nodes[1].join.n_of', 'can never be: 1 edges lead to the node, not 2']],
  ],
  [
    'a workflow that is to handle its own failure',
    document({ settings: { on_failure: 'w' } }),
    [['settings.on_failure', 'is the workflow itself']],
  ],
  [
    'a node that is undone by one there is not',
    withNode({ compensate: 'x' }),
    [['nodes[1].compensate', 'there is no node "x"']],
  ],
  ['a node that undoes itself', withNode({ compensate: 'b' }), [['nodes[1].compensate', 'is the node itself']]],
  [
    'a node that undoes two others',
    document({ nodes: [{ ...a, compensate: 'c' }, { ...b, compensate: 'c' }, c] }),
    [['nodes[1].compensate', 'undoes "a" already']],
  ],
  [
    'edges to and from a node that undoes another',
    document({ nodes: [{ ...a, compensate: 'b' }, b, c], edges: path('a', 'b', 'c') }),
    [
      ['edges[0]', '"b" undoes another node, and is no part of the graph'],
      ['edges[1]', '"b" undoes another node, and is no part of the graph'],
    ],
  ],
  [
    'a node that undoes another and says what only steps can',
    document({ nodes: [{ ...a, compensate: 'b' }, { ...b, compensate: 'c', join: 'all', on_error: 'continue' }, c] }),
    [
      ['nodes[1].compensate', 'means nothing for a node that undoes another'],
      ['nodes[1].join', 'means nothing for a node that undoes another'],
      ['nodes[1].on_error', 'means nothing for a node that undoes another'],
    ],
  ],
  [
    'errors that are routed, and no edge for them',
    document({ nodes: [{ ...a, on_error: 'route' }, b], edges: path('a', 'b') }),
    [['nodes[0].on_error', 'leads nowhere: no edge for errors leaves "a"']],
  ],
  [
    'a code that is no code, and one that is retried and is not',
    withNode({ retry: { retry_on: ['http 503', 'HTTP_STATUS'], give_up_on: ['HTTP_STATUS'] } }),
    [
      ['nodes[1].retry.retry_on[0]', 'does not have the right form'],
      ['nodes[1].retry.give_up_on[0]', 'HTTP_STATUS is in retry_on as well'],
    ],
  ],
  [
    'an unknown error strategy',
    document({ settings: { error_strategy: 'retry' } }),
    [['settings.error_strategy', 'must be "fail_fast", "continue" or an object']],
  ],
  [
    'more nodes required at the end than there are',
    document({ settings: { error_strategy: { require_n: 3 } }, edges: path('a', 'b') }),
    [['settings.error_strategy.require_n', 'can never be: 2 nodes have no edge out of them, not 3']],
  ],
  ['half a position', withNode({ position: { x: 1 } }), [['nodes[1].position.y', 'is required']]],
  ['more than 200 nodes', document({ nodes: chain }), [['nodes', 'must have at most 200 items']]],

  ['edges that are an object', document({ edges: {} }), [['edges', 'must be a list, is an object']]],
  [
    'an edge without ends',
    document({ edges: [{}] }),
    [
      ['edges[0].from', 'is required'],
      ['edges[0].to', 'is required'],
    ],
  ],
  ['an edge from nowhere', withEdge({ from: 'x' }), [['edges[0].from', 'there is no node "x" (the edge x → b)']]],
  ['an edge to nowhere', withEdge({ to: 'x' }), [['edges[0].to', 'there is no node "x" (the edge a → x)']]],
  [
    'an edge between nothing',
    withEdge({ from: 'x', to: 'y' }),
    [
      ['edges[0].from', '"x"'],
      ['edges[0].to', '"y"'],
    ],
  ],
  ['an edge to itself', withEdge({ to: 'a' }), [['edges[0]', 'leads from "a" back to itself']]],
  [
    'an edge that is there twice',
    document({ edges: [...path('a', 'b'), ...path('a', 'b')] }),
    [['edges[1]', 'is a → b, as edges[0] is already']],
  ],
  ['an unknown field of an edge', withEdge({ if: 'true' }), [['edges[0].if', 'is not a known field']]],
  ['two conditions', withEdge({ when: 'true', on: 'any' }), [['edges[0]', 'has 2 conditions: when, on']]],
  [
    'a condition that does not compile',
    withEdge({ when: 'output.status =' }),
    [['edges[0].when', 'it ends where a value is expected']],
  ],
  ['a condition that is empty', withEdge({ when: '' }), [['edges[0].when', 'must not be empty']]],
  ['an unknown ending', withEdge({ on: 'failure' }), [['edges[0].on', 'must be one of "success", "error", "any"']]],
  [
    'a branch of a node without branches',
    withEdge({ branch: 'big' }),
    [['edges[0].branch', 'is never taken: "a" is a node of type transform']],
  ],
  [
    'no branch of many',
    withEdge({ branch: [] }),
    [
      ['edges[0].branch', 'must not be empty'],
      ['edges[0].branch', 'is never taken'],
    ],
  ],
  ['a cycle of two', document({ edges: path('a', 'b', 'a') }), [['edges[1]', 'closes a cycle: a → b → a']]],
  ['a cycle of three', document({ edges: path('a', 'b', 'c', 'a') }), [['edges[2]', 'closes a cycle: a → b → c → a']]],
  [
    'two cycles',
    document({
      nodes: [...nodes, { key: 'd', type: 'merge' }],
      edges: [...path('a', 'b', 'a'), ...path('c', 'd', 'c')],
    }),
    [
      ['edges[1]', 'a → b → a'],
      ['edges[3]', 'c → d → c'],
    ],
  ],
  [
    'more than 1,000 edges',
    document({ edges: Array.from({ length: 1_001 }, () => ({ from: 'a', to: 'b' })) }),
    [['edges', 'must have at most 1000 items']],
  ],
  [
    'a path of more than 100 nodes',
    document({ nodes: chain.slice(0, 101), edges: path(...chain.slice(0, 101).map(node => node.key)) }),
    [['edges', 'make a path of 101 nodes; the limit is 100']],
  ],

  ['triggers that are an object', document({ triggers: {} }), [['triggers', 'must be a list, is an object']]],
  [
    'a trigger without key and type',
    document({ triggers: [{}] }),
    [
      ['triggers[0].key', 'is required'],
      ['triggers[0].type', 'is required'],
    ],
  ],
  [
    'an unknown trigger type',
    withTrigger({ type: 'corn' }),
    [['triggers[0].type', '"corn" is not a known trigger type']],
  ],
  [
    'a trigger key used twice',
    document({
      triggers: [
        { key: 't', type: 'manual' },
        { key: 't', type: 'manual' },
      ],
    }),
    [['triggers[1].key', '"t" is the key of triggers[0] already']],
  ],
  [
    'a schedule that is none',
    withTrigger({ type: 'cron', config: { schedule: '61 * * * *' } }),
    [['triggers[0].config.schedule', '61 is out of range']],
  ],
  [
    'a trigger that is neither on nor off',
    withTrigger({ enabled: 'yes' }),
    [['triggers[0].enabled', 'must be true or false, is "yes"']],
  ],
  [
    'an unknown field of a trigger config',
    withTrigger({ config: { overlp: 'skip' } }),
    [['triggers[0].config.overlp', 'is not a known field']],
  ],
]

test.each(bad)('refuses %s', (_, raw, expected) => {
  const { document: accepted, problems } = validate(raw)
  expect(accepted).toBeUndefined()
  expect(problems.map(problem => problem.path)).toEqual(expected.map(([where]) => where))
  for (const [i, [, message]] of expected.entries()) {
    expect(problems[i]?.message).toContain(message)
    expect(problems[i]?.message).toMatch(/^\S.{5,}$/)
  }
})

test('reports what is wrong in every part at once', () => {
  const raw = {
    nmae: 'x',
    nodes: [
      { key: 'a', type: 'htpp' },
      { key: 'b', type: 'transform', config: { expression: '(' }, timeout: '1x' },
    ],
    edges: [{ from: 'a', to: 'bb' }],
    triggers: [{ key: 't', type: 'interval', config: {} }],
  }
  expect(
    validate(raw)
      .problems.map(problem => problem.path)
      .toSorted(),
  ).toEqual([
    'edges[0].to',
    'name',
    'nmae',
    'nodes[0].type',
    'nodes[1].config.expression',
    'nodes[1].timeout',
    'triggers[0].config.every',
  ])
})

test.each([
  ['a field', document({ edgse: [] }), 'did you mean "edges"?'],
  ['a node type', withNode({ type: 'trasnform' }), 'did you mean "transform"?'],
  ['a node type nothing is like', withNode({ type: 'python' }), `there are: ${[...nodeTypes.keys()].join(', ')}`],
  [
    'a node',
    document({ nodes: [{ ...a, key: 'fetch' }, b], edges: [{ from: 'fecth', to: 'b' }] }),
    'did you mean "fetch"?',
  ],
  [
    'a template that should be an expression',
    withNode({ config: { expression: '{{ input.x }}' } }),
    'write the expression alone, without {{ }}',
  ],
  ['a word of a config', withHttp({ url: 'https://x.org', method: 'POTS' }), 'did you mean "POST"?'],
])('suggests what was meant by %s that is wrong', (_, raw, hint) => {
  expect(validate(raw).problems.map(problem => problem.hint)).toEqual([hint])
})

const accepted: [string, object][] = [
  ['the least there can be', { name: 'w', nodes: [a] }],
  ['a name in any script', document({ name: 'Morgenbericht für 東京 v1.2_b-3' })],
  ['a name of 255 characters', document({ name: 'x'.repeat(255) })],
  ['a template where the schema wants a number', withHttp({ url: 'https://x.org', max_bytes: '{{ input.most }}' })],
  [
    'a template where the schema wants one of some words',
    withHttp({ url: 'https://x.org', method: '{{ input.method }}' }),
  ],
  ['a template where the schema wants an object', withHttp({ url: 'https://x.org', headers: '{{ input.headers }}' })],
  ['a template in a URL that is none without it', withHttp({ url: '{{ input.base_url }}/x' })],
  [
    'a branch of a conditional',
    document({
      nodes: [{ key: 'a', type: 'conditional', config: { expression: 'true' } }, b],
      edges: [{ from: 'a', to: 'b', branch: true }],
    }),
  ],
  ['an edge for errors', withEdge({ on: 'error' })],
  ['200 nodes', document({ nodes: chain.slice(0, 200) })],
  [
    'a path of 100 nodes',
    document({ nodes: chain.slice(0, 100), edges: path(...chain.slice(0, 100).map(node => node.key)) }),
  ],
  ['a cron trigger', withTrigger({ type: 'cron', config: { schedule: '0 7 * * 1-5', timezone: 'Europe/Berlin' } })],
]

test.each(accepted)('accepts %s', (_, raw) => {
  expect(validate(raw)).toEqual({ document: expect.anything(), problems: [] })
})

test('there are many kinds of bad documents', () => {
  expect(bad.length).toBeGreaterThanOrEqual(45)
})
