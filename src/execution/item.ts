// An execution that runs for one item of a split: which nodes it has, and what they see of the executions around it. Pure.
import type { Json, JsonObject } from '../base/json.ts'
import { referencesIn } from '../expression/expression.ts'
import { templateExpressions } from '../expression/template.ts'
import type { NodeResult, NodeType } from '../node/node-type.ts'
import { type Plan, type PlanNode, planNode } from '../workflow/waves.ts'
import type { ExecutionRow } from './store.ts'

/** The items of one generation of a split. */
export interface SplitKey {
  readonly executionId: string
  readonly nodeId: string
  readonly generation: number
}

/** The split whose item it is. */
export function splitOf({ parentId, parentNodeId, generation }: ExecutionRow): SplitKey | undefined {
  if (parentId === null || parentNodeId === null) return undefined
  return { executionId: parentId, nodeId: parentNodeId, generation }
}

/** What it runs, of the whole plan of its workflow. */
export function planOf(whole: Plan, { parentNodeId }: Pick<ExecutionRow, 'parentNodeId'>): Plan {
  if (parentNodeId === null) return whole
  const plan = whole.regions.get(parentNodeId)
  if (plan === undefined) throw new Error(`workflow version ${whole.workflow.id} has no split ${parentNodeId}`)
  return plan
}

/** What an item's nodes see beside what every node sees. */
export interface Surroundings {
  readonly parent: string
  readonly item: Json
  readonly index: number
  /** Of the first execution of all. */
  readonly trigger: JsonObject
  /** What came before the split, in each of the executions around. */
  readonly nodes: Readonly<Record<string, NodeResult>>
}

/** One of the executions around an item. */
export interface Around {
  readonly id: string
  /** The split in it. */
  readonly nodeId: string
  /** The split whose item it is itself. */
  readonly parentNodeId: string | null
  readonly triggerData: JsonObject | null
  readonly nodes: Readonly<Record<string, NodeResult>>
}

/** From what is known of the executions around, the innermost first. */
export function surroundings(whole: Plan, around: readonly Around[]): Pick<Surroundings, 'nodes' | 'trigger'> {
  const nodes: Record<string, NodeResult> = {}
  for (const { nodeId, parentNodeId, nodes: results } of around) {
    const plan = planOf(whole, { parentNodeId })
    const wave = plan.nodes.find(({ id }) => id === nodeId)?.wave ?? 0
    // As for every node: what it can see does not depend on which of its siblings was faster.
    for (const [key, result] of Object.entries(results))
      if (planNode(plan, plan.index.get(key) ?? -1).wave < wave) nodes[key] = result
  }
  return { nodes, trigger: around.at(-1)?.triggerData ?? {} }
}

/** Keys of the nodes around that the nodes of a region name; 'all' when that cannot be told. */
export function outerKeys(region: Plan, types: ReadonlyMap<string, NodeType>): 'all' | readonly string[] {
  const keys = new Set<string>()
  for (const node of region.nodes) {
    for (const expression of expressionsOf(node, types.get(node.type))) {
      const named = expression === null ? 'all' : referencesIn(expression)
      const ofNodes = named === 'all' ? 'all' : (named.get('nodes') ?? [])
      if (ofNodes === 'all') return 'all'
      for (const key of ofNodes) if (!region.index.has(key)) keys.add(key)
    }
  }
  return [...keys]
}

/** Null: it may look at anything. */
function expressionsOf({ config, outgoing, type: name }: PlanNode, type: NodeType | undefined): (string | null)[] {
  if (type === undefined || name.includes('/')) return [null]
  const conditions = outgoing.flatMap(({ condition }) =>
    condition !== null && 'when' in condition ? condition.when : [],
  )
  const ofConfig = Object.entries(config).flatMap(([field, value]) => {
    if (!type.expressions.includes(field)) return templateExpressions(value, field).map(({ expression }) => expression)
    return typeof value === 'string' ? [value] : []
  })
  return [...conditions, ...ofConfig]
}
