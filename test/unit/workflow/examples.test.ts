import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { parseDuration } from '../../../src/base/duration.ts'
import { nodeTypes } from '../../../src/node/registry.ts'
import { checkTrigger } from '../../../src/trigger/check.ts'
import { parseDocuments } from '../../../src/workflow/document.ts'
import { drawWaves } from '../../../src/workflow/draw.ts'
import { validateWorkflow } from '../../../src/workflow/validate.ts'
import { compilePlan } from '../../../src/workflow/waves.ts'
import type { WorkflowDocument } from '../../../src/workflow/workflow.ts'

const folder = new URL('../../../examples/', import.meta.url)
const files = readdirSync(folder).filter(file => file.endsWith('.yaml'))
const textOf = (file: string): string => readFileSync(new URL(file, folder), 'utf8')

function read(file: string): { documents: WorkflowDocument[]; problems: unknown[] } {
  const parsed = parseDocuments(textOf(file))
  const checked = parsed.documents.map(({ raw }) => validateWorkflow(raw, { nodeTypes, checkTrigger }))
  return {
    documents: checked.flatMap(({ document }) => document ?? []),
    problems: [...parsed.problems, ...checked.flatMap(({ problems }) => problems)],
  }
}

test.each(files)('%s is one valid workflow, named as its file', file => {
  const { documents, problems } = read(file)
  expect(problems).toEqual([])
  expect(documents.map(({ name }) => `${name}.yaml`)).toEqual([file])
})

test('at least two examples fire within ten seconds of the first start', () => {
  const soon = files
    .flatMap(file => read(file).documents)
    .filter(({ triggers }) =>
      triggers.some(({ type, config }) => type === 'interval' && parseDuration(String(config.every)) <= 10_000),
    )
  expect(soon.length).toBeGreaterThanOrEqual(2)
})

test('the drawing in diamond.yaml is the one that is drawn', () => {
  const [document] = read('diamond.yaml').documents
  if (!document) throw new Error('diamond.yaml is not valid')
  const plan = compilePlan({
    ...document,
    id: 'w',
    version: 1,
    status: 'active',
    nodes: document.nodes.map(node => ({ ...node, id: node.key })),
    edges: document.edges.map(edge => ({ ...edge, id: `${edge.source} ${edge.target}` })),
  })
  const comment = drawWaves(plan)
    .split('\n')
    .map(line => `#   ${line}`)
  expect(textOf('diamond.yaml')).toContain(comment.join('\n'))
})
