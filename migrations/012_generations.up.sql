-- What columns mean since executions can be paused and nodes rerun.

comment on column public.executions.parked_reason is 'Why it holds no worker though it is not over.';
comment on column public.node_executions.id is
  'Also the idempotency key its side effects carry, the same in every attempt; those of a later generation carry one derived from it.';
