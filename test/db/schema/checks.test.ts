// Impossible rows: each named CHECK refuses one, and no CHECK goes without proof.
import { expect, test } from 'vitest'
import { createTestDatabase } from '../../support/database.ts'
import { insert, insertOneOfEach, type Row, select } from './rows.ts'

const { pool } = await createTestDatabase()
const { workflow, first, second, trigger, execution } = await insertOneOfEach(pool)
const other = await insert(pool, 'executions', { workflow_id: workflow?.id })

const at = new Date('2026-01-01T00:00:00Z')
const inbound = await insert(pool, 'inbound_events', { source: '/here', external_id: '1', type: 'here' })
const group = { trigger_id: trigger?.id, group_key: 'open', gathering: 'batch', opened_at: at, due_at: at }
await insert(pool, 'event_groups', group)
const id = '01a00000-0000-7000-8000-000000000000'

/** The smallest valid row of each table; the fixture above has none that these would collide with. */
const valid: Readonly<Record<string, Row>> = {
  workflows: { name: 'valid' },
  nodes: { workflow_id: workflow?.id, key: 'valid', name: 'N', type: 'http' },
  edges: { workflow_id: workflow?.id, source_node_id: second?.id, target_node_id: first?.id },
  triggers: { workflow_id: workflow?.id, workflow_name: workflow?.name, key: 'valid', name: 'T', type: 'cron' },
  executions: { workflow_id: workflow?.id },
  node_executions: { execution_id: other.id, node_id: first?.id },
  events: { execution_id: execution?.id, sequence: 2, event_type: 'node_started' },
  trigger_cursors: { trigger_id: trigger?.id, next_fire_at: at },
  trigger_specs: {
    trigger_id: trigger?.id,
    spec_version: 1,
    workflow_id: workflow?.id,
    type: 'cron',
    config: {},
    anchor_at: at,
    enabled: true,
  },
  trigger_fires: { trigger_id: trigger?.id, fire_key: 'req:cli:1', disposition: 'fired', execution_id: id },
  calendars: { name: 'valid', config: {} },
  rate_buckets: { key: 'valid' },
  callbacks: { token_hash: Buffer.alloc(32), execution_id: other.id, node_id: first?.id, generation: 0 },
  splits: {
    execution_id: other.id,
    node_id: first?.id,
    generation: 0,
    sequence: 1,
    total: 2,
    max_parallel: 1,
    on_item_error: 'fail',
  },
  hook_tokens: { token_hash: Buffer.alloc(32), token: 'valid', trigger_id: trigger?.id },
  hook_rates: { trigger_id: trigger?.id, minute: at, taken: 1 },
  backfills: {
    trigger_id: id,
    spec_version: 1,
    from_at: at,
    until_at: new Date(at.getTime() + 1),
    overlap: 'allow',
    max_running: 1,
    slot_count: 1,
    next_slot_at: at,
  },
  inbound_events: { source: '/valid', external_id: '1', type: 'valid' },
  event_groups: { trigger_id: trigger?.id, group_key: 'valid', gathering: 'batch', opened_at: at, due_at: at },
  event_group_members: {
    trigger_id: trigger?.id,
    group_key: 'open',
    event_id: inbound.id,
    part: 0,
    byte_count: 1,
    member_at: at,
  },
  secrets: {
    name: 'valid',
    version: 1,
    value: Buffer.alloc(29),
    data_key: Buffer.alloc(60),
    key_id: 'a',
    updated_by: 'a',
  },
}

const skipped = {
  disposition: 'skipped',
  execution_id: null,
  fire_key: 'slot:1',
  slot_at: at,
  slot_until: at,
  reason: 'misfire',
}

const impossible: readonly (readonly [constraint: string, why: string, table: string, change: Row])[] = [
  ['workflows_status_check', 'unknown status', 'workflows', { status: 'deleted' }],
  ['workflows_version_check', 'version before the first', 'workflows', { version: 0 }],
  ['workflows_name_check', 'no name', 'workflows', { name: '' }],
  ['workflows_active_is_published', 'active, never published', 'workflows', { status: 'active' }],
  ['nodes_type_check', 'type nobody knows', 'nodes', { type: 'python' }],
  ['nodes_type_check', 'plug-in without a vendor', 'nodes', { type: '/slack' }],
  ['nodes_key_check', 'key that no expression can name', 'nodes', { key: '1 a' }],
  ['edges_no_self_reference', 'edge to itself', 'edges', { target_node_id: second?.id }],
  ['edges_condition_check', 'condition without form', 'edges', { condition: '[]' }],
  ['triggers_type_check', 'unknown type', 'triggers', { type: 'timer' }],
  ['triggers_spec_version_check', 'rule before the first', 'triggers', { spec_version: 0 }],
  ['executions_status_check', 'unknown status', 'executions', { status: 'waiting' }],
  ['executions_terminal_is_dated', 'over without an end', 'executions', { status: 'cancelled' }],
  ['executions_terminal_is_dated', 'an end without being over', 'executions', { completed_at: at }],
  ['executions_failed_says_why', 'failed for no reason', 'executions', { status: 'failed', completed_at: at }],
  ['executions_child_is_whole', 'child of no node', 'executions', { parent_execution_id: id, item_index: 0 }],
  ['executions_child_is_whole', 'child of no item', 'executions', { parent_execution_id: id, parent_node_id: id }],
  ['executions_running_is_started', 'running, never started', 'executions', { status: 'running' }],
  [
    'executions_running_is_started',
    'completed, never started',
    'executions',
    { status: 'completed', completed_at: at },
  ],
  [
    'executions_parked_while_open',
    'timer of a run that is over',
    'executions',
    { status: 'cancelled', completed_at: at, wake_at: at },
  ],
  [
    'executions_parked_while_open',
    'parked though over',
    'executions',
    { status: 'cancelled', completed_at: at, parked_reason: 'delay' },
  ],
  ['rate_buckets_missing_check', 'more tokens than it holds', 'rate_buckets', { missing: -1 }],
  ['executions_throttled_by_something', 'waiting for no rate', 'executions', { parked_reason: 'rate' }],
  ['executions_pooled_somewhere', 'waiting for no pool', 'executions', { parked_reason: 'pool' }],
  ['executions_limited_by_something', 'waiting for no limit', 'executions', { parked_reason: 'limit' }],
  ['executions_fire_is_whole', 'trigger without a fire', 'executions', { trigger_id: id }],
  ['executions_fire_is_whole', 'fire without a trigger', 'executions', { fire_key: 'slot:1' }],
  ['executions_counters_check', 'sequence below zero', 'executions', { last_sequence: -1 }],
  ['executions_counters_check', 'turn below zero', 'executions', { turn: -1 }],
  ['node_executions_status_check', 'unknown status', 'node_executions', { status: 'cancelled' }],
  ['node_executions_terminal_is_dated', 'over without an end', 'node_executions', { status: 'completed' }],
  [
    'node_executions_terminal_is_dated',
    'an end without being over',
    'node_executions',
    { status: 'retrying', completed_at: at },
  ],
  ['node_executions_ended_says_why', 'failed for no reason', 'node_executions', { status: 'failed', completed_at: at }],
  [
    'node_executions_ended_says_why',
    'skipped for no reason',
    'node_executions',
    { status: 'skipped', completed_at: at },
  ],
  ['node_executions_counters_check', 'wave below zero', 'node_executions', { wave: -1 }],
  ['node_executions_counters_check', 'retries below zero', 'node_executions', { retry_count: -1 }],
  ['events_sequence_check', 'sequence before the first', 'events', { sequence: 0 }],
  ['triggers_pause_has_author', 'paused by nobody', 'triggers', { paused_at: at }],
  ['triggers_pause_has_author', 'an author of no pause', 'triggers', { paused_by: 'cli:ada' }],
  ['trigger_specs_spec_version_check', 'rule before the first', 'trigger_specs', { spec_version: 0 }],
  ['trigger_fires_fire_key_check', 'key without a prefix', 'trigger_fires', { fire_key: '2026-01-01' }],
  ['trigger_fires_fire_key_check', 'prefix without a key', 'trigger_fires', { fire_key: 'dlv:' }],
  [
    'trigger_fires_disposition_check',
    'unknown disposition',
    'trigger_fires',
    { disposition: 'lost', reason: 'limit', execution_id: null },
  ],
  ['trigger_fires_reason_check', 'unknown reason', 'trigger_fires', { ...skipped, reason: 'mood' }],
  ['trigger_fires_reason_iff_not_fired', 'skipped for no reason', 'trigger_fires', { ...skipped, reason: null }],
  ['trigger_fires_reason_iff_not_fired', 'fired with a reason not to', 'trigger_fires', { reason: 'overlap' }],
  ['trigger_fires_execution_iff_fired', 'fired into nothing', 'trigger_fires', { execution_id: null }],
  ['trigger_fires_execution_iff_fired', 'skipped into an execution', 'trigger_fires', { ...skipped, execution_id: id }],
  [
    'trigger_fires_slot_run_check',
    'slot without an instant',
    'trigger_fires',
    { ...skipped, slot_at: null, slot_until: null },
  ],
  ['trigger_fires_slot_run_check', 'run without an end', 'trigger_fires', { ...skipped, slot_until: null }],
  [
    'trigger_fires_slot_run_check',
    'run that ends before it begins',
    'trigger_fires',
    { ...skipped, slot_until: new Date(0) },
  ],
  [
    'trigger_fires_buffered_is_dated',
    'waiting since nobody knows when',
    'trigger_fires',
    { disposition: 'buffered', execution_id: null },
  ],
  ['trigger_fires_carried_while_buffered', 'fired and still laden', 'trigger_fires', { carried: '{}' }],
  ['trigger_fires_slot_run_check', 'run of no slot', 'trigger_fires', { ...skipped, slot_count: 0 }],
  ['calendars_name_check', 'name with a blank', 'calendars', { name: 'days off' }],
  ['hook_tokens_token_hash_check', 'hash of another kind', 'hook_tokens', { token_hash: Buffer.alloc(20) }],
  ['callbacks_token_hash_check', 'hash of another kind', 'callbacks', { token_hash: Buffer.alloc(20) }],
  ['callbacks_generation_check', 'generation before the first', 'callbacks', { generation: -1 }],
  ['splits_on_item_error_check', 'policy nobody knows', 'splits', { on_item_error: 'ignore' }],
  ['splits_status_check', 'status nobody knows', 'splits', { status: 'over' }],
  ['splits_counters_check', 'split of nothing', 'splits', { total: 0 }],
  ['splits_counters_check', 'more items than there are', 'splits', { next_index: 3 }],
  ['splits_counters_check', 'items that may not be open', 'splits', { max_parallel: 0 }],
  ['hook_rates_taken_check', 'fewer than none', 'hook_rates', { taken: -1 }],
  ['inbound_events_names_check', 'event without a type', 'inbound_events', { type: '' }],
  ['inbound_events_names_check', 'event without a source', 'inbound_events', { source: '' }],
  ['inbound_events_names_check', 'id longer than an index takes', 'inbound_events', { external_id: 'x'.repeat(513) }],
  ['inbound_events_attributes_is_object', 'attributes that are a list', 'inbound_events', { attributes: '[]' }],
  ['inbound_events_faults_once_processed', 'faults of what waits', 'inbound_events', { faults: '[]' }],
  ['event_groups_due_check', 'group closed before it opens', 'event_groups', { due_at: new Date(0) }],
  ['event_group_members_counts_check', 'part below zero', 'event_group_members', { part: -1 }],
  ['event_group_members_counts_check', 'size below zero', 'event_group_members', { byte_count: -1 }],
  ['calendars_config_is_object', 'calendar that is a list', 'calendars', { config: '[]' }],
  ['backfills_range_check', 'range of nothing', 'backfills', { until_at: at }],
  ['backfills_overlap_check', 'overlap that drops slots for good', 'backfills', { overlap: 'buffer_one' }],
  ['backfills_limits_check', 'no execution at all', 'backfills', { max_running: 0 }],
  ['backfills_limits_check', 'rate of nothing', 'backfills', { rate_per_minute: 0 }],
  ['backfills_status_check', 'unknown status', 'backfills', { status: 'done' }],
  ['backfills_ended_is_dated', 'cancelled, nobody knows when', 'backfills', { status: 'cancelled' }],
  ['backfills_completed_has_no_slot', 'running without a next slot', 'backfills', { next_slot_at: null }],
  ['backfills_counters_check', 'more done than there are', 'backfills', { done_count: 2 }],
  ['secrets_name_check', 'name in capitals', 'secrets', { name: 'CRM' }],
  ['secrets_version_check', 'version before the first', 'secrets', { version: 0 }],
  ['secrets_is_sealed', 'value that cannot be sealed', 'secrets', { value: Buffer.from('plain') }],
]

test.each(impossible)('%s refuses: %s', async (...[constraint, , table, change]) => {
  await expect(insert(pool, table, { ...valid[table], ...change })).rejects.toMatchObject({ code: '23514', constraint })
})

test.each(Object.keys(valid))('a row of %s without the fault is accepted', async table => {
  await expect(insert(pool, table, valid[table] ?? {})).resolves.toBeDefined()
})

test('a plug-in type is accepted', async () => {
  await expect(
    insert(pool, 'nodes', { ...valid.nodes, key: 'plug_in', type: 'acme/slack-post' }),
  ).resolves.toBeDefined()
})

test('every CHECK of the schema is proven here', async () => {
  const rows = await select(
    pool,
    `select distinct c.conname as name from pg_constraint c join pg_class t on t.oid = c.conrelid
     where c.contype = 'c' and t.relnamespace = 'public'::regnamespace order by 1`,
  )
  expect([...new Set(impossible.map(([name]) => name))].sort()).toEqual(rows.map(({ name }) => name))
})

test('an edge cannot leave its workflow', async () => {
  const stranger = await insertOneOfEach(pool)
  const edge = { ...valid.edges, target_node_id: stranger.first?.id }
  await expect(insert(pool, 'edges', edge)).rejects.toMatchObject({ constraint: 'edges_target_node_fkey' })
})

test('a trigger carries the name of the workflow it points to', async () => {
  const renamed = { ...valid.triggers, key: 'renamed', workflow_name: 'another' }
  await expect(insert(pool, 'triggers', renamed)).rejects.toMatchObject({ constraint: 'triggers_workflow_fkey' })
})

test('one version of a workflow is active at a time', async () => {
  const active = { name: 'twice', status: 'active', published_at: at }
  await insert(pool, 'workflows', active)
  await expect(insert(pool, 'workflows', { ...active, version: 2 })).rejects.toMatchObject({
    constraint: 'workflows_one_active_idx',
  })
})

test('a fire key is taken once per trigger', async () => {
  const fire = { ...valid.trigger_fires, fire_key: 'slot:2', slot_at: at, slot_until: at }
  await insert(pool, 'trigger_fires', fire)
  await expect(insert(pool, 'trigger_fires', fire)).rejects.toMatchObject({ constraint: 'trigger_fires_pkey' })
})

test('an item of a split has one child per generation', async () => {
  const child = { ...valid.executions, parent_execution_id: id, parent_node_id: id, item_index: 7 }
  await insert(pool, 'executions', child)
  await insert(pool, 'executions', { ...child, generation: 1 })
  await expect(insert(pool, 'executions', child)).rejects.toMatchObject({ constraint: 'executions_child_key' })
})

test('a workflow that ran cannot be deleted', async () => {
  await expect(pool.executeSql('delete from workflows where id = $1', [workflow?.id])).rejects.toMatchObject({
    constraint: 'executions_workflow_id_fkey',
  })
})
