// Looks workflows up for people: by name or id, and as a list.
import { MbflowError } from '../base/errors.ts'
import { isUuid } from '../base/id.ts'
import { nearMiss } from '../base/near-miss.ts'
import type { Db } from '../db/pool.ts'
import { listNames, loadVersion, loadWorkflows } from './store.ts'
import type { Workflow, WorkflowSummary } from './workflow.ts'

/** Among how many names a misspelt one is sought. */
const NAMES_TO_COMPARE = 1_000

export interface WorkflowReference {
  /** Name, or id of a version. */
  readonly workflow: string
  /** Of a name: which version; absent = the active one, or the newest when none is active. */
  readonly version?: number
}

/** Throws WORKFLOW_NOT_FOUND. */
export async function findWorkflow(db: Db, { workflow: nameOrId, version }: WorkflowReference): Promise<Workflow> {
  const [byId] = isUuid(nameOrId) && version === undefined ? await loadWorkflows(db, [nameOrId]) : []
  const found = byId ?? (await loadVersion(db, nameOrId, version ?? null))
  if (found) return found
  const newest = version === undefined ? undefined : await loadVersion(db, nameOrId, null)
  if (newest)
    throw new MbflowError('WORKFLOW_NOT_FOUND', `the workflow "${nameOrId}" has no version ${version}`, {
      hint: `its newest is ${newest.version}`,
    })
  const names = (await listNames(db, { after: null, limit: NAMES_TO_COMPARE })).map(({ name }) => name)
  const meant = nearMiss(nameOrId, names)
  throw new MbflowError('WORKFLOW_NOT_FOUND', `there is no workflow "${nameOrId}"`, {
    hint: meant === undefined ? 'mbflow workflow list shows them all' : `did you mean "${meant}"?`,
  })
}

/** The active version of the name. */
export async function findActive(db: Db, name: string): Promise<Workflow | undefined> {
  const found = await loadVersion(db, name, null)
  return found?.status === 'active' ? found : undefined
}

export interface WorkflowPage {
  readonly items: readonly WorkflowSummary[]
  /** Pass it as `after` for the next page; null on the last. */
  readonly next: string | null
}

/** One line per name, in the order of names. */
export async function listWorkflows(
  db: Db,
  { after = null, limit }: { after?: string | null; limit: number },
): Promise<WorkflowPage> {
  const rows = await listNames(db, { after, limit: limit + 1 })
  const items = rows.slice(0, limit)
  return { items, next: rows.length > limit ? (items.at(-1)?.name ?? null) : null }
}
