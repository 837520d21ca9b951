import fc from 'fast-check'
import { expect, test } from 'vitest'
import { nodeTypes } from '../../../src/node/registry.ts'
import { checkTrigger } from '../../../src/trigger/check.ts'
import { validateWorkflow } from '../../../src/workflow/validate.ts'
import { compilePlan, type Plan } from '../../../src/workflow/waves.ts'
import type { EdgeCondition, Workflow } from '../../../src/workflow/workflow.ts'
import { workflow } from './graphs.ts'

/** Nodes whose keys begin with `split` are splits, with `merge` merges. */
function graph(text: string, conditions?: { readonly [edge: string]: EdgeCondition }): Workflow {
  const plain = workflow(text, conditions)
  return { ...plain, nodes: plain.nodes.map(node => ({ ...node, type: typeOf(node.key) })) }
}

function typeOf(key: string): string {
  return key.startsWith('split') ? 'split' : key.startsWith('merge') ? 'merge' : 'transform'
}

/** What is wrong with the document of a graph; `changes` of nodes by their keys. */
function problemsOf(
  { nodes, edges }: Workflow,
  changes: { readonly [key: string]: object } = {},
): [path: string, message: string][] {
  const configs: { readonly [type: string]: object } = {
    split: { items: 'input' },
    transform: { expression: 'input' },
  }
  const document = {
    name: 'w',
    nodes: nodes.map(({ key, type }) => ({ key, type, config: configs[type] ?? {}, ...changes[key] })),
    edges: edges.map(({ source, target, condition }) => ({ from: source, to: target, ...condition })),
  }
  return validateWorkflow(document, { nodeTypes, checkTrigger }).problems.map(({ path, message }) => [path, message])
}

function levels({ waves, nodes }: Plan): string[][] {
  return waves.map(wave => wave.map(index => nodes[index]?.key ?? ''))
}

test.each([
  ['one node', 'split a merge'],
  ['ways that part', 'split a b merge; split c merge; a c'],
  ['ways that come together in between', 'split a b d merge; a c d'],
  ['before, behind and beside it', 'x split a merge y; x z y'],
  ['one behind the other', 'split1 a merge1 split2 b merge2'],
  ['one beside the other', 'split1 a merge1; split2 b merge2'],
  ['one within another', 'split1 split2 a merge2 merge1'],
  ['two within another', 'split1 split2 a merge2 split3 b merge3 merge1'],
  ['three deep', 'split1 split2 split3 a merge3 merge2 merge1'],
  ['a merge beside', 'x merge0 split a merge; y merge0'],
])('nothing is wrong with %s', (_, text) => {
  expect(problemsOf(graph(text))).toEqual([])
})

test.each<[string, Workflow, [string, string][]]>([
  ['no merge at all', graph('split a'), [['nodes[0]', 'is not closed: no merge follows it']]],
  ['nothing behind it', graph('split'), [['nodes[0]', 'is not closed: no merge follows it']]],
  [
    'a path that ends elsewhere',
    graph('split a merge; a b c'),
    [['nodes[0]', 'is not closed: the path split → a → b → c does not come to "merge"']],
  ],
  [
    'two merges, on two paths',
    graph('split a merge1; split b merge2'),
    [['nodes[0]', 'is not closed: the path split → b → merge2 does not come to "merge1"']],
  ],
  [
    'one merge for two splits',
    graph('split1 split2 a merge'),
    [['nodes[0]', 'is not closed: "merge" closes the split "split2"']],
  ],
  [
    'an edge into the region',
    graph('split a b merge; x b'),
    [['edges[3]', 'leads into the region of the split "split", from there to "merge", from outside']],
  ],
  [
    'an edge to the merge from outside',
    graph('split a merge; x merge'),
    [['edges[2]', 'leads to "merge", where the items of the split "split" come together']],
  ],
  [
    'an edge from the split to its merge',
    graph('split a merge; split merge'),
    [['edges[2]', 'leads to "merge", where the items of the split "split" come together']],
  ],
  [
    'a condition on an edge out of the split',
    graph('split a merge', { 'split a': { when: 'true' } }),
    [['edges[0]', 'has a condition, but every item of the split "split" takes it']],
  ],
  [
    'an edge on error into the region',
    graph('split a b merge; split b', { 'split b': { on: 'error' } }),
    [['edges[3]', 'leads into the region of the split "split", from there to "merge"']],
  ],
  [
    'splits four deep',
    graph('split1 split2 split3 split4 a merge4 merge3 merge2 merge1'),
    [['nodes[3]', 'lies inside 3 other splits; the limit is 2']],
  ],
])('%s is refused', (_, workflow, problems) => {
  expect(problemsOf(workflow)).toEqual(problems)
})

test('an edge on error out of a split leads elsewhere', () => {
  expect(problemsOf(graph('split a merge; split b', { 'split b': { on: 'error' } }))).toEqual([])
})

test('where items come together there are no nodes to be named, and no number of them to wait for', () => {
  const found = problemsOf(graph('split a b merge'), { merge: { config: { combine: 'by_node' }, join: { n_of: 1 } } })
  expect(found.map(([path]) => path)).toEqual(['nodes[3].config.combine', 'nodes[3].join'])
})

test('what runs once per item is not undone by another node', () => {
  const found = problemsOf(graph('split a merge; undo'), { a: { compensate: 'undo' } })
  expect(found).toEqual([['nodes[1].compensate', 'cannot be: the node runs once for each item of the split "split"']])
})

test('the item is in sight between a split and its merge, and nowhere else', () => {
  const found = problemsOf(graph('x split a merge y'), {
    x: { config: { expression: 'item' } },
    a: { config: { expression: 'item & index' } },
    y: { config: { expression: 'index' } },
  })
  expect(found).toEqual([
    ['nodes[0].config.expression', 'there is no name "item"'],
    ['nodes[4].config.expression', 'there is no name "index"'],
  ])
})

test('what runs once per item has no name outside of its region, and what is around has one within', () => {
  const found = problemsOf(graph('x split1 a split2 b merge2 merge1 y'), {
    b: { config: { expression: 'nodes.a.output & nodes.x.output' } },
    merge1: {},
    y: { config: { expression: 'nodes.b.output' } },
  })
  expect(found).toEqual([
    [
      'nodes[7].config.expression',
      '"b" runs once for each item of the split "split2", and what it gives is known only there',
    ],
  ])
})

test('a region has a plan of its own; in the plan around it the split leads to its merge', () => {
  const plan = compilePlan(graph('x split a b merge y; a c merge'))
  expect(levels(plan)).toEqual([['x'], ['split'], ['merge'], ['y']])
  const region = plan.regions.get('id of split')
  expect(region && levels(region)).toEqual([['a'], ['b', 'c']])
  expect(region?.exits?.map(({ source, to }) => [region.nodes[source]?.key, to])).toEqual([
    ['b', 'merge'],
    ['c', 'merge'],
  ])
  expect(plan.nodes.find(({ key }) => key === 'merge')?.closes).toBe(plan.index.get('split'))
})

test('a region within a region is no part of the outer one', () => {
  const { regions } = compilePlan(graph('split1 a split2 b merge2 merge1'))
  const [outer, inner] = ['id of split1', 'id of split2'].map(id => regions.get(id))
  expect(outer && levels(outer)).toEqual([['a'], ['split2'], ['merge2']])
  expect(inner && levels(inner)).toEqual([['b']])
})

test('the settings of a workflow are for the execution, not for its items, but how strict its expressions are', () => {
  const settings = { timeout_ms: 1, concurrency: { max: 1 }, strict: true }
  const plan = compilePlan({ ...graph('split a merge'), settings })
  expect([plan.workflow.settings, plan.regions.get('id of split')?.workflow.settings]).toEqual([
    settings,
    { strict: true },
  ])
})

/** Chains of nodes, some of which are whole regions, put into each other at random. */
const nested = fc.letrec<{ body: string }>(tie => ({
  body: fc.oneof(
    { maxDepth: 3, depthSize: 'small' },
    fc.constant('n'),
    fc.tuple(tie('body'), tie('body')).map(([one, other]) => `${one} ${other}`),
    tie('body').map(inner => `( ${inner} )`),
  ),
})).body

test('every node of a sound workflow is in one plan, and every plan runs by itself', () => {
  fc.assert(
    fc.property(nested, shape => {
      const open: number[] = []
      const keys = shape.split(' ').map((word, i) => {
        if (word === '(') open.push(i)
        return word === '(' ? `split${i}` : word === ')' ? `merge${open.pop()}` : `n${i}`
      })
      fc.pre(!shape.includes('( ( ( ('))
      const whole = graph(keys.join(' '))
      const { regions, ...root } = compilePlan(whole)
      const plans = [root, ...regions.values()]
      expect(plans.flatMap(plan => plan.nodes.map(node => node.key)).sort()).toEqual(keys.toSorted())
      for (const plan of plans) {
        expect(plan.waves.flat()).toHaveLength(plan.nodes.length)
        for (const { outgoing, wave } of plan.nodes)
          for (const { target } of outgoing) if (target >= 0) expect(plan.nodes[target]?.wave).toBeGreaterThan(wave)
      }
      expect(plans.filter(plan => plan !== root).every(({ exits }) => exits?.length === 1)).toBe(true)
    }),
  )
})
