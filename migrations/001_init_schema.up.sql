-- The seven core tables: workflows, nodes, edges, triggers, executions, node_executions, events.
-- All instants are timestamptz(3): the program's clocks are milliseconds, and a microsecond value would not equal itself
-- after a round trip. Everything lives in schema public and is named with it, so that dumps restore under any search_path.

-- ids ------------------------------------------------------------------------------------------------------------------

create function public.mbflow_uuid() returns uuid
language sql volatile parallel safe set search_path = pg_catalog
as $$
  select encode(overlay(uuid_send(gen_random_uuid()) placing
    int8send((us / 1000 << 16) | 28672 | (us % 1000 * 4096 / 1000)) from 1 for 8), 'hex')::uuid
  from (select (extract(epoch from clock_timestamp()) * 1000000)::bigint) as clock (us)
$$;
comment on function public.mbflow_uuid() is
  'UUIDv7 of the current instant (48 bits of milliseconds, 12 bits of their fraction, so that later ids are greater); the default of every id. The program makes its own, in the same form.';

create function public.mbflow_uuid_at(instant timestamptz) returns uuid
language sql immutable strict parallel safe set search_path = pg_catalog
as $$
  select encode(
    substring(int8send(floor(extract(epoch from instant) * 1000)::bigint) from 3) || '\x00000000000000000000'::bytea,
    'hex')::uuid
$$;
comment on function public.mbflow_uuid_at(timestamptz) is
  'No UUIDv7 made at this instant or later is smaller; the bounds of event partitions.';

-- workflows ------------------------------------------------------------------------------------------------------------

create table public.workflows (
  id           uuid primary key default public.mbflow_uuid(),
  name         varchar(255) not null,
  version      integer not null default 1,
  description  text,
  status       varchar(50) not null default 'draft',
  variables    jsonb not null default '{}',
  settings     jsonb not null default '{}',
  metadata     jsonb not null default '{}',
  checksum     text,
  published_at timestamptz(3),
  created_by   text,
  created_at   timestamptz(3) not null default now(),
  updated_at   timestamptz(3) not null default now(),
  deleted_at   timestamptz(3),
  constraint workflows_name_version_key unique (name, version),
  constraint workflows_id_name_key unique (id, name),
  constraint workflows_status_check check (status in ('draft', 'active', 'archived')),
  constraint workflows_version_check check (version >= 1),
  constraint workflows_name_check check (name <> ''),
  constraint workflows_active_is_published check (status <> 'active' or published_at is not null)
);
create index workflows_status_idx on public.workflows (status) where deleted_at is null;
create index workflows_created_at_idx on public.workflows (created_at desc);
create index workflows_name_idx on public.workflows (name) where deleted_at is null;
create index workflows_metadata_idx on public.workflows using gin (metadata);
create unique index workflows_one_active_idx on public.workflows (name) where status = 'active' and deleted_at is null;

comment on table public.workflows is 'Workflow definitions; one row per version. A version that was ever published or executed never changes.';
comment on column public.workflows.variables is 'What expressions see as vars.';
comment on column public.workflows.settings is 'How runs behave: timeout, error strategy, limits.';
comment on column public.workflows.checksum is 'SHA-256 of the canonical document (nodes, edges, variables, settings); equal documents make no new version.';
comment on column public.workflows.published_at is 'When the version first became active or ran; from then on the document (name, version, variables, settings, nodes, edges) is frozen.';
comment on column public.workflows.metadata is 'For users and tools; the engine never reads it.';
comment on column public.workflows.deleted_at is 'Soft delete: history keeps pointing here.';

-- nodes ----------------------------------------------------------------------------------------------------------------

create table public.nodes (
  id          uuid primary key default public.mbflow_uuid(),
  workflow_id uuid not null references public.workflows (id) on delete cascade,
  key         varchar(100) not null,
  name        varchar(255) not null,
  type        varchar(50) not null,
  config      jsonb not null default '{}',
  policy      jsonb not null default '{}',
  position    jsonb not null default '{"x": 0, "y": 0}',
  created_at  timestamptz(3) not null default now(),
  updated_at  timestamptz(3) not null default now(),
  constraint nodes_workflow_id_key_key unique (workflow_id, key),
  constraint nodes_workflow_id_id_key unique (workflow_id, id),
  constraint nodes_type_check check (
    type in ('http', 'transform', 'llm', 'conditional', 'merge', 'split', 'delay', 'webhook')
    or type ~ '^[a-z0-9_-]+/[a-z0-9_-]+$'),
  constraint nodes_key_check check (key ~ '^[A-Za-z_][A-Za-z0-9_-]*$')
);
create index nodes_workflow_id_idx on public.nodes (workflow_id);
create index nodes_type_idx on public.nodes (type);
create index nodes_config_idx on public.nodes using gin (config);

comment on table public.nodes is 'The steps of a workflow version.';
comment on column public.nodes.key is 'What documents, templates and edges call the node; unique in its workflow.';
comment on column public.nodes.type is 'One of the eight built-in types, or a plug-in''s vendor/name.';
comment on column public.nodes.config is 'The type''s own fields.';
comment on column public.nodes.policy is 'What every type has in common: retry, timeout, on_error, join.';
comment on column public.nodes.position is 'Where an editor draws it: {x, y}. The only thing that may change in a published version.';

-- edges ----------------------------------------------------------------------------------------------------------------

create table public.edges (
  id             uuid primary key default public.mbflow_uuid(),
  workflow_id    uuid not null references public.workflows (id) on delete cascade,
  source_node_id uuid not null,
  target_node_id uuid not null,
  condition      jsonb,
  created_at     timestamptz(3) not null default now(),
  updated_at     timestamptz(3) not null default now(),
  constraint edges_source_target_key unique (source_node_id, target_node_id),
  constraint edges_no_self_reference check (source_node_id <> target_node_id),
  constraint edges_source_node_fkey foreign key (workflow_id, source_node_id)
    references public.nodes (workflow_id, id) on delete cascade,
  constraint edges_target_node_fkey foreign key (workflow_id, target_node_id)
    references public.nodes (workflow_id, id) on delete cascade,
  constraint edges_condition_check check (condition is null or jsonb_typeof(condition) = 'object')
);
create index edges_workflow_id_idx on public.edges (workflow_id);
create index edges_source_node_id_idx on public.edges (source_node_id);
create index edges_target_node_id_idx on public.edges (target_node_id);

comment on table public.edges is 'Connections of the DAG; both ends lie in the same workflow version.';
comment on column public.edges.condition is 'When the edge is taken: {when: expression}, {branch: name or names}, {on: success|error|any}; null = on success.';

create function public.mbflow_refuse_published_change() returns trigger
language plpgsql set search_path = pg_catalog
as $$
declare
  published uuid;
begin
  if tg_op = 'UPDATE' and tg_table_name = 'nodes'
     and to_jsonb(new) - 'position' - 'updated_at' = to_jsonb(old) - 'position' - 'updated_at' then
    return new;
  end if;
  -- Both ends of a move. The lock orders this change and a publication under way: one waits and sees the other.
  perform from public.workflows where id in (old.workflow_id, new.workflow_id) order by id for no key update;
  select id into published
  from public.workflows
  where id in (old.workflow_id, new.workflow_id) and published_at is not null;
  if found then
    raise exception 'workflow version % was published: its % cannot change', published, tg_table_name
      using errcode = 'restrict_violation', hint = 'Publish a new version instead.';
  end if;
  return case when tg_op = 'DELETE' then old else new end;
end
$$;
comment on function public.mbflow_refuse_published_change() is 'Keeps the nodes and edges of a published version as they are.';
create trigger nodes_frozen before insert or update or delete on public.nodes
  for each row execute function public.mbflow_refuse_published_change();
create trigger edges_frozen before insert or update or delete on public.edges
  for each row execute function public.mbflow_refuse_published_change();

create function public.mbflow_refuse_published_rewrite() returns trigger
language plpgsql set search_path = pg_catalog
as $$
begin
  raise exception 'workflow version % was published: what it says cannot change', old.id
    using errcode = 'restrict_violation', hint = 'Publish a new version instead.';
end
$$;
comment on function public.mbflow_refuse_published_rewrite() is 'Keeps the identity and the document of a published version as they are.';
create trigger workflows_frozen before update on public.workflows
  for each row
  when (old.published_at is not null
    and (new.name, new.version, new.variables, new.settings, new.checksum, new.published_at)
      is distinct from (old.name, old.version, old.variables, old.settings, old.checksum, old.published_at))
  execute function public.mbflow_refuse_published_rewrite();

-- triggers -------------------------------------------------------------------------------------------------------------

create table public.triggers (
  id                uuid primary key default public.mbflow_uuid(),
  workflow_id       uuid not null,
  workflow_name     varchar(255) not null,
  key               varchar(100) not null,
  name              varchar(255) not null,
  type              varchar(50) not null,
  config            jsonb not null default '{}',
  enabled           boolean not null default true,
  spec_version      integer not null default 1,
  anchor_at         timestamptz(3) not null default date_trunc('second', now()),
  pause_note        text,
  last_triggered_at timestamptz(3),
  created_at        timestamptz(3) not null default now(),
  updated_at        timestamptz(3) not null default now(),
  constraint triggers_workflow_fkey foreign key (workflow_id, workflow_name)
    references public.workflows (id, name) on delete cascade,
  constraint triggers_workflow_name_key_key unique (workflow_name, key),
  constraint triggers_type_check check (type in ('manual', 'cron', 'webhook', 'event', 'interval')),
  constraint triggers_spec_version_check check (spec_version >= 1)
) with (fillfactor = 70);
create index triggers_workflow_id_enabled_idx on public.triggers (workflow_id, enabled);
create index triggers_type_idx on public.triggers (type);
create index triggers_config_idx on public.triggers using gin (config);

comment on table public.triggers is 'Standing rules "when X, run W". A fire touches last_triggered_at only, so that no index is rewritten.';
comment on column public.triggers.workflow_id is 'The version a fire runs; publishing a new version moves it.';
comment on column public.triggers.key is 'Stable name of the trigger within its workflow name; applying a document again keeps the row.';
comment on column public.triggers.config is 'The type''s own fields, and the policies: misfire, overlap, input.';
comment on column public.triggers.spec_version is 'Number of the row of trigger_specs that holds the present rule.';
comment on column public.triggers.anchor_at is 'Origin of interval slots unless the config names one.';
comment on column public.triggers.pause_note is 'Why it is disabled, in words; also the error that disarmed it.';
comment on column public.triggers.last_triggered_at is 'Instant of the latest fire; never moves back.';

-- executions -----------------------------------------------------------------------------------------------------------

create table public.executions (
  id                  uuid primary key default public.mbflow_uuid(),
  workflow_id         uuid not null references public.workflows (id) on delete restrict,
  trigger_id          uuid,
  scheduled_for       timestamptz(3),
  fire_key            text,
  trigger_data        jsonb not null default '{}',
  parent_execution_id uuid,
  parent_node_id      uuid,
  item_index          integer,
  generation          integer not null default 0,
  priority            integer not null default 0,
  status              varchar(50) not null default 'pending',
  input_data          jsonb not null default '{}',
  output_data         jsonb,
  error               text,
  last_sequence       integer not null default 0,
  turn                integer not null default 0,
  claim               integer not null default 0,
  wake_at             timestamptz(3),
  parked_reason       text,
  deadline_at         timestamptz(3),
  started_at          timestamptz(3),
  completed_at        timestamptz(3),
  created_at          timestamptz(3) not null default now(),
  updated_at          timestamptz(3) not null default now(),
  constraint executions_status_check check (status in ('pending', 'running', 'completed', 'failed', 'cancelled', 'paused')),
  constraint executions_terminal_is_dated check ((status in ('completed', 'failed', 'cancelled')) = (completed_at is not null)),
  constraint executions_failed_says_why check (status <> 'failed' or error is not null),
  constraint executions_child_is_whole check ((parent_execution_id is null) = (parent_node_id is null)
    and (parent_execution_id is null) = (item_index is null)),
  constraint executions_running_is_started check (status not in ('running', 'completed') or started_at is not null),
  constraint executions_parked_while_open check (
    (wake_at is null and parked_reason is null) or status in ('pending', 'running', 'paused')),
  constraint executions_fire_is_whole check ((trigger_id is null) = (fire_key is null)),
  constraint executions_counters_check check (last_sequence >= 0 and turn >= 0 and claim >= 0 and generation >= 0)
) with (fillfactor = 80);
create index executions_workflow_id_created_at_idx on public.executions (workflow_id, created_at desc);
create index executions_status_created_at_idx on public.executions (status, created_at desc);
create index executions_wake_at_idx on public.executions (wake_at) where wake_at is not null;
create index executions_trigger_id_open_idx on public.executions (trigger_id)
  where trigger_id is not null and status in ('pending', 'running', 'paused');
create unique index executions_child_key on public.executions (parent_execution_id, parent_node_id, generation, item_index)
  where parent_execution_id is not null;

comment on table public.executions is 'Runs of workflow versions. The columns written at creation are "event 0"; the others are the fold of the events.';
comment on column public.executions.trigger_id is 'The trigger that fired it, if one did. No foreign key: history outlives a deleted trigger.';
comment on column public.executions.scheduled_for is 'The slot it was fired for.';
comment on column public.executions.fire_key is 'What made the fire unique; with trigger_id it names the row of trigger_fires.';
comment on column public.executions.trigger_data is 'What expressions see as trigger: type, key, slot, …';
comment on column public.executions.parent_execution_id is 'The run whose split node made this one.';
comment on column public.executions.parent_node_id is 'That split node.';
comment on column public.executions.item_index is 'Which of the split items this run handles.';
comment on column public.executions.generation is 'Which rerun of the split node made it; its children count per generation.';
comment on column public.executions.priority is 'Higher is claimed earlier.';
comment on column public.executions.input_data is 'What expressions see as input.';
comment on column public.executions.output_data is 'What it produced, once completed.';
comment on column public.executions.error is 'Why it failed, in words; the events hold the whole of it.';
comment on column public.executions.last_sequence is 'Sequence of its latest event; the events are 1..n without a gap.';
comment on column public.executions.turn is 'Raised by every append that wakes, hands over or rescues; a queue job carries its turn.';
comment on column public.executions.claim is 'Which claim of the turn''s job may write: 0 = the first, raised by each take-over.';
comment on column public.executions.wake_at is 'When a parked run is to be woken; its only timer.';
comment on column public.executions.parked_reason is 'Why it holds no worker though it is running.';
comment on column public.executions.deadline_at is 'When it is to fail if it is not over; from the workflow''s timeout.';

-- node_executions ------------------------------------------------------------------------------------------------------

create table public.node_executions (
  id           uuid primary key default public.mbflow_uuid(),
  execution_id uuid not null references public.executions (id) on delete cascade,
  node_id      uuid not null references public.nodes (id) on delete restrict,
  status       varchar(50) not null default 'pending',
  wave         integer not null default 0,
  retry_count  integer not null default 0,
  generation   integer not null default 0,
  input_data   jsonb,
  output_data  jsonb,
  error        text,
  started_at   timestamptz(3),
  completed_at timestamptz(3),
  created_at   timestamptz(3) not null default now(),
  updated_at   timestamptz(3) not null default now(),
  constraint node_executions_status_check check (status in ('pending', 'running', 'completed', 'failed', 'skipped', 'retrying')),
  constraint node_executions_terminal_is_dated check ((status in ('completed', 'failed', 'skipped')) = (completed_at is not null)),
  constraint node_executions_ended_says_why check (status not in ('failed', 'skipped') or error is not null),
  constraint node_executions_counters_check check (wave >= 0 and retry_count >= 0 and generation >= 0)
) with (fillfactor = 80);
create unique index node_executions_execution_id_node_id_key on public.node_executions (execution_id, node_id);
create index node_executions_execution_id_idx on public.node_executions (execution_id);
create index node_executions_wave_idx on public.node_executions (execution_id, wave);

comment on table public.node_executions is 'What became of each node in each run: the fold of its events.';
comment on column public.node_executions.id is 'Also the idempotency key its side effects carry, the same in every attempt.';
comment on column public.node_executions.wave is 'Nodes of one wave run side by side; a wave begins when the one before is over.';
comment on column public.node_executions.retry_count is 'Attempts before the present one.';
comment on column public.node_executions.generation is 'Raised when an operator reruns the node.';
comment on column public.node_executions.error is 'Why it failed, or the reason why it was skipped.';

-- events ---------------------------------------------------------------------------------------------------------------

create table public.events (
  id           uuid not null default public.mbflow_uuid(),
  execution_id uuid not null references public.executions (id) on delete restrict,
  sequence     bigint not null,
  event_type   varchar(100) not null,
  payload      jsonb not null default '{}',
  created_at   timestamptz(3) not null default now(),
  constraint events_pkey primary key (execution_id, sequence),
  constraint events_sequence_check check (sequence >= 1)
) partition by range (execution_id);
create index events_event_type_created_at_idx on public.events (event_type, created_at);

comment on table public.events is 'The log everything else is folded from: append-only, gapless per execution. One partition per month of the execution''s id.';
comment on column public.events.id is 'Unique name of the event. Not the primary key: PostgreSQL wants the partition key in it.';
comment on column public.events.sequence is '1..n within the execution.';
comment on column public.events.payload is 'What happened, by event_type.';

create function public.mbflow_refuse_event_change() returns trigger
language plpgsql set search_path = pg_catalog
as $$
begin
  raise exception 'events are immutable: % refused', tg_op
    using errcode = 'restrict_violation', hint = 'History is only ever removed a month at a time, by retention.';
end
$$;
comment on function public.mbflow_refuse_event_change() is 'Refuses whatever it is a trigger for.';

create trigger events_never_truncated before truncate on public.events
  for each statement execute function public.mbflow_refuse_event_change();
alter table public.events enable always trigger events_never_truncated;
revoke update, delete, truncate on public.events from public;

-- The guards stand on every partition, not on the parent alone: a partition that retention detaches stays guarded.
create function public.mbflow_add_event_partition(partition text, bounds text, purpose text) returns void
language plpgsql set search_path = pg_catalog
as $$
begin
  execute format('create table public.%I (like public.events including defaults including constraints including comments)', partition);
  execute format('comment on table public.%I is %L', partition, purpose);
  execute format('alter table public.events attach partition public.%I %s', partition, bounds);
  execute format('create trigger events_immutable before update or delete on public.%I
    for each row execute function public.mbflow_refuse_event_change()', partition);
  execute format('create trigger events_never_truncated before truncate on public.%I
    for each statement execute function public.mbflow_refuse_event_change()', partition);
  execute format('alter table public.%I enable always trigger events_immutable', partition);
  execute format('alter table public.%I enable always trigger events_never_truncated', partition);
  execute format('revoke update, delete, truncate on public.%I from public', partition);
end
$$;
comment on function public.mbflow_add_event_partition(text, text, text) is
  'Makes a partition of events that refuses UPDATE, DELETE and TRUNCATE, also to its owner and in replication roles.';

select public.mbflow_add_event_partition('events_default', 'default', 'Events of executions whose month has no partition (yet).');
