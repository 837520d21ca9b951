// Makes a document the active version of its name, and takes a name out of service. Invariants:
// 1. A document equal to the active version makes no new one: publishing twice is publishing once.
// 2. Versions of a name are published one after the other; at every commit at most one of them is active.
// 3. A version has all its nodes and edges before it is published, and none is added or changed afterwards.
// The triggers of the name are the trigger slice's to move or stop, in the same transaction.
import { MbflowError } from '../base/errors.ts'
import type { Ids } from '../base/id.ts'
import type { Tx } from '../db/pool.ts'
import { checksumOf } from './checksum.ts'
import { activate, archive, findVersions, insertDraft, loadWorkflows, lockName, placeNodes } from './store.ts'
import type { Workflow, WorkflowDocument } from './workflow.ts'

export interface PublishDeps {
  readonly ids: Ids
}

export interface Published {
  /** The active version now. */
  readonly workflow: Workflow
  /** Whether it is a new version. */
  readonly created: boolean
}

export async function publishWorkflow(tx: Tx, { ids }: PublishDeps, document: WorkflowDocument): Promise<Published> {
  const { name, description, variables, settings } = document
  await lockName(tx, name)
  const versions = await findVersions(tx, name)
  const active = versions.find(({ isActive }) => isActive)
  const checksum = checksumOf(document)
  if (active?.checksum === checksum) return { workflow: await keepVersion(tx, active.id, document), created: false }

  const workflow: Workflow = {
    id: ids.next(),
    name,
    version: (versions[0]?.version ?? 0) + 1,
    status: 'active',
    description,
    variables,
    settings,
    nodes: document.nodes.map(node => ({ id: ids.next(), ...node })),
    edges: document.edges.map(edge => ({ id: ids.next(), ...edge })),
  }
  await insertDraft(tx, workflow, checksum)
  if (active) await archive(tx, active.id)
  await activate(tx, workflow.id)
  return { workflow, created: true }
}

/** Positions are no part of a version, so a document that only moves nodes moves them where they are. */
async function keepVersion(tx: Tx, id: string, { nodes }: WorkflowDocument): Promise<Workflow> {
  const places = nodes.flatMap(({ key, position }) => (position ? [{ key, position }] : []))
  if (places.length > 0) await placeNodes(tx, id, places)
  const [workflow] = await loadWorkflows(tx, [id])
  if (!workflow) throw new MbflowError('INTERNAL', `the active version ${id} is gone`)
  return workflow
}

/** The version that was active until now. */
export async function archiveWorkflow(tx: Tx, name: string): Promise<{ id: string; version: number }> {
  await lockName(tx, name)
  const versions = await findVersions(tx, name)
  if (versions.length === 0) throw new MbflowError('WORKFLOW_NOT_FOUND', `there is no workflow "${name}"`)
  const active = versions.find(({ isActive }) => isActive)
  if (!active) throw new MbflowError('WORKFLOW_NOT_ACTIVE', `no version of the workflow "${name}" is active`)
  await archive(tx, active.id)
  return { id: active.id, version: active.version }
}
