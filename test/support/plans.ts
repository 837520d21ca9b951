// Plans for tests, from a line per edge: `a -> b`, `a -> b when output.ok`, `a -> b branch big`, `a -> b on error`.
import { deriveId } from '../../src/base/id.ts'
import { compilePlan, type Plan } from '../../src/workflow/waves.ts'
import type { Edge, EdgeCondition, Node, NodePolicy, Workflow, WorkflowSettings } from '../../src/workflow/workflow.ts'

const BASE = '01900000-0000-7000-8000-000000000000'

export function workflowOf(lines: readonly string[], policies: Readonly<Record<string, NodePolicy>> = {}): Workflow {
  const edges: Edge[] = []
  const keys = new Set<string>()
  for (const line of lines) {
    const [, source, target, condition] = /^(\w+)(?: -> (\w+)(?: (.+))?)?$/.exec(line) ?? []
    if (source === undefined) throw new Error(`not an edge: ${line}`)
    keys.add(source)
    if (target === undefined) continue
    keys.add(target)
    edges.push({ id: deriveId(BASE, line), source, target, condition: conditionOf(condition) })
  }
  const nodes = [...keys].map(
    (key): Node => ({
      id: deriveId(BASE, key),
      key,
      name: key,
      type: 'transform',
      config: {},
      policy: policies[key] ?? {},
    }),
  )
  return {
    id: BASE,
    name: 'test',
    version: 1,
    status: 'active',
    description: null,
    variables: {},
    settings: {},
    nodes,
    edges,
  }
}

export function planOf(
  lines: readonly string[],
  policies?: Readonly<Record<string, NodePolicy>>,
  settings: WorkflowSettings = {},
): Plan {
  return compilePlan({ ...workflowOf(lines, policies), settings })
}

function conditionOf(text: string | undefined): EdgeCondition | null {
  if (text === undefined) return null
  const [word = '', ...rest] = text.split(' ')
  if (word === 'when') return { when: rest.join(' ') }
  if (word === 'branch') return { branch: rest }
  return { on: rest[0] as 'success' | 'error' | 'any' }
}
