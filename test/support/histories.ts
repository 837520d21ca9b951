// The histories in test/corpus: what was recorded of runs by the engine of their time, and what it made of them.
import { readdirSync, readFileSync } from 'node:fs'
import type { Json } from '../../src/base/json.ts'
import type { EventBody } from '../../src/event/event.ts'
import { executionProjection, nodeProjection } from '../../src/execution/projection.ts'
import type { ExecutionState } from '../../src/execution/state.ts'
import type { Plan } from '../../src/workflow/waves.ts'
import type { Workflow } from '../../src/workflow/workflow.ts'

export interface History {
  /** What kind of run it is. */
  readonly about: string
  /** The version of MBFlow that recorded it. */
  readonly mbflow: string
  readonly workflow: Workflow
  /** What the fold starts from. */
  readonly execution: { readonly id: string; readonly input: Json }
  readonly events: readonly { readonly created_at: string; readonly body: EventBody }[]
  /** What the rows were after the last event. */
  readonly rows: Rows
}

export interface Rows {
  readonly execution: Row
  /** By the keys of their nodes. */
  readonly nodes: { readonly [key: string]: Row }
}

export type Row = { readonly [column: string]: Json }

const FOLDER = new URL('../corpus/', import.meta.url)

export function historyFile(name: string): URL {
  return new URL(`${name}.json`, FOLDER)
}

export function readHistories(): { readonly name: string; readonly history: History }[] {
  return readdirSync(FOLDER)
    .filter(file => file.endsWith('.json'))
    .sort()
    .map(file => {
      const name = file.slice(0, -'.json'.length)
      return { name, history: JSON.parse(readFileSync(historyFile(name), 'utf8')) as History }
    })
}

/** The rows as the state pictures them. */
export function rowsOf(plan: Plan, executionId: string, state: ExecutionState): Rows {
  const nodes = plan.nodes.flatMap(node => {
    const after = state.nodes[node.index]
    if (after === undefined || after.status === 'pending') return []
    const { isNew: _, ...row } = nodeProjection(executionId, node, { before: undefined, after })
    return [[node.key, rowOf(row)]]
  })
  return { execution: rowOf(executionProjection(state)), nodes: Object.fromEntries(nodes) }
}

function rowOf(row: object): Row {
  return JSON.parse(JSON.stringify(row, (_, value) => (value === undefined ? null : value)))
}
