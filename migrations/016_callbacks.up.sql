-- The URLs where nodes are called back.

create table public.callbacks (
  token_hash   bytea primary key,
  execution_id uuid not null references public.executions (id) on delete cascade,
  node_id      uuid not null references public.nodes (id) on delete restrict,
  generation   integer not null,
  schema       jsonb,
  created_at   timestamptz(3) not null default now(),
  constraint callbacks_token_hash_check check (octet_length(token_hash) = 32),
  constraint callbacks_generation_check check (generation >= 0)
);
create index callbacks_execution_id_idx on public.callbacks (execution_id);
create index callbacks_node_id_idx on public.callbacks (node_id);

comment on table public.callbacks is 'Which node of which execution a URL calls back. Every attempt that asks for a call makes one; whichever is used first counts.';
comment on column public.callbacks.token_hash is 'SHA-256 of the token in the URL, which is stored nowhere.';
comment on column public.callbacks.generation is 'Of the node; one that an operator reran since is not called back by it.';
comment on column public.callbacks.schema is 'What is posted must fit it, if there is one.';
