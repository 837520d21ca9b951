// Applies a document: publishes its workflow and brings its triggers to what it says, in one transaction. Applying the
// same document again changes nothing; a trigger keeps its row as long as its key stays. Triggers of the same workflow
// that the document does not name follow to the new version, or are removed when asked to prune.
import { isDeepStrictEqual } from 'node:util'
import type { Tx } from '../db/pool.ts'
import { publishWorkflow } from '../workflow/publish.ts'
import type { TriggerDocument, Workflow, WorkflowDocument } from '../workflow/workflow.ts'
import { type ArmDeps, createTrigger, editTrigger, removeTriggers } from './arm.ts'
import { loadTriggersOf } from './store.ts'
import type { Trigger } from './trigger.ts'

export interface TriggerOutcome {
  readonly key: string
  readonly change: 'created' | 'changed' | 'unchanged' | 'removed' | 'kept'
}

export interface Applied {
  readonly workflow: string
  readonly version: number
  readonly change: 'created' | 'unchanged'
  /** `kept`: not in the document, left as it is. */
  readonly triggers: readonly TriggerOutcome[]
}

export async function applyDocument(
  tx: Tx,
  deps: ArmDeps,
  { document, prune }: { document: WorkflowDocument; prune: boolean },
): Promise<Applied> {
  const { workflow, created } = await publishWorkflow(tx, deps, document)
  const present = new Map((await loadTriggersOf(tx, workflow.name)).map(trigger => [trigger.key, trigger]))
  const outcomes: TriggerOutcome[] = []
  for (const wanted of document.triggers) {
    outcomes.push({
      key: wanted.key,
      change: await applyTrigger(tx, deps, { wanted, workflow, present: present.get(wanted.key) }),
    })
    present.delete(wanted.key)
  }
  const others = [...present.values()]
  if (prune)
    await removeTriggers(
      tx,
      deps,
      others.map(trigger => trigger.id),
    )
  else for (const { id } of others) await editTrigger(tx, deps, { id, change: { workflowId: workflow.id } })
  outcomes.push(...others.map(({ key }) => ({ key, change: prune ? ('removed' as const) : ('kept' as const) })))
  return {
    workflow: workflow.name,
    version: workflow.version,
    change: created ? 'created' : 'unchanged',
    triggers: outcomes,
  }
}

interface TriggerWish {
  readonly wanted: TriggerDocument
  readonly workflow: Workflow
  readonly present: Trigger | undefined
}

async function applyTrigger(
  tx: Tx,
  deps: ArmDeps,
  { wanted, workflow, present }: TriggerWish,
): Promise<TriggerOutcome['change']> {
  const { key, name, config } = wanted
  const type = wanted.type as Trigger['type']
  if (present === undefined) {
    const enabled = wanted.enabled ?? true
    await createTrigger(tx, deps, {
      workflowId: workflow.id,
      workflowName: workflow.name,
      key,
      name,
      type,
      config,
      enabled,
    })
    return 'created'
  }
  // A document that does not say whether the trigger is enabled leaves it as an operator set it, be it a moment ago; and
  // none resumes what was paused.
  const { enabled } = wanted
  const change = {
    workflowId: workflow.id,
    name,
    type,
    config,
    ...(enabled !== undefined && { enabled }),
  }
  const edited = await editTrigger(tx, deps, { id: present.id, change })
  const rule = ({ workflowId: _, specVersion: __, ...rest }: Trigger): unknown => rest
  return isDeepStrictEqual(rule(edited), rule(present)) ? 'unchanged' : 'changed'
}
