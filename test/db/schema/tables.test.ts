// The seven core tables as the migrations README describes them: names, types, keys, indexes, foreign keys.
import { expect, test } from 'vitest'
import { createTestDatabase } from '../../support/database.ts'
import { select } from './rows.ts'

const { pool } = await createTestDatabase()

const CORE = ['edges', 'events', 'executions', 'node_executions', 'nodes', 'triggers', 'workflows']

const columns = {
  workflows:
    'id uuid, name varchar, version int4, status varchar, deleted_at timestamptz, metadata jsonb, created_at timestamptz',
  nodes: 'id uuid, workflow_id uuid, type varchar, config jsonb, position jsonb',
  edges: 'id uuid, workflow_id uuid, source_node_id uuid, target_node_id uuid, condition jsonb',
  executions:
    'id uuid, workflow_id uuid, status varchar, input_data jsonb, output_data jsonb, started_at timestamptz, completed_at timestamptz, error text, created_at timestamptz',
  node_executions:
    'id uuid, execution_id uuid, node_id uuid, status varchar, wave int4, retry_count int4, input_data jsonb, output_data jsonb',
  events: 'id uuid, execution_id uuid, sequence int8, event_type varchar, payload jsonb, created_at timestamptz',
  triggers: 'id uuid, workflow_id uuid, type varchar, config jsonb, enabled bool, last_triggered_at timestamptz',
}

test.each(Object.entries(columns))('%s has the columns %s', async (table, expected) => {
  const rows = await select(
    pool,
    `select column_name || ' ' || udt_name as "column" from information_schema.columns
     where table_schema = 'public' and table_name = $1`,
    [table],
  )
  expect(rows.map(({ column }) => column)).toEqual(expect.arrayContaining(expected.split(', ')))
})

async function indexes(table: string): Promise<string[]> {
  const rows = await select(
    pool,
    `select concat_ws(' ', case when i.indisunique then 'unique' end, m.amname, (
        select string_agg(a.attname, ', ' order by k.n)
        from unnest(i.indkey::smallint[]) with ordinality k (attnum, n)
        join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.attnum)) as shape
     from pg_index i join pg_class c on c.oid = i.indexrelid join pg_am m on m.oid = c.relam
     where i.indrelid = ('public.' || $1)::regclass`,
    [table],
  )
  return rows.map(({ shape }) => String(shape))
}

test.each([
  [
    'workflows',
    ['unique btree id', 'unique btree name, version', 'btree status', 'btree created_at', 'btree name', 'gin metadata'],
  ],
  ['nodes', ['unique btree id', 'btree workflow_id', 'btree type', 'gin config']],
  [
    'edges',
    [
      'unique btree id',
      'unique btree source_node_id, target_node_id',
      'btree workflow_id',
      'btree source_node_id',
      'btree target_node_id',
    ],
  ],
  ['executions', ['unique btree id', 'btree workflow_id, created_at', 'btree status, created_at']],
  [
    'node_executions',
    ['unique btree id', 'unique btree execution_id, node_id', 'btree execution_id', 'btree execution_id, wave'],
  ],
  ['events', ['unique btree execution_id, sequence', 'btree event_type, created_at']],
  ['triggers', ['unique btree id', 'btree workflow_id, enabled', 'btree type', 'gin config']],
])('%s has the indexes %j', async (table, expected) => {
  expect(await indexes(table)).toEqual(expect.arrayContaining(expected))
})

test('foreign keys cascade within a definition and restrict where history would be lost', async () => {
  const rows = await select(
    pool,
    `select format('%s -> %s %s', c.conrelid::regclass, c.confrelid::regclass,
        case c.confdeltype when 'c' then 'cascade' when 'r' then 'restrict' else c.confdeltype::text end) as link
     from pg_constraint c join pg_class t on t.oid = c.conrelid
     where c.contype = 'f' and t.relname = any($1) and not t.relispartition
     group by c.conrelid, c.confrelid, c.confdeltype
     order by 1`,
    [CORE],
  )
  expect(rows.map(({ link }) => link)).toEqual(
    [
      'edges -> nodes cascade',
      'edges -> workflows cascade',
      'events -> executions restrict',
      'node_executions -> executions cascade',
      'node_executions -> nodes restrict',
      'nodes -> workflows cascade',
      'triggers -> workflows cascade',
      'executions -> workflows restrict',
    ].sort(),
  )
})

test('every instant that programs read has millisecond precision; tokens come faster, and stay in the database', async () => {
  const rows = await select(
    pool,
    `select table_name, column_name from information_schema.columns
     where table_schema = 'public' and udt_name like 'timestamp%' and (udt_name <> 'timestamptz' or datetime_precision <> 3)
       and table_name <> 'rate_buckets'`,
  )
  expect(rows).toEqual([])
})

test('every table, every function and every column that is not plain says what it is', async () => {
  const plain = [
    ...['id', 'name', 'version', 'description', 'status', 'type', 'enabled', 'event_type', 'applied_at', 'duration_ms'],
    ...[
      'created_at',
      'updated_at',
      'started_at',
      'completed_at',
      'created_by',
      'anchor_at',
      'decided_at',
      'slot_count',
    ],
    ...[
      'workflow_id',
      'workflow_name',
      'execution_id',
      'node_id',
      'trigger_id',
      'source_node_id',
      'target_node_id',
      'spec_version',
    ],
    ...['key', 'config', 'input_data', 'output_data', 'generation'],
  ]
  const silent = await select(
    pool,
    `select c.relname as thing from pg_class c
     where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and obj_description(c.oid, 'pg_class') is null
     union all
     select format('%s.%s', c.relname, a.attname) from pg_class c join pg_attribute a on a.attrelid = c.oid
     where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and a.attnum > 0 and not a.attisdropped
       and not a.attname = any($1) and col_description(c.oid, a.attnum) is null
     union all
     select p.proname from pg_proc p
     where p.pronamespace = 'public'::regnamespace and obj_description(p.oid, 'pg_proc') is null`,
    [plain],
  )
  expect(silent.map(({ thing }) => thing)).toEqual([])
})

test('a fire touches no index', async () => {
  const indexed = await select(
    pool,
    `select a.attname as column from pg_index i join pg_attribute a on a.attrelid = i.indrelid and a.attnum = any(i.indkey)
     where i.indrelid = 'public.triggers'::regclass`,
  )
  expect(indexed.map(({ column }) => column)).not.toContain('last_triggered_at')
})
