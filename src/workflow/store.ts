// The SQL of workflow versions, their nodes and edges. Ids rise in document order, so order by id is that order.
import type { Db, Tx } from '../db/pool.ts'
import { constant, sql } from '../db/sql.ts'
import type { Node, Position, Workflow, WorkflowSummary } from './workflow.ts'

/** Seed of the advisory locks of workflow names; triggers have another. */
const NAME_SEED = 0

interface WorkflowRow extends Omit<Workflow, 'nodes'> {
  readonly nodes: readonly (Node & { readonly position: Position })[]
}

const columns = constant`w.id, w.name, w.version, w.status, w.description, w.variables, w.settings,
      coalesce((
        select json_agg(json_build_object('id', n.id, 'key', n.key, 'name', n.name, 'type', n.type, 'config', n.config,
          'policy', n.policy, 'position', n.position) order by n.id)
        from public.nodes n
        where n.workflow_id = w.id), '[]') as nodes,
      coalesce((
        select json_agg(json_build_object('id', e.id, 'source', source.key, 'target', target.key,
          'condition', e.condition) order by e.id)
        from public.edges e
        join public.nodes source on source.id = e.source_node_id
        join public.nodes target on target.id = e.target_node_id
        where e.workflow_id = w.id), '[]') as edges`

/** Deleted versions too: executions go on with the version they began with. */
export async function loadWorkflows(db: Db, ids: readonly string[]): Promise<Workflow[]> {
  const rows = await db.rows<WorkflowRow>(sql('workflow.load')`
    select ${columns}
    from public.workflows w
    where w.id = any(${ids}::uuid[])`)
  return rows.map(workflowOf)
}

/** The given version, or, with null, what the name stands for: its active version, else its newest. */
export async function loadVersion(db: Db, name: string, version: number | null): Promise<Workflow | undefined> {
  const [row] = await db.rows<WorkflowRow>(sql('workflow.loadVersion')`
    select ${columns}
    from public.workflows w
    where w.name = ${name} and w.deleted_at is null and (${version}::integer is null or w.version = ${version})
    order by w.status = 'active' desc, w.version desc
    limit 1`)
  return row && workflowOf(row)
}

function workflowOf({ nodes, ...workflow }: WorkflowRow): Workflow {
  return { ...workflow, nodes: nodes.map(nodeOf) }
}

function nodeOf({ position, ...node }: WorkflowRow['nodes'][number]): Node {
  return position.x === 0 && position.y === 0 ? node : { ...node, position }
}

/** In the order of names, those after `after`. */
export function listNames(
  db: Db,
  { after, limit }: { after: string | null; limit: number },
): Promise<WorkflowSummary[]> {
  return db.rows(sql('workflow.list')`
    select w.id, w.name, w.version, w.status, w.description, w.created_at, w.published_at,
      (select count(*) from public.nodes n where n.workflow_id = w.id) as node_count,
      (select count(*) from public.triggers t where t.workflow_name = w.name) as trigger_count
    from (
      select distinct on (name) *
      from public.workflows
      where deleted_at is null and (${after}::text is null or name > ${after})
      order by name, status = 'active' desc, version desc
      limit ${limit}
    ) as w
    order by w.name`)
}

/** Until the transaction ends, nobody else publishes or archives versions of this name. */
export async function lockName(tx: Tx, name: string): Promise<void> {
  await tx.rows(sql('workflow.lock')`
    select pg_advisory_xact_lock(hashtextextended(${`workflow:${name}`}, ${NAME_SEED}))`)
}

export interface VersionRow {
  readonly id: string
  readonly version: number
  readonly isActive: boolean
  readonly checksum: string | null
}

/** Every version of a name, the newest first; deleted ones too, as their numbers stay taken. */
export function findVersions(tx: Tx, name: string): Promise<VersionRow[]> {
  return tx.rows(sql('workflow.findVersions')`
    select id, version, status = 'active' and deleted_at is null as "isActive", checksum
    from public.workflows
    where name = ${name}
    order by version desc`)
}

/** A draft: it has its nodes and edges before it is published, as nothing can be added afterwards. */
export async function insertDraft(tx: Tx, workflow: Workflow, checksum: string): Promise<void> {
  const { id, name, version, description, variables, settings } = workflow
  await tx.run(sql('workflow.insert')`
    insert into public.workflows (id, name, version, description, status, variables, settings, checksum)
    values (${id}, ${name}, ${version}, ${description}, 'draft', ${variables}, ${settings}, ${checksum})`)
  await tx.run(sql('workflow.insertNodes')`
    insert into public.nodes (id, workflow_id, key, name, type, config, policy, position)
    select id, ${id}, key, name, type, config, policy, coalesce(position, '{"x": 0, "y": 0}')
    from json_to_recordset(${JSON.stringify(workflow.nodes)}::json)
      as n (id uuid, key text, name text, type text, config jsonb, policy jsonb, position jsonb)`)
  await tx.run(sql('workflow.insertEdges')`
    insert into public.edges (id, workflow_id, source_node_id, target_node_id, condition)
    select e.id, ${id}, source.id, target.id, nullif(e.condition, 'null')
    from json_to_recordset(${JSON.stringify(workflow.edges)}::json)
      as e (id uuid, source text, target text, condition jsonb)
    left join public.nodes source on source.workflow_id = ${id} and source.key = e.source
    left join public.nodes target on target.workflow_id = ${id} and target.key = e.target`)
}

export async function activate(tx: Tx, id: string): Promise<void> {
  await tx.run(sql('workflow.activate')`
    update public.workflows
    set status = 'active', published_at = now(), updated_at = now()
    where id = ${id}`)
}

export async function archive(tx: Tx, id: string): Promise<void> {
  await tx.run(sql('workflow.archive')`
    update public.workflows
    set status = 'archived', updated_at = now()
    where id = ${id}`)
}

/** Moves nodes of a version, published or not. */
export async function placeNodes(
  tx: Tx,
  workflowId: string,
  places: readonly { readonly key: string; readonly position: Position }[],
): Promise<void> {
  await tx.run(sql('workflow.placeNodes')`
    update public.nodes n
    set position = place.position, updated_at = now()
    from json_to_recordset(${JSON.stringify(places)}::json) as place (key text, position jsonb)
    where n.workflow_id = ${workflowId} and n.key = place.key and n.position <> place.position`)
}
