// What the expressions of a node can name. A node sees the nodes of earlier waves only, so that what it reads does not
// depend on which of its siblings was faster.
import { writeInstant } from '../base/instant.ts'
import type { NodeResult, Scope } from '../node/node-type.ts'
import type { Plan, PlanNode } from '../workflow/waves.ts'
import type { Surroundings } from './item.ts'
import { errorText } from './projection.ts'
import { type ExecutionState, isNodeOver } from './state.ts'
import type { ExecutionRow } from './store.ts'

export interface Scopes {
  of(state: ExecutionState, node: PlanNode): Scope
}

export function createScopes(plan: Plan, row: ExecutionRow, around?: Surroundings): Scopes {
  const run = { ...runScope(plan, row), ...(around && itemScope(plan, row, around)) }
  const outer = around?.nodes ?? {}
  let nodes: Record<string, NodeResult> = { ...outer }
  /** The wave that sees `nodes`. No attempt of an earlier wave is left when it moves on. */
  let wave = 0
  return {
    of(state, node) {
      if (node.wave < wave) {
        nodes = { ...outer }
        wave = 0
      }
      for (; wave < node.wave; wave++) addResults(nodes, state, { plan, wave })
      return {
        input: state.nodes[node.index]?.input ?? null,
        nodes,
        ...run,
      }
    },
  }
}

/** What is the same for everything that is evaluated in an execution. */
export function runScope({ workflow }: Plan, row: ExecutionRow): Pick<Scope, 'vars' | 'trigger' | 'execution'> {
  const { name, version, variables } = workflow
  const execution = { id: row.id, workflow: name, version, created_at: writeInstant(row.createdAt) }
  return { vars: variables, trigger: row.triggerData, execution }
}

/** What an item's nodes see beside, or instead. */
function itemScope(
  plan: Plan,
  row: ExecutionRow,
  { parent, item, index, trigger }: Surroundings,
): Pick<Scope, 'trigger' | 'execution' | 'item' | 'index'> {
  return { trigger, execution: { ...runScope(plan, row).execution, parent_id: parent }, item, index }
}

function addResults(
  results: Record<string, NodeResult>,
  state: ExecutionState,
  { plan, wave }: { plan: Plan; wave: number },
): void {
  for (const index of plan.waves[wave] ?? []) {
    const node = state.nodes[index]
    const key = plan.nodes[index]?.key
    if (node === undefined || key === undefined || !isNodeOver(node)) continue
    const status = node.status as NodeResult['status']
    results[key] = { status, output: node.output ?? null, ...(node.error ? { error: errorText(node.error) } : {}) }
  }
}
