import fc from 'fast-check'
import { expect, test } from 'vitest'
import { compilePlan, countWaves, findCycles, type Plan } from '../../../src/workflow/waves.ts'
import { acyclic, workflow } from './graphs.ts'

const keysOfWaves = (plan: Plan): string[][] => plan.waves.map(wave => wave.map(node => plan.nodes[node]?.key ?? ''))

test('a diamond has three waves', () => {
  expect(keysOfWaves(compilePlan(workflow('start left end; start right end')))).toEqual([
    ['start'],
    ['left', 'right'],
    ['end'],
  ])
})

test('a node waits for the longest path that leads to it', () => {
  expect(keysOfWaves(compilePlan(workflow('a d; a b c d')))).toEqual([['a'], ['b'], ['c'], ['d']])
})

test('a plan names its nodes by key and keeps the edges in the order of the document', () => {
  const plan = compilePlan(workflow('b d; a d; c d'))
  const end = plan.nodes[plan.index.get('d') ?? -1]
  expect(end?.incoming.map(edge => plan.nodes[edge.source]?.key)).toEqual(['b', 'a', 'c'])
  expect(plan.nodes[0]?.outgoing).toEqual(end?.incoming.slice(0, 1))
})

test('a workflow of one node is one wave', () => {
  expect(keysOfWaves(compilePlan(workflow('only')))).toEqual([['only']])
})

test('a cycle has no plan', () => {
  expect(() => compilePlan(workflow('a b c a'))).toThrow('workflow graph version 1 cannot run: its nodes form a cycle')
})

test('an edge to a node that is not there has no plan', () => {
  const broken = { ...workflow('a b'), edges: [{ id: 'e', source: 'a', target: 'x', condition: null }] }
  expect(() => compilePlan(broken)).toThrow('the edge a → x leads to a node it does not have')
})

test('waves are counted, and of a cycle there are none', () => {
  const graph = workflow('a b c; a c')
  expect(countWaves(['a', 'b', 'c'], graph.edges)).toBe(3)
  expect(countWaves(['a', 'b', 'c'], [...graph.edges, { source: 'c', target: 'a' }])).toBeNull()
})

test.each([
  ['a b c a', [['a', 'b', 'c']]],
  ['a b c d e b', [['b', 'c', 'd', 'e']]],
  [
    'a b a; c d c',
    [
      ['a', 'b'],
      ['c', 'd'],
    ],
  ],
  ['start a; a b a; b end', [['a', 'b']]],
  ['a b c d a; a c', [['a', 'c', 'd']]],
  ['a b c; a c', []],
])('the cycles of "%s" are %j: the shortest of each strongly connected part', (text, cycles) => {
  const { nodes, edges } = workflow(text)
  expect(
    findCycles(
      nodes.map(node => node.key),
      edges,
    ),
  ).toEqual(cycles)
})

test('a node that leads to itself is a cycle of one', () => {
  expect(findCycles(['a'], [{ source: 'a', target: 'a' }])).toEqual([['a']])
})

test('waves partition the nodes', () => {
  fc.assert(
    fc.property(acyclic(30), graph => {
      const plan = compilePlan(graph)
      expect(plan.waves.flat().toSorted((a, b) => a - b)).toEqual(plan.nodes.map(node => node.index))
      expect(plan.waves.every(wave => wave.length > 0)).toBe(true)
      for (const [number, wave] of plan.waves.entries())
        for (const node of wave) expect(plan.nodes[node]?.wave).toBe(number)
    }),
  )
})

test('every edge goes to a later wave, and no node could be in an earlier one', () => {
  fc.assert(
    fc.property(acyclic(30), graph => {
      const plan = compilePlan(graph)
      for (const node of plan.nodes) {
        const before = node.incoming.map(edge => plan.nodes[edge.source]?.wave ?? Number.NaN)
        expect(node.wave).toBe(Math.max(-1, ...before) + 1)
      }
    }),
  )
})

test('a graph without cycles has none, and any edge back along a path closes one', () => {
  fc.assert(
    fc.property(acyclic(20), fc.nat(), (graph, chosen) => {
      const keys = graph.nodes.map(node => node.key)
      expect(findCycles(keys, graph.edges)).toEqual([])
      const edge = graph.edges[chosen % Math.max(graph.edges.length, 1)]
      if (!edge) return
      const back = { source: edge.target, target: edge.source }
      expect(findCycles(keys, [...graph.edges, back])).toHaveLength(1)
    }),
  )
})
