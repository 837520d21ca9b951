comment on column public.executions.parked_reason is 'Why it holds no worker though it is running.';
comment on column public.node_executions.id is 'Also the idempotency key its side effects carry, the same in every attempt.';
