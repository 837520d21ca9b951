// Which nodes run again when an execution that was over goes on. Pure. Invariants:
// 1. What is kept has its effect still, and rests on nothing that runs again; but for what an error strategy let run
//    without a node that had failed.
// 2. What begins anew gets another idempotency key, and so does what is to undo it then.
import type { Again } from '../event/event.ts'
import type { Plan } from '../workflow/waves.ts'
import type { ExecutionState } from './state.ts'

/** What a retry runs. */
export function again(plan: Plan, state: ExecutionState): Again {
  const anew = keysOf(plan, undone(plan, state))
  const nodes = keysOf(plan, unfinished(plan, state)).filter(key => !anew.includes(key))
  return anew.length === 0 ? { nodes } : { nodes, anew }
}

/** What a rerun from a node runs: it and what depends on it, and what a retry would. */
export function againFrom(plan: Plan, state: ExecutionState, index: number): Again & { retried: readonly string[] } {
  const { nodes: failed, anew = [] } = again(plan, state)
  const behind = keysOf(plan, withCompensations(plan, state, nodesBehind(plan, index)))
  const nodes = behind.filter(key => !anew.includes(key))
  const retried = failed.filter(key => !nodes.includes(key))
  return { nodes, retried, ...(anew.length > 0 && { anew }) }
}

/** What failed and nothing took over from, what was not reached, and what was left out behind these. */
function unfinished(plan: Plan, { nodes }: ExecutionState): Set<number> {
  const found = new Set<number>()
  nodes.forEach((node, index) => {
    if (!node.unreached && (node.status !== 'failed' || node.handled)) return
    found.add(index)
    for (const behind of nodesBehind(plan, index)) if (nodes[behind]?.status === 'skipped') found.add(behind)
  })
  return found
}

/** What was undone, and all that rests on it. */
function undone(plan: Plan, state: ExecutionState): Set<number> {
  const found = new Set<number>()
  for (const { index, compensation = -1 } of plan.nodes) {
    if (state.nodes[compensation]?.status !== 'completed') continue
    for (const behind of nodesBehind(plan, index)) found.add(behind)
  }
  return withCompensations(plan, state, found)
}

/** These, and what ran to undo them. */
function withCompensations(plan: Plan, { nodes }: ExecutionState, found: ReadonlySet<number>): Set<number> {
  const ran = [...found].flatMap(index => {
    const { compensation } = plan.nodes[index] ?? {}
    return compensation === undefined || nodes[compensation]?.status === 'pending' ? [] : [compensation]
  })
  return new Set([...found, ...ran])
}

/** The node and all that depends on it. */
function nodesBehind(plan: Plan, index: number): Set<number> {
  const found = new Set([index])
  for (const one of found) for (const { target } of plan.nodes[one]?.outgoing ?? []) found.add(target)
  return found
}

/** In the order of the document. */
function keysOf(plan: Plan, indexes: ReadonlySet<number>): string[] {
  return plan.nodes.flatMap(({ key, index }) => (indexes.has(index) ? [key] : []))
}
