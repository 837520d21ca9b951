-- Pools: whose workers have the turn of an execution.

alter table public.executions
  add column pool text,
  add constraint executions_pooled_somewhere check (parked_reason <> 'pool' or pool is not null);

comment on column public.executions.pool is
  'The pool whose workers have its turn, or, with parked_reason pool, are to take it; null: those of the default.';
