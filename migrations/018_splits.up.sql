-- Splits: nodes whose items run as executions of their own.

create table public.splits (
  execution_id  uuid not null references public.executions (id) on delete cascade,
  node_id       uuid not null references public.nodes (id) on delete restrict,
  generation    integer not null,
  sequence      bigint not null,
  total         integer not null,
  max_parallel  integer not null,
  on_item_error text not null,
  next_index    integer not null default 0,
  status        text not null default 'open',
  created_at    timestamptz(3) not null default now(),
  constraint splits_pkey primary key (execution_id, node_id, generation),
  constraint splits_on_item_error_check check (on_item_error in ('fail', 'collect')),
  constraint splits_status_check check (status in ('open', 'stopping', 'ended')),
  constraint splits_counters_check check (generation >= 0 and sequence >= 1 and total >= 1 and max_parallel >= 1
    and next_index between 0 and total)
);
create index splits_node_id_idx on public.splits (node_id);
create index splits_unfinished_idx on public.splits (execution_id) where status <> 'ended';
create index executions_items_open_idx on public.executions (parent_execution_id, parent_node_id, generation, item_index)
  where parent_execution_id is not null and status in ('pending', 'running', 'paused');
create index executions_items_failed_idx on public.executions (parent_execution_id, parent_node_id, generation, item_index)
  where parent_execution_id is not null and status in ('failed', 'cancelled');

comment on table public.splits is 'Split nodes whose items run, or ran: how far their executions have been made. How many are open or have failed is asked of these executions themselves.';
comment on column public.splits.generation is 'Of the node; a rerun makes a row, and executions, of its own.';
comment on column public.splits.sequence is 'The event of the execution that holds the items.';
comment on column public.splits.total is 'How many items there are.';
comment on column public.splits.max_parallel is 'How many items may be open at once.';
comment on column public.splits.on_item_error is 'fail: one that fails ends the others, and fails the node. collect: the others go on.';
comment on column public.splits.next_index is 'The items before it have their executions; after a retry, the first that was not looked at again.';
comment on column public.splits.status is 'open; stopping: the node has ended before its items, and those that are open are cancelled; ended: none is open any more.';
