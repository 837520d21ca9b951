import fc from 'fast-check'
import { expect, test } from 'vitest'
import { drawWaves } from '../../../src/workflow/draw.ts'
import { compilePlan } from '../../../src/workflow/waves.ts'
import { acyclic, workflow } from './graphs.ts'

test('a diamond is drawn as boxes in waves', () => {
  expect(drawWaves(compilePlan(workflow('start left end; start right end')))).toBe(
    `
                    ┌───────────────────┐
wave 0              │ start · transform │
                    └─────────┬─────────┘
                  ╭───────────┴───────────╮
        ┌─────────┴─────────┐   ┌─────────┴─────────┐
wave 1  │ left · transform  │   │ right · transform │
        └─────────┬─────────┘   └─────────┬─────────┘
                  ╰───────────┬───────────╯
                     ┌────────┴────────┐
wave 2               │ end · transform │
                     └─────────────────┘`.slice(1),
  )
})

test('an edge with a condition says so; what it depends on follows the drawing', () => {
  const drawing = drawWaves(
    compilePlan(
      workflow('check yes; check no; check late', {
        'check yes': { branch: 'true' },
        'check no': { on: 'error' },
        'check late': { when: 'output.minutes\n  > 5' },
      }),
    ),
  )
  expect(drawing).toContain('│ true ')
  expect(drawing).toContain('│ on error ')
  expect(drawing).toContain('│ when')
  expect(drawing).toMatch(/\n\ncheck → late {2}when output\.minutes > 5$/)
})

test('what runs for each item of a split follows the drawing', () => {
  const types: Readonly<Record<string, string>> = { each: 'split', all: 'merge' }
  const graph = workflow('each body all', { 'body all': { branch: 'good' } })
  const nodes = graph.nodes.map(node => ({ ...node, type: types[node.key] ?? node.type }))
  const [around = '', region] = drawWaves(compilePlan({ ...graph, nodes })).split(
    '\n\nfor each item, from each to all:\n',
  )
  expect(around).toMatch(/each · split(.|\n)*all · merge/)
  expect(around).not.toContain('body')
  expect(region).toMatch(/^.*\nwave 0 {2}│ +body · transform +│\n.*\n\nbody → all {2}branch good$/)
})

test('node types are left out when only that makes the drawing narrow enough', () => {
  const drawing = drawWaves(compilePlan(workflow(Array.from({ length: 7 }, (_, i) => `s node${i}`).join(';'))))
  expect(drawing).toContain('│ node0 │   │ node1 │')
})

test('what is too wide to draw is listed', () => {
  const drawing = drawWaves(compilePlan(workflow(Array.from({ length: 15 }, (_, i) => `s node${i}`).join(';'))))
  expect(drawing.split('\n')).toEqual([
    'wave 0  s',
    'wave 1  node0, node1, node2, node3, node4, node5, node6, node7, node8, node9, node10, node11,',
    '        node12, node13, node14',
    '',
    's → node0, node1, node2, node3, node4, node5, node6, node7, node8, node9, node10, node11, node12,',
    '    node13, node14',
  ])
})

test('more than 20 nodes are listed, with each edge and its condition', () => {
  const chain = Array.from({ length: 21 }, (_, i) => `n${i}`).join(' ')
  const drawing = drawWaves(compilePlan(workflow(`${chain}; n0 n2`, { 'n0 n2': { on: 'any' } })))
  expect(drawing).toContain('wave 20  n20\n')
  expect(drawing).toContain('\nn1 → n2\n')
  expect(drawing).toContain('\nn0 → n2  on any\n')
})

test('no line is wider than 100 columns', () => {
  fc.assert(
    fc.property(acyclic(40), graph => {
      for (const line of drawWaves(compilePlan(graph)).split('\n')) expect(line.length).toBeLessThanOrEqual(100)
    }),
  )
})

test('the lines of a drawing lead from each box to the boxes its edges lead to, and to no others', () => {
  let drawn = 0
  fc.assert(
    fc.property(acyclic(12), graph => {
      const drawing = drawWaves(compilePlan(graph))
      if (!drawing.includes('┌')) return
      drawn++
      expect(tracedEdges(drawing)).toEqual(graph.edges.map(edge => `${edge.source} → ${edge.target}`).toSorted())
    }),
    { numRuns: 300 },
  )
  expect(drawn).toBeGreaterThan(150)
})

interface Box {
  readonly key: string
  readonly top: number
  readonly left: number
  readonly right: number
}

const STEPS = { up: [-1, 0], down: [1, 0], left: [0, -1], right: [0, 1] } as const
type Side = keyof typeof STEPS
const OPPOSITE = { up: 'down', down: 'up', left: 'right', right: 'left' } as const
const SIDES: { readonly [character: string]: readonly Side[] } = {
  '─': ['left', 'right'],
  '│': ['up', 'down'],
  '╭': ['down', 'right'],
  '╮': ['down', 'left'],
  '╰': ['up', 'right'],
  '╯': ['up', 'left'],
  '├': ['up', 'down', 'right'],
  '┤': ['up', 'down', 'left'],
  '┬': ['down', 'left', 'right'],
  '┴': ['up', 'left', 'right'],
  '┼': ['up', 'down', 'left', 'right'],
}

/** Reads a drawing as a person does: from the foot of each box along the lines, never upwards, straight on at crossings. */
function tracedEdges(drawing: string): string[] {
  const rows = drawing.split('\n')
  const boxes = rows.flatMap((row, top) =>
    [...row.matchAll(/┌[─┴]+┐/g)].map(({ index: left, 0: border }): Box => {
      const key =
        rows[top + 1]
          ?.slice(left + 1, left + border.length - 1)
          .trim()
          .split(' ')[0] ?? ''
      return { key, top, left, right: left + border.length - 1 }
    }),
  )
  const edges = boxes.flatMap(box => {
    const foot = [...(rows[box.top + 2] ?? '')].flatMap((character, x) =>
      character === '┬' && x > box.left && x < box.right ? [x] : [],
    )
    return [...new Set(foot.flatMap(x => trace(rows, boxes, { y: box.top + 3, x, going: 'down' })))].map(
      key => `${box.key} → ${key}`,
    )
  })
  return edges.toSorted()
}

function trace(rows: readonly string[], boxes: readonly Box[], start: { y: number; x: number; going: Side }): string[] {
  const reached: string[] = []
  const queue = [start]
  for (const { y, x, going } of queue) {
    const box = boxes.find(candidate => candidate.top === y && candidate.left < x && x < candidate.right)
    const character = rows[y]?.[x] ?? ' '
    const crossing = character === '│' && (going === 'left' || going === 'right')
    const sides = crossing ? [going] : (SIDES[character] ?? [])
    if (box) reached.push(box.key)
    else if (!crossing && !sides.includes(OPPOSITE[going])) throw new Error(`a line ends at row ${y}, column ${x}`)
    else
      for (const side of sides) {
        if (side === 'up' || side === OPPOSITE[going]) continue
        queue.push({ y: y + STEPS[side][0], x: x + STEPS[side][1], going: side })
      }
  }
  return reached
}

test('what undoes which node follows the drawing, and stands in no wave', () => {
  const trip = workflow('book pay; cancel')
  const nodes = trip.nodes.map(node => (node.key === 'book' ? { ...node, policy: { compensate: 'cancel' } } : node))
  const drawing = drawWaves(compilePlan({ ...trip, nodes }))
  expect(drawing).not.toContain('│ cancel')
  expect(drawing).toMatch(/\n\nbook is undone by cancel$/)
})
