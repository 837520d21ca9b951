// What the expressions of a node can name. A node sees the nodes of earlier waves only, so that what it reads does not
// depend on which of its siblings was faster.
import type { NodeResult, Scope } from '../node/node-type.ts'
import type { Plan, PlanNode } from '../workflow/waves.ts'
import { errorText } from './projection.ts'
import { type ExecutionState, isNodeOver } from './state.ts'
import type { ExecutionRow } from './store.ts'

export interface Scopes {
  of(state: ExecutionState, node: PlanNode): Scope
}

export function createScopes(plan: Plan, row: ExecutionRow): Scopes {
  const run = runScope(plan, row)
  let builtFor = -1
  let nodes: Record<string, NodeResult> = {}
  return {
    of(state, node) {
      if (builtFor !== node.wave) {
        nodes = resultsBefore(plan, state, node.wave)
        builtFor = node.wave
      }
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
  const execution = { id: row.id, workflow: name, version, created_at: row.createdAt.toISOString() }
  return { vars: variables, trigger: row.triggerData, execution }
}

function resultsBefore(plan: Plan, state: ExecutionState, wave: number): Record<string, NodeResult> {
  const results: Record<string, NodeResult> = {}
  for (const { key, index, wave: itsWave } of plan.nodes) {
    const node = state.nodes[index]
    if (itsWave >= wave || node === undefined || !isNodeOver(node)) continue
    const status = node.status as NodeResult['status']
    results[key] = { status, output: node.output ?? null, ...(node.error ? { error: errorText(node.error) } : {}) }
  }
  return results
}
