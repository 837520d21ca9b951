// Plans of workflow versions, kept in memory: a published version never changes, so its plan is right for ever.
// Invariants: (1) a version is loaded once however many ask at the same time; (2) what failed is asked for again;
// (3) drafts, which may change, are not kept. The `status` inside a plan is that of the moment it was loaded.
import { MbflowError } from '../base/errors.ts'
import { createLru } from '../base/lru.ts'
import type { Db } from '../db/pool.ts'
import { loadWorkflows } from './store.ts'
import { compilePlan, type Plan } from './waves.ts'

const KEPT = 500

export interface Catalog {
  /** Throws WORKFLOW_NOT_FOUND. */
  plan(workflowId: string): Promise<Plan>
  /** Those of the versions that exist, by id. */
  plans(workflowIds: readonly string[]): Promise<Map<string, Plan>>
}

export function createCatalog(db: Db): Catalog {
  const kept = createLru<string, Plan>(KEPT)
  const loading = new Map<string, Promise<Plan | undefined>>()

  function load(ids: readonly string[]): void {
    const rows = loadWorkflows(db, ids)
    for (const id of ids) {
      const plan = rows
        .then(workflows => {
          const workflow = workflows.find(candidate => candidate.id === id)
          const compiled = workflow && compilePlan(workflow)
          if (compiled && workflow.status !== 'draft') kept.set(id, compiled)
          return compiled
        })
        .finally(() => loading.delete(id))
      loading.set(id, plan)
    }
  }

  async function plans(ids: readonly string[]): Promise<Map<string, Plan>> {
    const known = new Map(ids.map(id => [id, kept.get(id)]))
    const missing = [...known.keys()].filter(id => !known.get(id) && !loading.has(id))
    if (missing.length > 0) load(missing)
    const entries = [...known].map(async ([id, plan]) => [id, plan ?? (await loading.get(id))] as const)
    return new Map(
      (await Promise.all(entries)).filter((entry): entry is readonly [string, Plan] => entry[1] !== undefined),
    )
  }

  return {
    plans,
    async plan(id) {
      const plan = (await plans([id])).get(id)
      if (!plan) throw new MbflowError('WORKFLOW_NOT_FOUND', `there is no workflow version ${id}`)
      return plan
    },
  }
}
